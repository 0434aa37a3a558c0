"""What all tests share."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
from temporalio.client import Client

from catalogs.model.catalog_set import CatalogSet
from logs import configure_logging
from store.sql.migration import migrate
from tests.engine import started_engine
from tests.guarded import guard
from tests.shipped import shipped_catalogs
from tests.stage import Stage
from tests.staging import staged


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main() -> Generator[None, int, int]:
    """End at once after the summary: an interpreter that used the Temporal SDK may abort when it ends."""
    code = yield
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long; all else stays in its order."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Leave what tests are made of out of the garbage collector's later rounds: none of it goes before the end."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Let no test end the task in which those after it run."""
    guard(pyfuncitem)
    return (yield)


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    configure_logging("console", "ERROR")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def shipped() -> CatalogSet:
    """The catalogs of the project itself."""
    return shipped_catalogs()


@pytest.fixture(scope="session")
async def migrated_store(anyio_backend: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store without orders, to be copied: migrating takes longer than a test."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    await migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def store_url(tmp_path: Path, migrated_store: Path) -> str:
    """The URL of an SQLite store of its own, without orders."""
    return f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'store.db')}"


@pytest.fixture(scope="session")
async def engine(anyio_backend: object) -> AsyncIterator[Client]:
    """A client of a Temporal server that lives as long as the tests."""
    async with started_engine() as client:
        yield client


@pytest.fixture(scope="session")
async def shared_stage(engine: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(engine, tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
async def stage(shared_stage: Stage) -> AsyncIterator[Stage]:
    """The whole product, running; without any fault when a test begins."""
    await shared_stage.heal()
    yield shared_stage
    await shared_stage.heal()
