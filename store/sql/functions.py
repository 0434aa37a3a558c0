"""Functions that SQLite asks back of Python for each document: PostgreSQL has its own for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from store.documents import read_json, write_json
from tmf.query.matching import admits, candidates, sort_key
from tmf.query.patterns import pattern
from tmf.query.query import Filter, Operator
from tmf.query.values import as_instant


def written_filter(kept: Filter) -> str:
    """Return a filter as `document_admits` takes it."""
    return write_json([kept.path, kept.values, kept.operator])


class Functions:
    """What one connection asks back, until a moment at which its statement has taken too long."""

    def __init__(self) -> None:
        self.end: float | None = None
        """By `time.monotonic`; the statement fails that asks later."""

    def all(self) -> list[tuple[Callable[..., Any], int]]:
        """Return the functions, by their names in SQL, each with how many arguments it has."""
        return [(self.document_admits, 2), (self.document_sort_key, 2), (self.matches_pattern, 2), (order_instant, 1)]

    def document_admits(self, document: str, kept: str) -> bool:
        """Return whether a document passes a filter; both are JSON as the store writes it."""
        read, traces = _read(kept)
        if not any(trace in document for trace in traces):
            return False
        return admits([read], read_json(document), self._look)

    def document_sort_key(self, document: str, path: str) -> int | float | str | bytes | None:
        """Return what a document is sorted by, of a type by which SQLite sorts numbers, text and truth values apart."""
        self._look()
        key = sort_key(read_json(document), _names(path))
        if key is None:
            return None
        value: bool | int | float | str
        _, value = key
        if isinstance(value, bool):
            return b"\1" if value else b"\0"
        # SQLite has whole numbers of 64 bits.
        return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value

    def matches_pattern(self, text: str | None, written: str) -> bool:
        """Return whether a pattern is found in a text; where there is none, it is not."""
        self._look()
        return text is not None and pattern(written).search(text)

    def _look(self) -> None:
        """Fail, and with it the statement, once it has taken too long: SQLite itself looks between two rows only."""
        if self.end is not None and time.monotonic() > self.end:
            raise TimeoutError


def order_instant(text: str | None) -> str | None:
    """Return an ISO 8601 time in the way the store writes it; None where `text` is no time."""
    return None if text is None else as_instant(text)


@lru_cache(maxsize=256)
def _read(kept: str) -> tuple[Filter, list[str]]:
    """Return a filter, and texts of which a document that passes has one: most need not be parsed then."""
    path, values, operator = read_json(kept)
    read = Filter(tuple(path), tuple(values), Operator(operator))
    if read.operator == Operator.EQ:
        return read, [write_json(each) if isinstance(each, str) else "" for each in candidates(read.values)]
    return read, [""]


@lru_cache(maxsize=256)
def _names(path: str) -> list[str]:
    return list(read_json(path))
