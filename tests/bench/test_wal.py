"""Write transactions, counted from outside."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench import wal


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
def writer(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE numbers (number INTEGER)")
        yield connection


def insert(writer: sqlite3.Connection, times: int) -> None:
    for number in range(times):
        writer.execute("INSERT INTO numbers VALUES (?)", (number,))


def test_each_commit_counts_once(database: Path, writer: sqlite3.Connection) -> None:
    insert(writer, 3)
    with wal.watched(database) as writes:
        insert(writer, 5)
    assert writes.transactions == 5
    assert writes.pages >= 5


def test_statements_of_one_transaction_count_once(database: Path, writer: sqlite3.Connection) -> None:
    with wal.watched(database) as writes:
        writer.execute("BEGIN")
        insert(writer, 5)
        writer.execute("COMMIT")
    assert writes.transactions == 1


def test_reads_and_what_is_taken_back_count_nothing(database: Path, writer: sqlite3.Connection) -> None:
    with wal.watched(database) as writes:
        writer.execute("SELECT * FROM numbers").fetchall()
        writer.execute("BEGIN")
        insert(writer, 1)
        writer.execute("ROLLBACK")
    assert writes.transactions == 0


def test_a_log_that_began_anew_is_counted_from_its_beginning(database: Path, writer: sqlite3.Connection) -> None:
    insert(writer, 4)
    writer.execute("PRAGMA wal_checkpoint(restart)")
    with wal.watched(database) as writes:
        insert(writer, 2)
    assert writes.transactions == 2


def test_more_than_the_log_is_kept_to_is_counted(database: Path, writer: sqlite3.Connection) -> None:
    writer.execute("PRAGMA wal_autocheckpoint = 4")
    with wal.watched(database) as writes:
        insert(writer, 40)
    assert writes.transactions == 40
