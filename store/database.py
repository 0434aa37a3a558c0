"""The order store's database: an SQLite file (WAL) when embedded, PostgreSQL in production.

database = open_database("sqlite:///orders.db")
async with database.write() as connection:
    await connection.execute(...)
await database.close()
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # has no annotations
from alembic import command
from alembic.config import Config
from sqlalchemy import ColumnElement, Connection, Insert, Table, event, exc, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from orders.words import reason_of
from store.documents import write_json
from store.errors import ListTimeoutError, StoreUnavailableError, UnsupportedDatabaseError
from store.functions import document_admits, document_sort_key, matches_pattern, order_instant
from store.tables import orders

BUSY_TIMEOUT = 10
"""Seconds to wait for another writer, for a connection from the pool, and for a server to answer a connect."""

LIST_TIMEOUT = timedelta(seconds=5)
"""How long the database may take for one list, where nothing else is said."""

_BUSY_PAUSE = 0.02
_STEPS_BETWEEN_LOOKS = 100
_QUERY_CANCELED = "57014"
_MIGRATION_LOCK = 0x6F72646572
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
_RETRYABLE_CLASSES = ("08", "25006", "40", "42P01", "53", "55", "57", "58")
"""SQLSTATEs of a database that may serve later: no connection, a replica, a deadlock, not migrated yet, no resources,
in use, shutting down, I/O error."""


class Database:
    """An open database: transactions to read and to write in, until it is closed."""

    def __init__(self, engine: AsyncEngine, list_timeout: timedelta = LIST_TIMEOUT) -> None:
        self._engine = engine
        self._list_timeout = list_timeout.total_seconds()
        self.dialect = engine.dialect.name
        self._turn: AbstractAsyncContextManager[Any] = nullcontext()
        if self.dialect == "sqlite":
            # SQLite's own waiting for a busy database is not fair: without turns a writer may wait till it gives up.
            self._turn = asyncio.Lock()
            self._reader, self._writer = engine, engine.execution_options(write=True)
        else:
            self._reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._writer = engine

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection whose statements all see the same moment.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        with _unavailability():
            async with self._reader.begin() as connection:
                yield connection

    @asynccontextmanager
    async def list(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection as `read` does, for a list: what it takes is bounded.

        Raises:
            ListTimeoutError: when it takes too long.
            StoreUnavailableError: when the database cannot serve.
        """
        limit = _limited_postgresql if self.dialect == "postgresql" else _limited_sqlite
        async with self.read() as connection:
            try:
                async with limit(connection, self._list_timeout):
                    yield connection
            except exc.DBAPIError as error:
                if _was_stopped(error):
                    raise ListTimeoutError(self._list_timeout) from error
                raise

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a transaction that is committed at the end, or rolled back on an error.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        with _unavailability():
            async with self._turn, self._writer.begin() as connection:
                yield connection

    def insert_if_absent(self, table: Table) -> Insert:
        """Return an insertion that changes nothing where a row with that key is there already."""
        return self._insert(table).on_conflict_do_nothing()

    def insert_or_update(self, table: Table, where: ColumnElement[bool]) -> Insert:
        """Return an insertion that replaces the row with that key where `where` holds of it, else changes nothing."""
        statement = self._insert(table)
        replaced = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
        return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced, where=where)

    async def ping(self) -> None:
        """Return when the database answers and has the store's tables.

        Raises:
            StoreUnavailableError: when it does not.
        """
        async with self.read() as connection:
            await connection.execute(select(orders.c.id).limit(1))

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    def _insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        return postgresql.insert(table) if self.dialect == "postgresql" else sqlite.insert(table)


def open_database(url: str, list_timeout: timedelta = LIST_TIMEOUT) -> Database:
    """Open the database at `url`, `sqlite:///path` or `postgresql://…`; connections are made when needed.

    Args:
        list_timeout: how long it may take for one list.

    Raises:
        UnsupportedDatabaseError: when the URL names neither an SQLite file nor a PostgreSQL database.
    """
    return Database(_engine(url), list_timeout)


async def migrate(url: str) -> None:
    """Bring the database's tables up to this release; safe when several processes do so at once.

    Raises:
        UnsupportedDatabaseError: as `open_database`.
        StoreUnavailableError: when the database cannot serve.
    """
    engine = _engine(url)
    database = Database(engine)
    try:
        if database.dialect == "sqlite":
            with _unavailability():
                await _switch_to_wal(engine)
        async with database.write() as connection:
            if database.dialect == "postgresql":
                await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            await connection.run_sync(_upgrade)
    finally:
        await database.close()


async def _switch_to_wal(engine: AsyncEngine) -> None:
    """Set the file's journal mode, which it keeps.

    SQLite does not wait for others here, whatever the time-out says, but fails at once: so we wait ourselves.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        while True:
            try:
                await driver.execute_fetchall("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_BUSY_PAUSE)


def _upgrade(connection: Connection) -> None:
    config = Config()
    scripts = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _engine(url: str) -> AsyncEngine:
    target = _with_driver(url)
    if target.get_backend_name() == "postgresql":
        return create_async_engine(
            target,
            json_serializer=write_json,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=10,
            pool_timeout=BUSY_TIMEOUT,
            connect_args={"timeout": BUSY_TIMEOUT},
        )
    engine = create_async_engine(
        target,
        json_serializer=write_json,
        pool_timeout=BUSY_TIMEOUT,
        # No implicit transactions of the driver's own: they begin below, so that a writer has its lock from the start.
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT},
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _with_driver(url: str) -> URL:
    """Return the URL with the asynchronous driver, and libpq's `sslmode` under that driver's name for it."""
    try:
        target = make_url(url)
    except exc.ArgumentError as error:
        raise UnsupportedDatabaseError("this is not a database URL") from error
    shown = target.render_as_string(hide_password=True)
    match target.drivername:
        case "sqlite" | "sqlite+aiosqlite":
            if not target.database or target.database == ":memory:" or "mode=memory" in url:
                raise UnsupportedDatabaseError(f"{shown}: the order store needs a file, as in sqlite:///orders.db")
            return target.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres" | "postgresql+asyncpg":
            query = {"ssl" if name == "sslmode" else name: value for name, value in target.query.items()}
            return target.set(drivername="postgresql+asyncpg", query=query)
        case _:
            raise UnsupportedDatabaseError(f"{shown}: the order store runs on sqlite:///path or postgresql://…")


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    functions = ((document_admits, 2), (document_sort_key, 2), (matches_pattern, 2), (order_instant, 1))
    for function, arguments in functions:
        connection.create_function(function.__name__, arguments, function, deterministic=True)
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@asynccontextmanager
async def _limited_postgresql(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    """Bound each statement of the transaction, and have it planned for the values that it is asked with.

    Compiling (`jit`) takes longer than what lists ask for, and so do more processes, but for reading all documents.
    """
    chosen = {
        "statement_timeout": str(int(seconds * 1000)),
        "jit": "off",
        "plan_cache_mode": "force_custom_plan",
        "parallel_setup_cost": "10000",
    }
    await connection.execute(select(*(func.set_config(name, value, True) for name, value in chosen.items())))
    yield


@asynccontextmanager
async def _limited_sqlite(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    end = time.monotonic() + seconds
    await driver.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        await driver.set_progress_handler(None, 0)


def _was_stopped(error: exc.DBAPIError) -> bool:
    sqlite_code = getattr(error.orig, "sqlite_errorcode", None)
    return sqlite_code == sqlite3.SQLITE_INTERRUPT or getattr(error.orig, "sqlstate", None) == _QUERY_CANCELED


@contextmanager
def _unavailability() -> Iterator[None]:
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
    return code & 0xFF in _RETRYABLE_CODES or str(error.orig).startswith("no such table")
