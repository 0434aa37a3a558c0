"""What a gateway is given in place of Temporal, of planning, and of a clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel

from api.engine import (
    EngineRefusedError,
    EngineUnavailableError,
    RequestTooLargeError,
    TroubledWorkflow,
    Whereabouts,
    WorkflowEndedError,
)
from application.connections import NoResponseError, Response
from application.planner import PlannedOrder
from orders.events.subscription import Subscription
from orders.model.installed import InstalledBase
from orders.model.posted import PostedOrder
from orders.model.violation import Violation
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.parts import ProductPlan
from workflows.connection import describe
from workflows.contracts import search_attributes
from workflows.contracts.ids import root_workflow, subscription_workflow

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
    reconciled: list[tuple[str, bool]] = field(default_factory=list)
    """The reconciliations that were started, and whether they mend."""
    lost: set[str] = field(default_factory=set)
    """Ids of the workflows that it does not know, as after a restore."""
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

    async def look(self, workflow_id: str) -> Whereabouts:
        await self.check()
        self.looked_for.append(workflow_id)
        if workflow_id in self.lost:
            return Whereabouts.UNKNOWN
        return Whereabouts.RUNNING if self._runs(workflow_id) else Whereabouts.ENDED

    async def reconcile(self, run_id: str, *, mend: bool) -> None:
        await self.check()
        self.reconciled.append((run_id, mend))

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
        return workflow_id in (running | self.waiting) - self.lost


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
class FakeServices:
    """Inventory and activation, as far as services are read in them, by their ids; either may be away."""

    recorded: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What inventory has."""
    set_up: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the network has."""
    away: set[str] = field(default_factory=set)
    """Names of the systems that give no answer."""

    def connection(self, system: str) -> FakeConnection:
        """Return the connection to one of them."""
        return FakeConnection(system, self)


@dataclass
class FakeConnection:
    """Answers with a service by its id, or with those that another one supports."""

    system: str
    services: FakeServices

    async def send(self, method: str, target: str, headers: Mapping[str, str], content: bytes | None) -> Response:
        assert method == "GET", "nothing is changed here"
        if self.system in self.services.away:
            raise NoResponseError("connection refused")
        known = self.services.recorded if self.system == "inventory" else self.services.set_up
        url = urlsplit(target)
        if wanted := parse_qs(url.query).get("supportingService.id"):
            above = [each for each in known.values() if {"id": wanted[0]} in each.get("supportingService", [])]
            return Response(200, json.dumps(above).encode())
        service = known.get(url.path.rpartition("/")[2])
        return Response(200, json.dumps(service).encode()) if service else Response(404)
