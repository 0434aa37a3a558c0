"""A gateway over a real SQLite store, with an engine and a planner that do what a test tells them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_network
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.app import create_app
from api.dependencies import Gateway
from api.documents.openapi import api_documents
from api.health import Readiness, catalog_probe, engine_probes, recovery_probe, store_probe, stuck_probe
from api.sweeps.assurance import AssuranceSweep
from api.sweeps.canceller import Canceller
from api.sweeps.listeners import ListenerStarter
from api.sweeps.qualifying import Qualifying
from api.sweeps.reconciling import Reconciling
from api.sweeps.recovery import RecoveryMode
from api.sweeps.starter import Starter
from api.sweeps.stuck import StuckWork
from api.workflow_ids import workflow_of
from application.http import DownstreamSystem
from application.outbox_poller import OutboxPoller
from application.qualifiers import Qualifier
from catalogs.model.catalog_set import CatalogSet
from console.gateway import Gateway as TerminalGateway
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from orders.qualification.results import QualificationKind
from store.cancellations import CancelStore
from store.differences import DifferenceStore
from store.failures import FailureStore
from store.orders import OrderStore
from store.outbox import Outbox
from store.plans import PlanStore
from store.qualifications import QualificationStore
from store.recording import Recorded
from store.recovery import RecoveryStore
from store.revisions import RevisionStore
from store.setbacks import Setbacks
from store.sql.database import Database, open_database
from store.subscriptions import SubscriptionStore
from store.systems import SystemStates
from store.tasks import TaskStore
from tests.api.fakes import CATALOG, Clock, FakeEngine, FakePlanner, FakeQualifier, FakeServices
from tmf.bodies import Document

BASE_URL = "http://gateway.test"
ADMIN_TOKEN = "an-administrators-token"
NOW = datetime.now(UTC)
"""The time on the clock when a test begins."""
CALLBACK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Bench:
    """A gateway and everything around it, for a test to set up and look at."""

    gateway: Gateway
    client: httpx2.AsyncClient
    database: Database
    engine: FakeEngine
    planner: FakePlanner
    starter: Starter
    clock: Clock
    orders: OrderStore
    plans: PlanStore
    tasks: TaskStore
    cancellations: CancelStore
    revisions: RevisionStore
    canceller: Canceller
    qualifier: FakeQualifier
    setbacks: Setbacks
    services: FakeServices
    failures: FailureStore
    versions: int = 0
    """The version of the last change of any order."""

    async def post(self, body: Any, **headers: str) -> httpx2.Response:
        return await self.client.post(PRODUCT_ORDERS, json=body, headers=headers)

    async def ordered(self, body: Any = None, state: OrderState = OrderState.ACKNOWLEDGED) -> str:
        """Place a product order, bring it to a state, and return its id."""
        order_id = str((await self.post(body or MINIMAL)).json()["id"])
        await self.become(order_id, state)
        return order_id

    async def become(self, order_id: str, state: OrderState, kind: OrderKind = OrderKind.PRODUCT, **more: Any) -> None:
        """Bring an order to a state, with other attributes."""
        document = await self.orders.get(kind, order_id) or {}
        if document["state"] == state and not more:
            return
        self.versions += 1
        change = OrderChange(kind=kind, order_id=order_id, version=self.versions, state=state, attributes=more)
        assert await self.orders.record([change]) == [Recorded.APPLIED]

    async def child(self, kind: OrderKind, order_id: str, state: OrderState = OrderState.IN_PROGRESS) -> str:
        """Keep a service or resource order of order `abcdefghij` that runs; return its workflow's id."""
        items = {"serviceOrderItem": [{"id": "internet", "action": "add", "service": {}}]}
        if kind == OrderKind.RESOURCE:
            items = {"orderItem": [{"id": "port", "action": "add", "state": state.value, "resource": {}}]}
        document = {"id": order_id, "state": state.value, "orderDate": "2026-11-23T09:00:00.000Z", **items}
        await self.orders.open(kind, order_id, document, "abcdefghij", "abcdefghij", 1)
        workflow_id = workflow_of(kind, order_id)
        self.engine.waiting.add(workflow_id)
        return workflow_id

    async def stored(self) -> int:
        """Return how many product orders the store holds."""
        answer = await self.client.get(PRODUCT_ORDERS)
        return int(answer.headers["X-Total-Count"])


PRODUCT_ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
SERVICE_ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
RESOURCE_ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"

MINIMAL: dict[str, Any] = {"productOrderItem": [{"id": "1", "action": "add"}]}


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """The application, to be given the gateway of each test: making its routes takes longer than a test."""
    return create_app(cast(Any, SimpleNamespace(base_url=BASE_URL, background=())))


@pytest.fixture(scope="session")
def documents(app: FastAPI) -> dict[str, Document]:
    """The OpenAPI document of each API by its base path, made once: that takes as long as some APIs' tests."""
    return api_documents(app, BASE_URL)


@pytest.fixture
def connect(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the commands of modules talk to the bench's gateway."""

    def connect(*modules: ModuleType) -> None:
        for module in modules:
            monkeypatch.setattr(module, "Gateway", partial(TerminalGateway, transport=bench.client._transport))

    return connect


@pytest.fixture
async def bench(app: FastAPI, store_url: str, shipped: CatalogSet) -> AsyncIterator[Bench]:
    database = open_database(store_url)
    orders, plans = OrderStore(database), PlanStore(database)
    engine, planner, clock = FakeEngine(), FakePlanner(), Clock()

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=clock.now)

    setbacks = Setbacks(database, now)
    recovery = RecoveryMode(RecoveryStore(database))
    starter = Starter(orders, setbacks, engine, timedelta(seconds=5), clock, recovery)
    tasks, cancellations, revisions = TaskStore(database), CancelStore(database), RevisionStore(database)
    canceller = Canceller(orders, cancellations, setbacks, engine, starter, recovery)
    states = SystemStates(database)
    outbox, subscriptions = Outbox(database), SubscriptionStore(database)
    stuck = StuckWork(orders, setbacks, engine, subscriptions, states, DifferenceStore(database), now)
    qualifications, qualifier = QualificationStore(database), FakeQualifier()
    qualifiers: dict[QualificationKind, Qualifier] = dict.fromkeys(QualificationKind, qualifier)
    qualifying = Qualifying(
        qualifications,
        qualifiers,
        timedelta(seconds=5),
        timedelta(days=30),
        lambda: NOW + timedelta(seconds=clock.now),
    )
    services = FakeServices()
    failures = FailureStore(database, lambda: datetime.now(UTC) + timedelta(seconds=clock.now))
    inventory, network = (DownstreamSystem(name, services.connection(name)) for name in ("inventory", "activation"))
    assurance = AssuranceSweep(failures, orders, setbacks, engine, starter, shipped, inventory, network, recovery)
    gateway = Gateway(
        orders=orders,
        plans=plans,
        tasks=tasks,
        cancellations=cancellations,
        revisions=revisions,
        engine=engine,
        starter=starter,
        canceller=canceller,
        planner=planner,
        qualifications=qualifications,
        qualifying=qualifying,
        readiness=Readiness(
            [
                store_probe(database),
                *engine_probes(engine),
                catalog_probe(CATALOG),
                stuck_probe(stuck),
                recovery_probe(recovery),
            ]
        ),
        outbox=outbox,
        subscriptions=subscriptions,
        listener_starter=ListenerStarter(subscriptions, outbox, setbacks, engine, timedelta(days=30), recovery),
        stuck=stuck,
        reconciling=Reconciling(database, engine),
        recovery=recovery,
        systems=states,
        assurance=assurance,
        outbox_poller=OutboxPoller(outbox, timedelta(milliseconds=10)),
        forbidden_networks=[ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8"), ip_network("::1/128")],
        catalogs=shipped,
        base_url=BASE_URL,
        body_limit=10_000,
        admin_token=SecretStr(ADMIN_TOKEN),
        callback_secret=SecretStr(CALLBACK_SECRET),
    )
    app.state.gateway = gateway
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield Bench(
            gateway,
            client,
            database,
            engine,
            planner,
            starter,
            clock,
            orders,
            plans,
            tasks,
            cancellations,
            revisions,
            canceller,
            qualifier,
            setbacks,
            services,
            failures,
        )
    await database.close()
