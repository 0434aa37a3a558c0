"""The order store's database: an SQLite file (WAL) when embedded, PostgreSQL in production.

database = open_database("sqlite:///orders.db")
await database.write(lambda connection: connection.execute(...))
found = await database.read(lambda connection: connection.scalar(...))
await database.close()
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import asyncpg  # type: ignore[import-untyped]  # has no annotations
from sqlalchemy import ColumnElement, Connection, Insert, Table, exc, select
from sqlalchemy.dialects import postgresql, sqlite

from store.errors import StoreUnavailableError
from store.sql.engines import Transactions, transactions
from store.sql.tables import orders
from store.sql.writer import Work, Writer
from tmf.words import reason_of

T = TypeVar("T")
A = TypeVar("A")

LIST_TIMEOUT = timedelta(seconds=5)
"""How long the database may take for one list, where nothing else is said."""

PAGE_BYTES = 8 * 1024 * 1024
"""How many bytes of documents one page of a list has at most, where nothing else is said."""

_WHILE_CONNECTING = (OSError, exc.TimeoutError, sqlite3.DatabaseError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What the drivers raise without SQLAlchemy's wrapping, which they do only before there is a connection."""
_RETRYABLE_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}
_RETRYABLE_CLASSES = ("08", "25006", "40", "42703", "42P01", "53", "55", "57", "58")
"""SQLSTATEs of a database that may serve later: no connection, a replica, a deadlock, not migrated yet, no resources,
in use, shutting down, I/O error."""
_NOT_MIGRATED = re.compile(r"^no such (table|column)|^table \S+ has no column named")
"""What SQLite says, without a code of its own, of a database that is not migrated yet."""


class Database:
    """An open database: transactions to read and to write in, until it is closed.

    What is done in a transaction is a function of its connection, which is called in a thread on SQLite.
    """

    def __init__(
        self, engine: Transactions, list_timeout: timedelta = LIST_TIMEOUT, page_bytes: int = PAGE_BYTES
    ) -> None:
        self._engine = engine
        self.page_bytes = page_bytes
        # SQLite has one writer at a time. PostgreSQL has many: there only what the same function writes goes together,
        # so that no lock is waited for in a transaction that holds others'.
        self._writer = Writer(engine.transact) if engine.dialect == "sqlite" else None
        self._writers: dict[object, Writer] = {}
        self._list_timeout = list_timeout.total_seconds()
        self.dialect = engine.dialect

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function in a transaction whose statements all see the same moment.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        with unavailability():
            return await self._engine.read(work)

    async def list(self, work: Callable[[Connection], T]) -> T:
        """Run a function as `read` does, for a list: what it takes is bounded.

        Raises:
            ListTimeoutError: when it takes too long.
            StoreUnavailableError: when the database cannot serve.
        """

        def bounded(connection: Connection) -> T:
            with self._engine.limited(connection, self._list_timeout):
                return work(connection)

        with unavailability():
            return await self._engine.read(bounded)

    async def write(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """Run a function in a transaction, with others' perhaps, and return its result when that is committed.

        It has no effects but on the database: it is run again when another one of the transaction failed.

        Args:
            durable: whether it must outlast a power cut from then on; else that may cost what was written last.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        with unavailability():
            if self._writer is None:
                return await self._engine.transact(work, durable=durable)
            return await self._writer.write(lambda connection, _: [work(connection)], None, durable=durable)

    async def write_together(self, work: Work[A, T], argument: A, *, durable: bool = True) -> T:
        """Write as `write` does, by one call for all that wait to have something written by the same function.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        writer = self._writer or self._writers.setdefault(work, Writer(self._engine.transact))
        with unavailability():
            return await writer.write(work, argument, durable=durable)

    def insert_if_absent(self, table: Table) -> Insert:
        """Return an insertion that changes nothing where a row with that key is there already."""
        return self._insert(table).on_conflict_do_nothing()

    def insert_or_update(self, table: Table, where: ColumnElement[bool] | None = None) -> Insert:
        """Return an insertion that replaces the row with that key, only where `where` holds of it if that is given."""
        statement = self._insert(table)
        replaced = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
        return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced, where=where)

    async def ping(self) -> None:
        """Return when the database answers and has the store's tables.

        Raises:
            StoreUnavailableError: when it does not.
        """
        await self.read(lambda connection: connection.execute(select(orders.c.id).limit(1)).first())

    async def close(self) -> None:
        """Close all connections, when all is written that was to be."""
        for writer in filter(None, (self._writer, *self._writers.values())):
            await writer.close()
        await self._engine.close()

    def _insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        return postgresql.insert(table) if self.dialect == "postgresql" else sqlite.insert(table)


def open_database(url: str, list_timeout: timedelta = LIST_TIMEOUT, page_bytes: int = PAGE_BYTES) -> Database:
    """Open the database at `url`, `sqlite:///path` or `postgresql://…`; connections are made when needed.

    Args:
        list_timeout: how long it may take for one list.
        page_bytes: how many bytes of documents one page of a list has at most.

    Raises:
        UnsupportedDatabaseError: when the URL names neither an SQLite file nor a PostgreSQL database.
    """
    return Database(transactions(url), list_timeout, page_bytes)


@contextmanager
def unavailability() -> Iterator[None]:
    """Turn what drivers raise when a database cannot serve into StoreUnavailableError."""
    try:
        yield
    except _WHILE_CONNECTING as error:
        raise StoreUnavailableError(f"the order store cannot be reached: {reason_of(error)}") from error
    except exc.DBAPIError as error:
        if error.connection_invalidated or _may_serve_later(error):
            raise StoreUnavailableError(f"the order store cannot serve: {error.orig}") from error
        raise


def _may_serve_later(error: exc.DBAPIError) -> bool:
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is not None:
        return str(sqlstate).startswith(_RETRYABLE_CLASSES)
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is None:
        return isinstance(error, exc.InterfaceError)
    return code & 0xFF in _RETRYABLE_CODES or _NOT_MIGRATED.search(str(error.orig)) is not None
