"""One SQL database, SQLite or PostgreSQL by URL, with reading and writing transactions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

BUSY_TIMEOUT_MS = 30_000
PREPARE_LOCK = 7_220_641
ASYNC_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}


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
