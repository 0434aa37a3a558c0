"""How messages for people show values, spans of time and errors: values as JSON writes them, the others in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

_LONGEST = 80

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def shown(value: Any, longest: int = _LONGEST) -> str:
    """Return a JSON value as JSON writes it, cut where it is long: `true`, `null`, `"text"`, `[1, 2]`."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "a value that nests too deeply"
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def bare(value: Any) -> str:
    """Return a text as it is, for where it stands alone, and any other JSON value as JSON writes it, whole."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def choices(values: Iterable[Any], word: str = "or") -> str:
    """Return values that there are to choose from, the last one behind `word`: `"add", "modify" or "delete"`."""
    return listed(map(shown, values), word)


def listed(texts: Iterable[str], word: str = "and") -> str:
    """Return texts one after another, the last one behind `word`: `a, b and c`."""
    *others, last = texts
    return f"{', '.join(others)} {word} {last}" if others else last


def place(location: Iterable[int | str]) -> str:
    """Return where something is in a body: `relatedParty[0].id`."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def span(length: timedelta) -> str:
    """Return a span of time in the units that it has some of: `3 days`, `1 hour 30 minutes`, `0.5 seconds`."""
    seconds, parts = abs(length.total_seconds()), []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(_counted(int(count), unit))
    if seconds or not parts:
        parts.append(_counted(round(seconds, 3), "second"))
    return ("-" if length < timedelta(0) else "") + " ".join(parts)


def reason_of(error: BaseException) -> str:
    """Return what an error says, or, of one that says nothing, its kind in words: `read timeout`."""
    return str(error) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()


def _counted(count: float, unit: str) -> str:
    return f"{count:g} {unit}" if count == 1 else f"{count:g} {unit}s"
