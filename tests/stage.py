"""The whole product in one process, but for Temporal's server: real gateway, worker, store and systems, over ASGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner

from activities.attempts import AttemptWatch
from activities.limits import LocalCalls, LocalLimits
from api.app import create_app
from api.dependencies import Gateway
from api.engine import TemporalEngine
from api.health import Readiness
from api.registration import HubRegistration
from api.sweeps.canceller import Canceller
from api.sweeps.listeners import ListenerStarter
from api.sweeps.lock_releaser import LockReleaser
from api.sweeps.orphans import OrphanSweep
from api.sweeps.qualifying import Qualifying
from api.sweeps.starter import Starter
from api.sweeps.stuck import StuckWork
from application.feasibility import FeasibilityCheck
from application.http import DownstreamSystem
from application.listeners import Listeners
from application.networks import listener_client
from application.outbox_poller import OutboxPoller
from application.planner import Planner
from application.qualifiers import qualifiers
from bench import actions
from catalogs.loader import load_catalogs
from orders.events.links import BASE_PATHS
from orders.lifecycle.states import ITEM_LISTS, TERMINAL, OrderKind
from orders.model.order_ids import root_kind
from store.cancellations import CancelStore
from store.orders import OrderStore
from store.outbox import Outbox
from store.plans import PlanStore
from store.qualifications import QualificationStore
from store.resource_locks import ResourceLocks
from store.revisions import RevisionStore
from store.setbacks import Setbacks
from store.sql.database import migrate, open_database
from store.subscriptions import SubscriptionStore
from store.tasks import TaskStore
from systems.activation.app import create_app as create_activation
from systems.billing.app import create_app as create_billing
from systems.inventory.app import create_app as create_inventory
from tests.over_httpx import HttpxConnection
from tests.shipped import shipped_catalogs
from worker import QUEUES, activities_by_queue, guard, make_worker
from workflows.contracts import ids, policies
from workflows.event_subscription import DeliveryPolicy

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
PRODUCT_ORDER = "/tmf-api/productOrderingManagement/v4/productOrder"
ORDERS = {kind: f"{BASE_PATHS[kind]}/{kind.value}" for kind in OrderKind}
"""Where the orders of each kind are."""
GATEWAY = "http://gateway"
ADMIN_TOKEN = "an-administrators-token"
CALLBACK_SECRET = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
PATIENCE = 120.0
DELIVERY = DeliveryPolicy(first_pause=timedelta(milliseconds=100), longest_pause=timedelta(seconds=1))
"""How patiently listeners are told: with pauses that a test can wait for."""

NEVER_PAUSED = LocalLimits(slow=timedelta.max, failure_pause=timedelta())
"""Calls are tried locally whatever failed before: a fault of one test must not send another's through the queues."""

_LOOKS = timedelta(milliseconds=50)
_LOCAL_ATTEMPT = timedelta(seconds=1)
"""How long a call that a test holds up is local; then it is on its system's queue."""


@dataclass
class Stage:
    """Everything that runs, and the ways in which a test acts on it."""

    client: Client
    orders: OrderStore
    gateway: httpx.AsyncClient
    inventory: httpx.AsyncClient
    activation: httpx.AsyncClient
    billing: httpx.AsyncClient
    queue: str
    lock_releaser: LockReleaser
    setbacks: Setbacks
    orphans: OrphanSweep
    delivery: DeliveryPolicy
    """How patiently listeners are told that register from now on."""
    app: FastAPI
    """The gateway as an application."""
    submitted: list[str] = field(default_factory=list)

    async def submit(self, document: dict[str, Any]) -> str:
        """Post an order and return its id."""
        kind = next(kind for kind, items in ITEM_LISTS.items() if items in document)
        response = await self.gateway.post(ORDERS[kind], json=document)
        assert response.status_code == 201, response.text
        order_id: str = response.json()["id"]
        self.submitted.append(order_id)
        return order_id

    async def order(self, order_id: str) -> dict[str, Any]:
        document: dict[str, Any] = (await self.gateway.get(path_of(order_id))).json()
        return document

    async def ended(self, order_id: str) -> dict[str, Any]:
        """Wait until an order has ended, in the store and in Temporal, and return it."""
        handle = self.client.get_workflow_handle(ids.root_workflow(order_id))
        await self.until(lambda document: document["state"] in TERMINAL, order_id)

        async def closed() -> bool:
            return (await handle.describe()).status != WorkflowExecutionStatus.RUNNING

        await eventually(closed)
        return await self.order(order_id)

    async def done(self, document: dict[str, Any]) -> dict[str, Any]:
        """Post an order and return it once it has ended."""
        return await self.ended(await self.submit(document))

    async def until(self, reached: Callable[[dict[str, Any]], bool], order_id: str) -> dict[str, Any]:
        """Wait until the stored order is as `reached` wants it, and return it."""
        document: dict[str, Any] = {}

        async def check() -> bool:
            nonlocal document
            document = await self.order(order_id)
            return reached(document)

        await eventually(check, lambda: json.dumps(document, indent=1)[:3000])
        return document

    async def tell(self, workflow_id: str, message: str, **word: Any) -> Any:
        """Tell an order's workflow something, and return what it answers."""
        return await self.client.get_workflow_handle(workflow_id).execute_update(message, word)

    async def refusal(self, workflow_id: str, message: str, **word: Any) -> str:
        """Return why an order's workflow refuses what it is told."""
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await self.tell(workflow_id, message, **word)
        cause = refused.value.cause
        assert isinstance(cause, ApplicationError)
        assert cause.type == "Refused"
        return cause.message

    async def tasks(self, order_id: str, state: str = "open") -> list[dict[str, Any]]:
        """Return an order's tasks for people, oldest first."""
        answers = [
            await self.gateway.get(path, params={"orderId": order_id, "state": state})
            for path in ("/fallout/v1/task", "/manual/v1/task")
        ]
        assert all(answer.status_code == 200 for answer in answers), [answer.text for answer in answers]
        return [task for answer in answers for task in answer.json()]

    async def task(self, order_id: str, kind: str = "", after: str = "") -> dict[str, Any]:
        """Wait until an order has an open task, of that kind and other than the one `after`, and return it."""
        tasks: list[dict[str, Any]] = []

        async def opened() -> bool:
            nonlocal tasks
            tasks = [task for task in await self.tasks(order_id) if kind in ("", task["kind"]) and task["id"] != after]
            return bool(tasks)

        await eventually(opened, lambda: f"order {order_id} has no task")
        return tasks[0]

    async def amend(self, order_id: str, **changes: Any) -> httpx.Response:
        """Patch an order with attributes by their JSON names; None removes one."""
        headers = {"Content-Type": "application/merge-patch+json"}
        return await self.gateway.patch(path_of(order_id), content=json.dumps(changes), headers=headers)

    async def preview(self, order_id: str, **body: Any) -> dict[str, Any]:
        """Return what a change of an order, or its cancellation, would do."""
        answer = await self.gateway.post(f"{path_of(order_id)}/preview", json=body)
        assert answer.status_code == 200, answer.text
        preview: dict[str, Any] = answer.json()
        return preview

    async def revisions(self, order_id: str) -> list[dict[str, Any]]:
        revisions: list[dict[str, Any]] = (await self.gateway.get(f"{path_of(order_id)}/revision")).json()
        return revisions

    async def nodes(self, order_id: str) -> dict[str, str]:
        """Return the state of each node of an order's plan."""
        handle = self.client.get_workflow_handle(ids.root_workflow(order_id))
        nodes = (await handle.query("progress"))["nodes"]
        return {key: node["state"] for key, node in nodes.items()}

    async def reached(self, order_id: str, states: dict[str, str]) -> None:
        """Wait until nodes of an order's plan are in these states."""
        nodes: dict[str, str] = {}

        async def check() -> bool:
            nonlocal nodes
            nodes = await self.nodes(order_id)
            return states.items() <= nodes.items()

        await eventually(check, lambda: f"{states} in {nodes}")

    async def fault(self, system: httpx.AsyncClient, **rule: Any) -> None:
        """Make a system fail where the rule says so; `match` names specification, order, operation or target."""
        response = await system.post("/faults", json={"times": None, **rule})
        assert response.status_code == 201, response.text

    async def heal(self) -> None:
        """Take all faults away."""
        for system in (self.inventory, self.activation, self.billing):
            await system.delete("/faults")

    async def log(self, system: httpx.AsyncClient, order_id: str) -> list[dict[str, Any]]:
        """Return what a system did for an order, oldest first."""
        entries: list[dict[str, Any]] = (await system.get("/log", params={"order": order_id})).json()
        return entries

    async def products(self, customer: str) -> list[dict[str, Any]]:
        found = await self.inventory.get(
            "/tmf-api/productInventory/v4/product", params={"relatedParty.id": customer, "limit": "1000"}
        )
        products: list[dict[str, Any]] = found.json()
        return products

    async def services(self, customer: str) -> list[dict[str, Any]]:
        found = await self.inventory.get(
            "/tmf-api/serviceInventory/v4/service", params={"relatedParty.id": customer, "limit": "1000"}
        )
        services: list[dict[str, Any]] = found.json()
        return services

    async def taken_resources(self, order_id: str) -> list[dict[str, Any]]:
        """Return the resources that an order holds: reserved under one of its keys."""
        audit = (await self.inventory.get("/audit")).json()
        return [each for each in audit["resources"] if order_id in (each.get("requestedBy") or "")]

    async def found(self, query: str, workflow_id: str) -> None:
        """Wait until visibility, which lags, finds a workflow by a query."""

        async def listed() -> bool:
            return workflow_id in [run.id async for run in self.client.list_workflows(query)]

        await eventually(listed, lambda: f"{workflow_id} is not found by {query}", 15)

    async def audit(self) -> dict[str, Any]:
        audit: dict[str, Any] = (await self.inventory.get("/audit")).json()
        return audit


def path_of(order_id: str) -> str:
    """Return where the gateway has a posted order."""
    return f"{ORDERS[root_kind(order_id)]}/{order_id}"


async def histories_of(stage: Stage, order_id: str) -> list[WorkflowHistory]:
    """Return the histories of all runs of a posted order's workflow and of all its descendants, parents first."""
    return await actions.histories_of(stage.client, ids.root_workflow(order_id))


async def eventually(
    condition: Callable[[], Any],
    explain: Callable[[], str] = lambda: "",
    patience: float = PATIENCE,
    longest_pause: float = 0.3,
) -> None:
    """Wait until an async condition holds; fail with what `explain` says when it does not within `patience` seconds.

    It looks less and less often, up to `longest_pause` seconds apart: who looks takes the time of those who work.
    """
    pause = 0.02
    try:
        async with asyncio.timeout(patience):
            while not await condition():
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, longest_pause)
    except TimeoutError:
        raise AssertionError(f"not within {patience} s: {explain()}") from None


@contextmanager
def outage(system: httpx.AsyncClient) -> Iterator[None]:
    """Let nothing reach a system for a while."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    transport = system._transport
    system._transport = httpx.MockTransport(refuse)
    try:
        yield
    finally:
        system._transport = transport


@contextmanager
def stalled(system: httpx.AsyncClient, *words: str) -> Iterator[asyncio.Event]:
    """Hold back changes in a system whose idempotency keys have one of these words in them, until the event is set."""
    go_on = asyncio.Event()

    class Stalled(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if any(word in request.headers.get("Idempotency-Key", "") for word in words):
                await go_on.wait()
            return await transport.handle_async_request(request)

    transport = system._transport
    system._transport = Stalled()
    try:
        yield go_on
    finally:
        go_on.set()
        system._transport = transport


def example(name: str, **replacements: str) -> dict[str, Any]:
    """Return an example order of the documentation with `$NAME`s replaced.

    It has no external id and chooses no number, so that it can be placed many times.
    """
    text = (EXAMPLES / f"{name}.json").read_text()
    for placeholder, value in replacements.items():
        text = text.replace(f"${placeholder}", value)
    document: dict[str, Any] = json.loads(text)
    document.pop("externalId", None)
    for item in document.get("productOrderItem", []):
        chosen = item.get("product", {}).get("productCharacteristic", [])
        chosen[:] = [each for each in chosen if each["name"] != "msisdn"]
    return document


def customer_of(document: dict[str, Any], customer: str | None = None) -> str:
    """Give an order to a customer of its own and return that one's id."""
    customer = customer or f"customer-{uuid4().hex[:8]}"
    document["relatedParty"] = [{"id": customer, "role": "customer", "name": customer, "@referredType": "Customer"}]
    return customer


@asynccontextmanager
async def served(app: FastAPI, base_url: str = "http://system") -> AsyncIterator[httpx.AsyncClient]:
    """Run an application without a server, and give a client of it."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url) as client,
    ):
        yield client


class _LateTransport(httpx.AsyncBaseTransport):
    """Carries the activation system's events to a gateway that is made after it; unsigned ones bear the secret."""

    def __init__(self) -> None:
        self.to: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert self.to is not None
        if "webhook-signature" not in request.headers:
            request.headers["Authorization"] = f"Bearer {CALLBACK_SECRET.get_secret_value()}"
        return await self.to.handle_async_request(request)


@asynccontextmanager
async def staged(client: Client, folder: Path, catalogs_folder: Path | None = None) -> AsyncIterator[Stage]:
    """Run everything on databases in `folder`, with a task queue of its own, and the shipped catalogs or others."""
    store_url = f"sqlite:///{folder}/store.db"
    await migrate(store_url)
    catalogs = load_catalogs(catalogs_folder) if catalogs_folder else shipped_catalogs()
    queue = f"test-{uuid4().hex[:8]}"
    events = _LateTransport()
    async with AsyncExitStack() as stack:
        stack.enter_context(patch.object(policies, "LOCAL_ATTEMPT", _LOCAL_ATTEMPT))
        database = open_database(store_url)
        stack.push_async_callback(database.close)
        orders, plans = OrderStore(database), PlanStore(database)
        systems = {
            "inventory": await stack.enter_async_context(
                served(create_inventory(f"sqlite+aiosqlite:///{folder}/inventory.db"))
            ),
            "activation": await stack.enter_async_context(
                served(create_activation(f"sqlite+aiosqlite:///{folder}/activation.db", transport=events))
            ),
            "billing": await stack.enter_async_context(
                served(create_billing(f"sqlite+aiosqlite:///{folder}/billing.db"))
            ),
        }

        async def connected() -> Client:
            return client

        delivery = DELIVERY.model_copy()
        engine = TemporalEngine(connected, queue, delivery=delivery)
        outbox, subscriptions = Outbox(database), SubscriptionStore(database)
        setbacks = Setbacks(database)
        starter, cancellations = Starter(orders, setbacks, engine, timedelta(seconds=5)), CancelStore(database)
        noting = asyncio.create_task(starter.note_for_ever())
        stack.callback(noting.cancel)
        downstream = {name: DownstreamSystem(name, HttpxConnection(each)) for name, each in systems.items()}
        inventory = downstream["inventory"]
        planner, qualifications = Planner(catalogs, inventory), QualificationStore(database)
        qualifying = Qualifying(
            qualifications,
            qualifiers(planner, FeasibilityCheck(inventory), inventory, catalogs),
            timedelta(seconds=1),
            timedelta(days=30),
        )
        app = create_app(
            Gateway(
                orders=orders,
                plans=plans,
                tasks=TaskStore(database),
                cancellations=cancellations,
                revisions=RevisionStore(database),
                engine=engine,
                starter=starter,
                canceller=Canceller(orders, cancellations, setbacks, engine, starter),
                planner=planner,
                qualifications=qualifications,
                qualifying=qualifying,
                readiness=Readiness([]),
                outbox=outbox,
                subscriptions=subscriptions,
                listener_starter=ListenerStarter(subscriptions, outbox, setbacks, engine, timedelta(days=30)),
                stuck=StuckWork(orders, setbacks, engine),
                outbox_poller=OutboxPoller(outbox, _LOOKS),
                catalogs=catalogs,
                base_url=GATEWAY,
                body_limit=4_000_000,
                background=(qualifying.run,),
                admin_token=SecretStr(ADMIN_TOKEN),
                callback_secret=CALLBACK_SECRET,
            )
        )
        events.to = httpx.ASGITransport(app)
        gateway = await stack.enter_async_context(served(app, GATEWAY))
        assert await HubRegistration(systems["activation"], GATEWAY, CALLBACK_SECRET).register()
        listeners = Listeners(await stack.enter_async_context(listener_client([])), GATEWAY, timedelta(seconds=1))
        activities = activities_by_queue(database, catalogs, downstream, listeners)
        guarded = guard({name: LocalCalls(name, NEVER_PAUSED) for name in downstream}, activities, database)
        for each in QUEUES:
            # A bug in workflow code fails its order at once, where in production it waits for a mended worker. The
            # sandbox takes an eighth of the time; replayed histories run in it.
            worker = make_worker(
                client,
                queue,
                each,
                activities[each],
                interceptors=[guarded, AttemptWatch(setbacks)],
                workflow_failure_exception_types=[Exception],
                workflow_runner=UnsandboxedWorkflowRunner(),
            )
            await stack.enter_async_context(worker)
        yield Stage(
            client=client,
            orders=orders,
            gateway=gateway,
            inventory=systems["inventory"],
            activation=systems["activation"],
            billing=systems["billing"],
            queue=queue,
            lock_releaser=LockReleaser(ResourceLocks(database), engine),
            setbacks=setbacks,
            orphans=OrphanSweep(engine),
            delivery=delivery,
            app=app,
        )
