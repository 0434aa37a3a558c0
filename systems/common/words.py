"""How messages for people show values: as JSON writes them."""

import json
from collections.abc import Sequence
from typing import Any

_LONGEST = 80


def shown(value: Any) -> str:
    """A JSON value as JSON writes it, cut where it is long: ``true``, ``null``, ``"text"``, ``[1, 2]``."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "a value that nests too deeply"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def place(path: Sequence[str | int]) -> str:
    """Where something is in a body: ``relatedParty[0].id``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
