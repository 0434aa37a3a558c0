"""The three systems, called without a server, on SQLite and, where ORDERSAGA_TEST_POSTGRES names one, PostgreSQL."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from systems.activation.app import create_app as create_activation
from systems.billing.app import create_app as create_billing
from systems.inventory.app import create_app as create_inventory

SMALL_STOCK = """
pools:
  - specification: gpon-port
    name: Ports
    type: PhysicalResource
    members: {template: "olt-{node}/1/{slot}/{port}", count: 40}
    places: {BER-1: {node: ber1}, HAM-1: {node: ham1}}
  - specification: msisdn
    name: Mobile numbers
    members: {template: "+4915020{n:06d}", first: 100000, count: 30}
    characteristics:
      - {name: category, value: gold, matching: '(\\d)\\1$'}
      - {name: category, value: standard}
  - {specification: ont, name: ONTs, members: {template: "SN-{n:03d}", count: 2}}
coverage:
  - {service: cfs-internet, places: [BER-1], maximum: {downloadSpeed: 1000}}
  - {service: cfs-internet, places: [HAM-1], maximum: {downloadSpeed: 250}}
"""


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the started system."""
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://system") as client,
    ):
        yield client


def keyed(key: str) -> dict[str, str]:
    """The headers of a request with this Idempotency-Key."""
    return {"Idempotency-Key": key}


def sqlite(folder: Path, name: str) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{folder / name}.db"


class Inbox(httpx2.AsyncBaseTransport):
    """A listener at the other end: keeps what it gets, after refusing the first ``refusals`` deliveries."""

    def __init__(self, refusals: int = 0) -> None:
        self._received: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self._refusals = refusals

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._refusals:
            self._refusals -= 1
            return httpx2.Response(500, request=request)
        self._received.put_nowait((str(request.url), json.loads(request.content)))
        return httpx2.Response(204, request=request)

    async def next(self) -> tuple[str, dict[str, Any]]:
        """The next delivery: its URL and its event."""
        async with asyncio.timeout(60):
            return await self._received.get()

    def empty(self) -> bool:
        """Whether every delivery has been taken."""
        return self._received.empty()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
async def home(
    request: pytest.FixtureRequest, anyio_backend: object, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A database that tests use one after the other."""
    if request.param == "sqlite":
        yield sqlite(tmp_path_factory.mktemp("systems"), "system")
        return
    if "ORDERSAGA_TEST_POSTGRES" not in os.environ:
        pytest.skip("ORDERSAGA_TEST_POSTGRES names no PostgreSQL server")
    async with postgresql(os.environ["ORDERSAGA_TEST_POSTGRES"]) as url:
        yield url


@pytest.fixture
async def database_url(home: str) -> str:
    """An empty database."""
    url = make_url(home)
    if url.database and url.get_backend_name() == "sqlite":
        for file in Path(url.database).parent.glob("system.db*"):
            file.unlink()
        return home
    engine = create_async_engine(home)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()
    return home


@asynccontextmanager
async def postgresql(server: str) -> AsyncIterator[str]:
    """A database on ``server``, dropped in the end."""
    url = make_url(server).set(drivername="postgresql+asyncpg")
    name = f"ordersaga_systems_{uuid4().hex}"
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        yield url.set(database=name).render_as_string(hide_password=False)
        async with engine.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        await engine.dispose()


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stock") / "stock.yaml"
    path.write_text(SMALL_STOCK)
    return path


@pytest.fixture(scope="session")
def apps(home: str, stock: Path) -> Mapping[str, FastAPI]:
    """The systems by name, to be started by each test: to make their routes takes longer than a test."""
    return {
        "inventory": create_inventory(home, stock=stock),
        "activation": create_activation(home),
        "billing": create_billing(home),
    }


@pytest.fixture
async def inventory(apps: Mapping[str, FastAPI], database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(apps["inventory"]) as client:
        yield client


@pytest.fixture
async def activation(apps: Mapping[str, FastAPI], database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(apps["activation"]) as client:
        yield client


@pytest.fixture
async def billing(apps: Mapping[str, FastAPI], database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(apps["billing"]) as client:
        yield client
