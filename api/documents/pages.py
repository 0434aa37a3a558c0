"""Pages of the documentation that have generated parts, between `<!-- generated: name -->` and `<!-- end -->`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

_MARKED = re.compile(r"(?P<begin><!-- generated: (?P<name>\w+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL)


def with_parts(page: str, part: Callable[[str], str]) -> str:
    """Return a page with every generated part as `part` makes it now, by its name; the rest stays as it is."""
    return _MARKED.sub(lambda found: f"{found['begin']}{part(found['name'])}{found['end']}", page)


def rewrite(path: Path, anew: Callable[[str], str]) -> None:
    """Write the page in a file anew."""
    path.write_text(anew(path.read_text(encoding="utf-8")), encoding="utf-8")


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of cells as a table in Markdown."""
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
