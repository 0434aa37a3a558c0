"""The write transactions of an SQLite database, counted from outside: from its write-ahead log.

Each transaction ends with a frame that says how many pages the database then has
(https://www.sqlite.org/fileformat2.html#the_write_ahead_log).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

_HEADER, _FRAME_HEADER = 32, 24
_PAGE_SIZE, _SALTS = slice(8, 12), slice(16, 24)
"""Where the header of the log has them."""
_PAGES_AFTER, _FRAME_SALTS = slice(4, 8), slice(8, 16)
"""Where the header of a frame has them."""


@dataclass(slots=True)
class Writes:
    """What was written while the log was watched; known at the end of that."""

    transactions: int = 0
    pages: int = 0


@contextmanager
def watched(database: Path) -> Iterator[Writes]:
    """Count what all processes write to a database for the length of the block.

    A reader is held open meanwhile, so that the log is not begun anew.

    Raises:
        sqlite3.Error: when it is no database.
    """
    writes = Writes()
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        salts, before = _read(database)
        yield writes
        salts_after, after = _read(database)
    if salts_after != salts:
        # Begun anew just before the reader came: all that is in it is new.
        before = Writes()
    writes.transactions = after.transactions - before.transactions
    writes.pages = after.pages - before.pages


def _read(database: Path) -> tuple[bytes, Writes]:
    log = database.with_name(f"{database.name}-wal")
    content = log.read_bytes() if log.exists() else b""
    if len(content) < _HEADER:
        return b"", Writes()
    page, salts, found = int.from_bytes(content[_PAGE_SIZE]), content[_SALTS], Writes()
    for start in range(_HEADER, len(content) - _FRAME_HEADER - page + 1, _FRAME_HEADER + page):
        head = content[start : start + _FRAME_HEADER]
        if head[_FRAME_SALTS] != salts:
            break
        found.pages += 1
        found.transactions += any(head[_PAGES_AFTER])
    return salts, found
