"""The three systems, each on a SQLite file of its own, called without a server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

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
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the started system."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://system") as client,
    ):
        yield client


def keyed(key: str) -> dict[str, str]:
    """The headers of a request with this Idempotency-Key."""
    return {"Idempotency-Key": key}


def sqlite(folder: Path, name: str) -> str:
    return f"sqlite+aiosqlite:///{folder / name}.db"


class Inbox(httpx.AsyncBaseTransport):
    """A listener at the other end: keeps what it gets, after refusing the first ``refusals`` deliveries."""

    def __init__(self, refusals: int = 0) -> None:
        self._received: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self._refusals = refusals

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._refusals:
            self._refusals -= 1
            return httpx.Response(500, request=request)
        self._received.put_nowait((str(request.url), json.loads(request.content)))
        return httpx.Response(204, request=request)

    async def next(self) -> tuple[str, dict[str, Any]]:
        """The next delivery: its URL and its event."""
        async with asyncio.timeout(10):
            return await self._received.get()

    def empty(self) -> bool:
        """Whether every delivery has been taken."""
        return self._received.empty()


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    path = tmp_path / "stock.yaml"
    path.write_text(SMALL_STOCK)
    return path


@pytest.fixture
async def inventory(tmp_path: Path, stock: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_inventory(sqlite(tmp_path, "inventory"), stock=stock)) as client:
        yield client


@pytest.fixture
async def activation(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_activation(sqlite(tmp_path, "activation"))) as client:
        yield client


@pytest.fixture
async def billing(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_billing(sqlite(tmp_path, "billing"))) as client:
        yield client
