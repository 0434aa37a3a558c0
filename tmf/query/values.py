"""Values of documents and of filters: what is at a path, and which number or moment a text writes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tmf.instants import read_day_or_instant, timestamp

_INSTANT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T(?P<minute>(?:[01][0-9]|2[0-3]):[0-5][0-9])(?::(?P<second>[0-5][0-9](?:\.[0-9]{1,9})?))?"
    r"(?P<offset>Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])?)?"
)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LOST_PLUS = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:[0-9]{2}$)")


def values_at(node: Any, names: Sequence[str]) -> Iterator[Any]:
    """Yield what is at the path, with arrays searched through, as PostgreSQL's JSON paths do in lax mode."""
    if not names:
        for each in _unwrapped(node):
            yield from _unwrapped(each)
        return
    for each in _unwrapped(node):
        if isinstance(each, dict) and names[0] in each:
            yield from values_at(each[names[0]], names[1:])


def _unwrapped(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


def texts_at(node: Any, path: str) -> Iterator[str]:
    """Return the scalars at a dotted path as text."""
    found = (as_text(each) for each in values_at(node, path.split(".")))
    return (each for each in found if each is not None)


def as_text(value: Any) -> str | None:
    """Return a JSON scalar as text: `true`, `2`, and strings as they are; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def as_instant(text: str) -> str | None:
    """Return an ISO 8601 time in the way the store writes it, in UTC; None where `text` is no time.

    A day alone is its first moment, and a time without an offset is in UTC. PostgreSQL's `order_instant` is the same.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    time = f"{found['minute'] or '00:00'}:{found['second'] or '00'}{found['offset'] or 'Z'}"
    try:
        return timestamp(datetime.fromisoformat(f"{found['day']}T{time}"))
    except (ValueError, OverflowError):
        return None


def written_instant(value: str) -> str | None:
    """Return the time that a filter's value writes, or the first moment of a day, as the store writes times.

    In an address `+` is a blank: one that stands before an offset is read as what it was.
    """
    try:
        return timestamp(read_day_or_instant(_LOST_PLUS.sub("+", value.strip())))
    except ValueError:
        return None


def written_number(text: str) -> int | float | None:
    """Return the number that a filter's value writes, as JSON writes numbers."""
    if len(text) > 100 or not _NUMBER.fullmatch(text):
        return None
    number: int | float = json.loads(text)
    return number if math.isfinite(number) else None
