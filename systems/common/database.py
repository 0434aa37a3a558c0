"""One SQL database, SQLite or PostgreSQL by URL, with reading and writing transactions."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # has no annotations
from sqlalchemy import MetaData, event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

BUSY_TIMEOUT_MS = 30_000
PREPARE_LOCK = 7_220_641
ASYNC_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}


_WHILE_CONNECTING = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)


class UnreachableError(Exception):
    """The database is not there, or does not let the system in; the message says where it was looked for, and why."""


class Database:
    """Transactions on the database at ``url``.

    SQLite runs in WAL mode: readers never wait, and a writer takes the write lock when its transaction begins, so that
    what it has read cannot change before it commits. Writers of one process take turns fairly before they meet
    SQLite's own lock, which is held only against other processes.

    Raises ValueError for what is no such URL, and for a SQLite database in memory: its one connection cannot hold two
    transactions apart.
    """

    def __init__(self, url: str, *tables: MetaData) -> None:
        self._url = _async_url(url)
        self._tables = tables
        self._sqlite = self._url.get_backend_name() == "sqlite"
        if self._sqlite and self._url.database in (None, "", ":memory:"):
            raise ValueError("a reference system needs a SQLite file or PostgreSQL, not a database in memory")
        self._turn = asyncio.Lock()
        self._engine = create_async_engine(self._url)
        if self._sqlite:
            event.listen(self._engine.sync_engine, "connect", _set_up_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin_sqlite)
        self._writer = self._engine.execution_options(writes=True)

    @asynccontextmanager
    async def preparing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction in which the missing tables have been made; processes that start together take turns."""
        if self._sqlite and self._url.database:
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        async with self.writing() as connection:
            if not self._sqlite:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PREPARE_LOCK})
            for tables in self._tables:
                await connection.run_sync(tables.create_all)
            yield connection

    async def reach(self) -> None:
        """Try whether the database is there, before anything is served. Raises UnreachableError."""
        try:
            async with self.preparing():
                pass
        except _WHILE_CONNECTING as error:
            where = self._url.set(drivername=self._url.get_backend_name()).render_as_string(hide_password=True)
            raise UnreachableError(f"the database {where} cannot be reached: {_why(error)}") from error
        finally:
            # Its connections belong to the event loop of this attempt.
            await self.close()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits when the block ends and rolls back when it raises."""
        if not self._sqlite:
            async with self._writer.begin() as connection:
                yield connection
            return
        async with self._turn, self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the database and changes nothing."""
        async with self._engine.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def _why(error: BaseException) -> str:
    """What the operating system, or the database, says of a connection that was not made."""
    if isinstance(error, SQLAlchemyError):
        return str(getattr(error, "orig", None) or error)
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, OSError):
        # Asyncio writes addresses as Python does; where a name cannot be looked up, the number is negative.
        said = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        return said or "nothing answers there"
    return str(error)


def _async_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("sqlite", "postgres", "postgresql"):
        raise ValueError("a database is sqlite:///path or postgresql://user:password@host/database")
    return parsed.set(drivername=ASYNC_DRIVERS.get(parsed.drivername, parsed.drivername))


def _set_up_sqlite(dbapi_connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: it would take the write lock too late.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", f"busy_timeout = {BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
