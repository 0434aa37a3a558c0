"""One SQL database, SQLite or PostgreSQL by URL, with reading and writing transactions."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import asyncpg  # type: ignore[import-untyped]  # has no annotations
from sqlalchemy import Connection, MetaData, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

BUSY_TIMEOUT_MS = 30_000
PREPARE_LOCK = 7_220_641
DRIVERS = {"sqlite": "sqlite+pysqlite", "postgres": "postgresql+asyncpg", "postgresql": "postgresql+asyncpg"}
NOTIFIED = "notified"

P = ParamSpec("P")
T = TypeVar("T")

_WHILE_CONNECTING = (OSError, SQLAlchemyError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError)


class UnreachableError(Exception):
    """The database is not there, or does not let the system in; the message says where it was looked for, and why."""


def notify(connection: Connection, channel: str) -> None:
    """Wake who listens on ``channel`` in this process, when the transaction of ``connection`` has committed."""
    connection.info.setdefault(NOTIFIED, set()).add(channel)


class Database:
    """Transactions on the database at ``url``: functions that are given a connection, and never wait for anything else.

    Raises ValueError for what is no such URL, and for a SQLite database in memory: its one connection cannot hold two
    transactions apart.
    """

    def __init__(self, url: str, *tables: MetaData) -> None:
        self._url = _url(url)
        self._tables = tables
        self._channels: dict[str, asyncio.Event] = {}
        if self._url.get_backend_name() == "sqlite" and self._url.database in (None, "", ":memory:"):
            raise ValueError("a reference system needs a SQLite file or PostgreSQL, not a database in memory")
        self._backend = _SQLite(self._url) if self._url.get_backend_name() == "sqlite" else _PostgreSQL(self._url)

    async def prepare(self, seed: Callable[[Connection], None] = lambda _: None) -> None:
        """Make the missing tables, and ``seed`` in the same transaction; processes that start together take turns."""

        def make(connection: Connection) -> None:
            self._backend.take_turns(connection)
            for tables in self._tables:
                tables.create_all(connection)
            seed(connection)

        await self.writing(make)

    async def reach(self) -> None:
        """Try whether the database is there, before anything is served. Raises UnreachableError."""
        try:
            await self.prepare()
        except _WHILE_CONNECTING as error:
            where = self._url.set(drivername=self._url.get_backend_name()).render_as_string(hide_password=True)
            raise UnreachableError(f"the database {where} cannot be reached: {_why(error)}") from error
        finally:
            # Its connections belong to the event loop of this attempt.
            await self.close()

    async def writing(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``work`` returns, in a transaction that commits then, and rolls back when it raises."""

        def run(connection: Connection) -> tuple[T, set[str]]:
            return work(connection, *args, **kwargs), connection.info.pop(NOTIFIED, set())

        result, notified = await self._backend.writing(run)
        for channel in notified:
            self.listen(channel).set()
        return result

    async def reading(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``work`` reads in few rows, in a transaction that sees one state of the database."""
        return await self._backend.reading(lambda connection: work(connection, *args, **kwargs))

    async def scanning(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for ``work`` that may read many rows, and keeps nobody waiting meanwhile."""
        return await self._backend.scanning(lambda connection: work(connection, *args, **kwargs))

    def listen(self, channel: str) -> asyncio.Event:
        """What is set whenever a transaction that notified ``channel`` has committed; who listens clears it."""
        return self._channels.setdefault(channel, asyncio.Event())

    async def close(self) -> None:
        """Close every connection."""
        await self._backend.close()


class _Backend(Protocol):
    def take_turns(self, connection: Connection) -> None: ...
    async def writing(self, work: Callable[[Connection], T]) -> T: ...
    async def reading(self, work: Callable[[Connection], T]) -> T: ...
    async def scanning(self, work: Callable[[Connection], T]) -> T: ...
    async def close(self) -> None: ...


class _SQLite:
    """A file in WAL mode: readers never wait, and a writer takes the write lock when its transaction begins.

    All but long reading is done on the event loop itself: a whole transaction takes less than handing over each of its
    statements to a thread would. The write lock is thus held for moments, and it is waited for only while another
    process has it.
    """

    def __init__(self, url: URL) -> None:
        self._file = Path(url.database or "")
        self._engine = create_engine(url)
        self._connection: Connection | None = None
        event.listen(self._engine, "connect", _set_up_sqlite)

    def take_turns(self, _connection: Connection) -> None:
        """Every writer has the whole database for itself."""

    async def writing(self, work: Callable[[Connection], T]) -> T:
        return await self._run("BEGIN IMMEDIATE", work)

    async def reading(self, work: Callable[[Connection], T]) -> T:
        return await self._run("BEGIN", work)

    async def scanning(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._scan, work)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    async def _run(self, begin: str, work: Callable[[Connection], T]) -> T:
        # Who does one transaction after the other lets all else run in between.
        await asyncio.sleep(0)
        if self._connection is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._engine.connect()
        with self._connection.begin():
            # By the driver itself: for one statement as short as this SQLAlchemy takes ten times as long.
            self._connection.connection.cursor().execute(begin)
            return work(self._connection)

    def _scan(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN")
            return work(connection)


class _PostgreSQL:
    def __init__(self, url: URL) -> None:
        self._engine = create_async_engine(url)

    def take_turns(self, connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PREPARE_LOCK})

    async def writing(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def reading(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    scanning = reading

    async def close(self) -> None:
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


def _url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("sqlite", "postgres", "postgresql"):
        raise ValueError("a database is sqlite:///path or postgresql://user:password@host/database")
    return parsed.set(drivername=DRIVERS[parsed.get_backend_name()])


def _set_up_sqlite(dbapi_connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: it would take the write lock too late.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", f"busy_timeout = {BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
