"""The store's tests run on SQLite always, and on PostgreSQL where ORDERSAGA_TEST_POSTGRES has the URL of a server."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from store.begun_calls import BegunCalls
from store.cancellations import CancelStore
from store.orders import OrderStore
from store.plans import PlanStore
from store.qualifications import QualificationStore
from store.resource_locks import ResourceLocks
from store.revisions import RevisionStore
from store.sql.database import Database, open_database
from store.sql.migration import migrate
from store.sql.tables import metadata
from store.tasks import TaskStore


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "postgresql" and "ORDERSAGA_TEST_POSTGRES" not in os.environ:
        pytest.skip("ORDERSAGA_TEST_POSTGRES names no PostgreSQL server")
    return str(request.param)


@asynccontextmanager
async def postgresql_database() -> AsyncIterator[str]:
    """Make an empty database on the test server, give its URL, and drop it."""
    server = make_url(os.environ["ORDERSAGA_TEST_POSTGRES"]).set(drivername="postgresql+asyncpg")
    name = f"ordersaga_test_{uuid.uuid4().hex}"
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        async with engine.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        await engine.dispose()


@pytest.fixture
async def empty_url(anyio_backend: object, backend: str, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database without any table."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        async with postgresql_database() as url:
            yield url


@pytest.fixture(scope="session")
async def migrated_url(anyio_backend: object, backend: str, migrated_store: Path) -> AsyncIterator[str]:
    """The URL of a migrated database: of a file to copy, or of a database to clear."""
    if backend == "sqlite":
        yield f"sqlite:///{migrated_store}"
    else:
        async with postgresql_database() as url:
            await migrate(url)
            yield url


@pytest.fixture
async def database(anyio_backend: object, backend: str, migrated_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated database without any row."""
    url = migrated_url
    if backend == "sqlite":
        shutil.copy(url.removeprefix("sqlite:///"), tmp_path / "store.db")
        url = f"sqlite:///{tmp_path / 'store.db'}"
    # A busy machine may stop for seconds: what a list may take is for the tests of that alone.
    opened = open_database(url, list_timeout=timedelta(minutes=1))
    yield opened
    await opened.write(_clear)
    await opened.close()


def _clear(connection: Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        connection.execute(delete(table))


@pytest.fixture
def store(database: Database) -> OrderStore:
    return OrderStore(database)


@pytest.fixture
def plan_store(database: Database) -> PlanStore:
    return PlanStore(database)


@pytest.fixture
def tasks(database: Database) -> TaskStore:
    return TaskStore(database)


@pytest.fixture
def cancellations(database: Database) -> CancelStore:
    return CancelStore(database)


@pytest.fixture
def revisions(database: Database) -> RevisionStore:
    return RevisionStore(database)


@pytest.fixture
def locks(database: Database) -> ResourceLocks:
    return ResourceLocks(database)


@pytest.fixture
def begun(database: Database) -> BegunCalls:
    return BegunCalls(database)


@pytest.fixture
def qualifications(database: Database) -> QualificationStore:
    return QualificationStore(database)
