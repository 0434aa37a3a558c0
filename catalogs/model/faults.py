"""Faults of a catalog: what is wrong, in which file, line and path, all of them at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Loc = Sequence[str | int]


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with a catalog; `line` counts from 1, `path` reads `productOffering[2].name`."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


class CatalogFaultsError(Exception):
    """The catalogs cannot be used; `faults` has every reason, by file and line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        count = len(self.faults)
        super().__init__(f"{count} catalog fault{'s' * (count != 1)}:\n" + "\n".join(map(str, self.faults)))


def dotted(loc: Loc) -> str:
    """Return a path in JSON's manner: `fulfilment.services[0].key`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known name that is most like it, or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""
