"""The two kinds of database behind the order store, each as transactions that a function is run in.

On SQLite a function runs in a thread, from begin to commit in one go: there is one thread that writes. On PostgreSQL
it runs on the event loop, as SQLAlchemy runs what is written for plain connections on an asynchronous driver.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, create_engine, event, exc, func, select
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from store.documents import read_json, write_json
from store.errors import ListTimeoutError, UnsupportedDatabaseError
from store.sql.functions import Functions

T = TypeVar("T")

BUSY_TIMEOUT = 10
"""Seconds to wait for another writer, for a connection from the pool, and for a server to answer a connect."""

_MIGRATION_LOCK = 0x6F72646572
_TURN_PAUSE = 0.2
"""Seconds between two looks whether another process migrates still."""
_READERS = 10
_BUSY_PAUSE = 0.02
_STEPS_BETWEEN_LOOKS = 100
_QUERY_CANCELED = "57014"
_JSON: dict[str, Any] = {"json_serializer": write_json, "json_deserializer": read_json}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a PostgreSQL server, or this process, waits for what may never come, in seconds.

    Without, a machine that drops off the network keeps what it has locked until TCP notices, after hours.
    """

    statement: float | None = 60
    """For one statement; None bounds none, as for a migration. The driver waits a little longer for the answer."""
    lock: float = BUSY_TIMEOUT
    """For a lock that another transaction has."""
    idle: float = 30
    """For the next statement of a transaction, which is rolled back then."""
    silence: float = 30
    """For a sign of life of the other side."""

    def of_driver(self) -> dict[str, Any]:
        """Return asyncpg's arguments."""
        server = {
            "statement_timeout": _milliseconds(self.statement or 0),
            "lock_timeout": _milliseconds(self.lock),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle),
            "tcp_keepalives_idle": str(int(self.silence / 2)),
            "tcp_keepalives_interval": str(int(self.silence / 6)),
            "tcp_keepalives_count": "3",
            "tcp_user_timeout": _milliseconds(self.silence),
        }
        answer = None if self.statement is None else self.statement + BUSY_TIMEOUT
        return {"timeout": BUSY_TIMEOUT, "command_timeout": answer, "server_settings": server}


class Transactions(Protocol):
    """A database, by what the store needs of it; drivers' errors come as they are."""

    @property
    def dialect(self) -> str:
        """Return SQLAlchemy's name for the kind of database."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function in a transaction whose statements all see the same moment."""

    async def transact(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """Run a function in a transaction that is committed at its end, or rolled back on an error."""

    def limited(self, connection: Connection, seconds: float) -> AbstractContextManager[None]:
        """Bound how long a list may take.

        Raises:
            ListTimeoutError: when it takes longer.
        """

    async def prepare(self) -> None:
        """Make ready what migrations do not."""

    async def migrate(self, work: Callable[[Connection], T]) -> T:
        """Run a function that changes tables, while no other process does so."""

    async def close(self) -> None:
        """Close all connections."""


class Sqlite:
    """An SQLite file (WAL), which has one writer at a time among all processes."""

    dialect = "sqlite"

    def __init__(self, url: URL) -> None:
        self._reading, self._writing = _sqlite_engine(url), _sqlite_engine(url)
        self._begun = {durable: self._writing.execution_options(durable=durable) for durable in (True, False)}
        self._readers = ThreadPoolExecutor(_READERS, "store-reader")
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._open = [(self._readers, self._reading), (self._writer, self._writing)]

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function in a transaction whose statements all see the same moment."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, _in_transaction, self._reading, work)

    async def transact(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """Run a function in a transaction that is committed at its end, or rolled back on an error."""
        begun = self._begun[durable]
        return await asyncio.get_running_loop().run_in_executor(self._writer, _in_transaction, begun, work)

    @contextmanager
    def limited(self, connection: Connection, seconds: float) -> Iterator[None]:
        """Bound how long a list may take."""
        driver: Any = connection.connection.driver_connection
        functions: Functions = connection.info["functions"]
        functions.end = end = time.monotonic() + seconds
        driver.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)
        try:
            yield
        except exc.OperationalError as error:
            if time.monotonic() > end:
                raise ListTimeoutError(seconds) from error
            raise
        finally:
            driver.set_progress_handler(None, 0)
            functions.end = None

    async def prepare(self) -> None:
        """Set the file's journal mode, which it keeps."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._switch_to_wal)

    async def migrate(self, work: Callable[[Connection], T]) -> T:
        """Run a function that changes tables, while no other process does so: a file has one writer."""
        return await self.transact(work)

    async def close(self) -> None:
        """Close all connections; again, where that was done already, it does nothing."""
        open_ones, self._open = self._open, []
        for threads, engine in open_ones:
            await asyncio.get_running_loop().run_in_executor(threads, engine.dispose)
            threads.shutdown(wait=False)

    def _switch_to_wal(self) -> None:
        """SQLite does not wait for others here, whatever the time-out says, but fails at once: so we wait ourselves."""
        deadline = time.monotonic() + BUSY_TIMEOUT
        with self._writing.connect() as connection:
            driver: Any = connection.connection.driver_connection
            while True:
                try:
                    driver.execute("PRAGMA journal_mode=WAL")
                    return
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                        raise
                time.sleep(_BUSY_PAUSE)


class Postgresql:
    """A PostgreSQL database."""

    dialect = "postgresql"

    def __init__(self, url: URL, patience: Patience) -> None:
        self._engine = create_async_engine(
            url,
            **_JSON,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=10,
            pool_timeout=BUSY_TIMEOUT,
            connect_args=patience.of_driver(),
        )
        self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function in a transaction whose statements all see the same moment."""
        async with self._reader.begin() as connection:
            return await connection.run_sync(work)

    async def transact(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """Run a function in a transaction that is committed at its end, or rolled back on an error."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    @contextmanager
    def limited(self, connection: Connection, seconds: float) -> Iterator[None]:
        """Bound each statement of a list, and have it planned for the values that it is asked with.

        Compiling (`jit`) takes longer than what lists ask for, and so do more processes, but for reading all documents.
        """
        chosen = {
            "statement_timeout": str(int(seconds * 1000)),
            "jit": "off",
            "plan_cache_mode": "force_custom_plan",
            "parallel_setup_cost": "10000",
        }
        connection.execute(select(*(func.set_config(name, value, True) for name, value in chosen.items())))
        try:
            yield
        except exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == _QUERY_CANCELED:
                raise ListTimeoutError(seconds) from error
            raise

    async def prepare(self) -> None:
        """There is nothing that migrations do not."""

    async def migrate(self, work: Callable[[Connection], T]) -> T:
        """Run a function that changes tables, while no other process does so; it begins transactions of its own.

        Who waits for its turn does so outside of any: an index that is made meanwhile would wait for it for ever.
        """
        async with self._engine.connect() as connection:
            while not await connection.scalar(select(func.pg_try_advisory_lock(_MIGRATION_LOCK))):
                await connection.rollback()
                await asyncio.sleep(_TURN_PAUSE)
            await connection.rollback()
            try:
                return await connection.run_sync(work)
            finally:
                # The lock is the session's, and goes with it.
                await connection.invalidate()

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


def transactions(url: str, patience: Patience = Patience()) -> Transactions:
    """Return the database at `url`, `sqlite:///path` or `postgresql://…`; connections are made when needed.

    Raises:
        UnsupportedDatabaseError: when the URL names neither an SQLite file nor a PostgreSQL database.
    """
    try:
        target = make_url(url)
    except exc.ArgumentError as error:
        raise UnsupportedDatabaseError("this is not a database URL") from error
    shown = target.render_as_string(hide_password=True)
    match target.drivername:
        case "sqlite":
            if not target.database or target.database == ":memory:" or "mode=memory" in url:
                raise UnsupportedDatabaseError(f"{shown}: the order store needs a file, as in sqlite:///orders.db")
            return Sqlite(target)
        case "postgresql" | "postgres" | "postgresql+asyncpg":
            # libpq's `sslmode` has another name in the asynchronous driver.
            query = {"ssl" if name == "sslmode" else name: value for name, value in target.query.items()}
            return Postgresql(target.set(drivername="postgresql+asyncpg", query=query), patience)
        case _:
            raise UnsupportedDatabaseError(f"{shown}: the order store runs on sqlite:///path or postgresql://…")


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def _in_transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        **_JSON,
        pool_size=_READERS,
        # No implicit transactions of the driver's own: they begin below, so that a writer has its lock from the start.
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    driver: Any = connection
    functions = record.info["functions"] = Functions()
    for function, arguments in functions.all():
        driver.create_function(function.__name__, arguments, function, deterministic=True)
    driver.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    """Begin to read or, where it is said whether it is to be durable, to write."""
    driver: Any = connection.connection.driver_connection
    durable = connection.get_execution_options().get("durable")
    if durable is not None and connection.info.get("durable") != durable:
        driver.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.info["durable"] = durable
    driver.execute("BEGIN" if durable is None else "BEGIN IMMEDIATE")
