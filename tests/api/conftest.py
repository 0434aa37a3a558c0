"""A gateway over a real SQLite store, with an engine and a planner that do what a test tells them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_network
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, SecretStr

from api.app import create_app
from api.dependencies import Gateway
from api.documents.openapi import api_documents
from api.engine import (
    EngineRefusedError,
    EngineUnavailableError,
    RequestTooLargeError,
    TroubledWorkflow,
    WorkflowEndedError,
)
from api.health import Readiness, catalog_probe, engine_probes, store_probe, stuck_probe
from api.sweeps.canceller import Canceller
from api.sweeps.listeners import ListenerStarter
from api.sweeps.qualifying import Qualifying
from api.sweeps.starter import Starter
from api.sweeps.stuck import StuckWork
from api.workflow_ids import workflow_of
from application.outbox_poller import OutboxPoller
from application.planner import PlannedOrder
from application.qualifiers import Qualifier
from catalogs.model.catalog_set import CatalogSet
from console.gateway import Gateway as TerminalGateway
from orders.events.subscription import Subscription
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.installed import InstalledBase
from orders.model.posted import PostedOrder
from orders.model.violation import Violation
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.parts import ProductPlan
from orders.qualification.results import QualificationKind
from store.cancellations import CancelStore
from store.orders import OrderStore
from store.outbox import Outbox
from store.plans import PlanStore
from store.qualifications import QualificationStore
from store.recording import Recorded
from store.revisions import RevisionStore
from store.setbacks import Setbacks
from store.sql.database import Database, open_database
from store.subscriptions import SubscriptionStore
from store.tasks import TaskStore
from tmf.bodies import Document
from workflows.connection import describe
from workflows.contracts import search_attributes
from workflows.contracts.ids import root_workflow, subscription_workflow

BASE_URL = "http://gateway.test"
ADMIN_TOKEN = "an-administrators-token"
NOW = datetime.now(UTC)
"""The time on the clock when a test begins."""
CALLBACK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
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
    """External ids of the orders that are refused."""
    too_large: set[str] = field(default_factory=set)
    """Those of the orders that no Temporal takes."""
    stalling: set[str] = field(default_factory=set)
    """Those of the orders on which it gives no answer, though it serves."""
    running: list[str] = field(default_factory=list)
    """Ids of the product orders that were started."""
    ended: set[str] = field(default_factory=set)
    """Those of them that have ended."""
    attempts: list[str] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    """Ids of the workflows that can be told and asked something, beside those of the orders that run."""
    told: list[tuple[str, Any]] = field(default_factory=list)
    """What workflows were told by signals."""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    """What workflows were asked for by updates, with its name."""
    signals: list[tuple[str, str]] = field(default_factory=list)
    """The workflows that were told something, each with the name of it."""
    looked_for: list[str] = field(default_factory=list)
    """The workflows that were looked for."""
    answer: Callable[[str, Any], Any] = lambda _name, _argument: None
    """Does, or refuses, what a workflow is asked for."""
    nodes: dict[str, Any] = field(default_factory=dict)
    """How far the nodes of each plan are."""
    terminated: list[str] = field(default_factory=list)
    """Workflow ids of the orders that were terminated."""
    orphaned: list[str] = field(default_factory=list)
    """Workflow ids of the orders whose children were cancelled."""
    unknown_attributes: list[str] = field(default_factory=list)
    in_trouble: list[TroubledWorkflow] = field(default_factory=list)
    """The workflows whose workflow task fails again and again."""
    without_workers: list[str] = field(default_factory=list)
    """The queues that no worker serves."""

    async def start(self, order: PostedOrder) -> bool:
        assert order.id is not None
        self.attempts.append(order.id)
        await self.check()
        describe(order)
        search_attributes.of_order(order)
        if order.external_id in self.refused:
            raise EngineRefusedError("Temporal answered INVALID_ARGUMENT")
        if order.external_id in self.too_large:
            raise RequestTooLargeError("Temporal answered RESOURCE_EXHAUSTED: message larger than max")
        if order.external_id in self.stalling:
            raise EngineUnavailableError("Temporal gave no answer within 2 s")
        if order.id in self.running:
            return False
        self.running.append(order.id)
        return True

    async def listen(self, subscription: Subscription) -> bool:
        await self.check()
        new = subscription_workflow(subscription.id) not in self.waiting
        self.waiting.add(subscription_workflow(subscription.id))
        return new

    async def signal(self, workflow_id: str, name: str, argument: BaseModel | None = None) -> bool:
        await self.check()
        self.signals.append((workflow_id, name))
        self.told.append((workflow_id, argument))
        return self._runs(workflow_id)

    async def request(
        self, workflow_id: str, name: str, argument: BaseModel | None = None, update_id: str | None = None
    ) -> Any:
        await self.check()
        if not self._runs(workflow_id):
            raise WorkflowEndedError(workflow_id)
        self.asked.append((workflow_id, name, argument))
        return self.answer(name, argument)

    async def progress(self, workflow_id: str) -> dict[str, Any]:
        await self.check()
        if not self._runs(workflow_id):
            raise WorkflowEndedError(workflow_id)
        return {"revision": 1, "nodes": self.nodes}

    async def is_running(self, workflow_id: str) -> bool:
        await self.check()
        self.looked_for.append(workflow_id)
        return self._runs(workflow_id)

    async def terminated_orders(self, since: datetime) -> list[str]:
        await self.check()
        return self.terminated

    async def cancel_children(self, workflow_id: str) -> int:
        await self.check()
        if workflow_id in self.refused:
            raise EngineRefusedError("Temporal answered INVALID_ARGUMENT")
        self.orphaned.append(workflow_id)
        return 1

    async def check(self) -> None:
        if self.away:
            raise EngineUnavailableError("Temporal gave no answer within 2 s")

    async def missing_search_attributes(self) -> list[str]:
        await self.check()
        return self.unknown_attributes

    async def troubled(self, limit: int) -> tuple[list[TroubledWorkflow], int]:
        await self.check()
        return self.in_trouble[:limit], len(self.in_trouble)

    async def unserved(self) -> list[str]:
        await self.check()
        return self.without_workers

    def end(self, order_id: str) -> None:
        """Let an order's workflow end: from now on nobody is there to be told."""
        self.ended.add(order_id)

    def _runs(self, workflow_id: str) -> bool:
        running = {root_workflow(each) for each in self.running if each not in self.ended}
        return workflow_id in running | self.waiting


@dataclass
class FakePlanner:
    """A planner that plans nothing at all, or gives the answer, or raises the error, that it was given."""

    violations: list[Violation] = field(default_factory=list)
    error: Exception | None = None
    products: list[ProductPlan] = field(default_factory=list)
    of_customer: bool = False
    """Whether the products are those of the order's customer."""
    planned: list[tuple[PostedOrder, InstalledBase | None]] = field(default_factory=list)
    """What it has planned, and against what."""

    async def preview(
        self,
        order: PostedOrder,
        revision: int = 1,
        installed: InstalledBase | None = None,
        running: OrchestrationPlan | None = None,
    ) -> PlannedOrder:
        self.planned.append((order, installed))
        if self.error:
            raise self.error
        if self.violations:
            return PlannedOrder(order=order, violations=self.violations)
        whose = {"customer_id": order.customer_id()} if self.of_customer else {}
        products = [each.model_copy(update=whose) for each in self.products]
        plan = OrchestrationPlan(order_id=order.id or "", revision=revision, catalog=CATALOG, products=products)
        return PlannedOrder(order=order, plan=plan)


@dataclass
class FakeQualifier:
    """A qualifier that gives the answer, or raises the error, that it was given."""

    answer: dict[str, Any] = field(default_factory=lambda: {"state": "done", "qualificationResult": "qualified"})
    error: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The qualifications that it was asked for."""

    async def __call__(self, document: dict[str, Any], _now: datetime) -> dict[str, Any]:
        self.asked.append(document)
        if self.error:
            raise self.error
        return self.answer


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
    tasks: TaskStore
    cancellations: CancelStore
    revisions: RevisionStore
    canceller: Canceller
    qualifier: FakeQualifier
    setbacks: Setbacks
    versions: int = 0
    """The version of the last change of any order."""

    async def post(self, body: Any, **headers: str) -> httpx.Response:
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
    setbacks = Setbacks(database, lambda: datetime.now(UTC) + timedelta(seconds=clock.now))
    starter = Starter(orders, setbacks, engine, timedelta(seconds=5), clock)
    tasks, cancellations, revisions = TaskStore(database), CancelStore(database), RevisionStore(database)
    stuck = StuckWork(orders, setbacks, engine, lambda: datetime.now(UTC) + timedelta(seconds=clock.now))
    canceller = Canceller(orders, cancellations, setbacks, engine, starter)
    outbox, subscriptions = Outbox(database), SubscriptionStore(database)
    qualifications, qualifier = QualificationStore(database), FakeQualifier()
    qualifiers: dict[QualificationKind, Qualifier] = dict.fromkeys(QualificationKind, qualifier)
    qualifying = Qualifying(
        qualifications,
        qualifiers,
        timedelta(seconds=5),
        timedelta(days=30),
        lambda: NOW + timedelta(seconds=clock.now),
    )
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
            [store_probe(database), *engine_probes(engine), catalog_probe(CATALOG), stuck_probe(stuck)]
        ),
        outbox=outbox,
        subscriptions=subscriptions,
        listener_starter=ListenerStarter(subscriptions, outbox, setbacks, engine, timedelta(days=30)),
        stuck=stuck,
        outbox_poller=OutboxPoller(outbox, timedelta(milliseconds=10)),
        forbidden_networks=[ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8"), ip_network("::1/128")],
        catalogs=shipped,
        base_url=BASE_URL,
        body_limit=10_000,
        admin_token=SecretStr(ADMIN_TOKEN),
        callback_secret=SecretStr(CALLBACK_SECRET),
    )
    app.state.gateway = gateway
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
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
        )
    await database.close()
