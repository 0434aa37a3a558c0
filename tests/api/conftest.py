"""A gateway over a real SQLite store, with an engine and a planner that do what a test tells them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.planning import PlannedOrder
from api.app import create_app
from api.engine import EngineRefusedError, EngineUnavailableError
from api.gateway import Gateway
from api.health import Readiness, catalog_probe, engine_probes, store_probe
from api.starter import Starter
from orders.plan import CatalogVersion, OrchestrationPlan
from orders.tmf import ProductOrder
from orders.violation import Violation
from store.database import Database, migrate, open_database
from store.orders import OrderStore
from store.plans import PlanStore
from workflows import search_attributes
from workflows.connection import describe
from workflows.messages import SystemEvent

BASE_URL = "http://gateway.test"
CATALOG = CatalogVersion(digest="d1", label="test")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeEngine:
    """An engine that can be away, or refuse orders; it remembers what it was asked."""

    away: bool = False
    refused: set[str] = field(default_factory=set)
    running: list[str] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    """Ids of the workflows that take a system's word."""
    told: list[tuple[str, SystemEvent]] = field(default_factory=list)
    unknown_attributes: list[str] = field(default_factory=list)

    async def start(self, order: ProductOrder) -> bool:
        assert order.id is not None
        self.attempts.append(order.id)
        await self.check()
        describe(order)
        search_attributes.of_order(order)
        if order.external_id in self.refused:
            raise EngineRefusedError("the engine answered INVALID_ARGUMENT")
        if order.id in self.running:
            return False
        self.running.append(order.id)
        return True

    async def tell(self, workflow_id: str, event: SystemEvent) -> bool:
        await self.check()
        self.told.append((workflow_id, event))
        return workflow_id in self.waiting

    async def check(self) -> None:
        if self.away:
            raise EngineUnavailableError("the engine gave no answer within 2 s")

    async def missing_search_attributes(self) -> list[str]:
        await self.check()
        return self.unknown_attributes


@dataclass
class FakePlanner:
    """A planner that plans nothing at all, or gives the answer, or raises the error, that it was given."""

    violations: list[Violation] = field(default_factory=list)
    error: Exception | None = None

    async def plan(self, order: ProductOrder, revision: int = 1) -> PlannedOrder:
        if self.error:
            raise self.error
        if self.violations:
            return PlannedOrder(order=order, violations=self.violations)
        return PlannedOrder(
            order=order, plan=OrchestrationPlan(order_id=order.id or "", revision=revision, catalog=CATALOG)
        )


@dataclass
class Bench:
    """A gateway and everything around it, for a test to set up and look at."""

    gateway: Gateway
    client: httpx.AsyncClient
    database: Database
    engine: FakeEngine
    planner: FakePlanner
    starter: Starter
    clock: Clock
    orders: OrderStore
    plans: PlanStore

    async def post(self, body: Any, **headers: str) -> httpx.Response:
        return await self.client.post(PRODUCT_ORDERS, json=body, headers=headers)

    async def stored(self) -> int:
        """Return how many product orders the store holds."""
        answer = await self.client.get(PRODUCT_ORDERS)
        return int(answer.headers["X-Total-Count"])


PRODUCT_ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
SERVICE_ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
RESOURCE_ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"

MINIMAL: dict[str, Any] = {"productOrderItem": [{"id": "1", "action": "add"}]}


@pytest.fixture(scope="session")
def migrated_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store without orders, to be copied: migrating takes longer than a test."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def store_url(tmp_path: Path, migrated_store: Path) -> str:
    path = tmp_path / "store.db"
    path.write_bytes(migrated_store.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
async def bench(store_url: str) -> AsyncIterator[Bench]:
    database = open_database(store_url)
    orders, plans = OrderStore(database), PlanStore(database)
    engine, planner, clock = FakeEngine(), FakePlanner(), Clock()
    starter = Starter(orders, engine, timedelta(seconds=5), clock)
    gateway = Gateway(
        orders=orders,
        plans=plans,
        engine=engine,
        starter=starter,
        planner=planner,
        readiness=Readiness([store_probe(database), *engine_probes(engine), catalog_probe(CATALOG)]),
        base_url=BASE_URL,
        body_limit=10_000,
    )
    transport = httpx.ASGITransport(create_app(gateway), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield Bench(gateway, client, database, engine, planner, starter, clock, orders, plans)
    await database.close()
