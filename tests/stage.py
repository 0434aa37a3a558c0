"""The whole product in one process, but for Temporal's server: real gateway, worker, store and systems, over ASGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from api.sweeps.assurance import AssuranceSweep
from api.sweeps.lock_releaser import LockReleaser
from api.sweeps.orphans import OrphanSweep
from bench import actions
from orders.events.links import BASE_PATHS
from orders.lifecycle.states import ITEM_LISTS, TERMINAL, OrderKind
from orders.model.order_ids import root_kind
from store.orders import OrderStore
from store.setbacks import Setbacks
from workflows.contracts import ids
from workflows.contracts.subscriptions import DeliveryPolicy

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


@dataclass
class Stage:
    """Everything that runs, and the ways in which a test acts on it."""

    client: Client
    orders: OrderStore
    gateway: httpx2.AsyncClient
    inventory: httpx2.AsyncClient
    activation: httpx2.AsyncClient
    billing: httpx2.AsyncClient
    queue: str
    lock_releaser: LockReleaser
    setbacks: Setbacks
    orphans: OrphanSweep
    assurance: AssuranceSweep
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

    async def amend(self, order_id: str, **changes: Any) -> httpx2.Response:
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

    async def fault(self, system: httpx2.AsyncClient, **rule: Any) -> None:
        """Make a system fail where the rule says so; `match` names specification, order, operation or target."""
        response = await system.post("/faults", json={"times": None, **rule})
        assert response.status_code == 201, response.text

    async def heal(self) -> None:
        """Take all faults away."""
        for system in (self.inventory, self.activation, self.billing):
            await system.delete("/faults")

    async def log(self, system: httpx2.AsyncClient, order_id: str) -> list[dict[str, Any]]:
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
def outage(system: httpx2.AsyncClient) -> Iterator[None]:
    """Let nothing reach a system for a while."""

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused", request=request)

    transport = system._transport
    system._transport = httpx2.MockTransport(refuse)
    try:
        yield
    finally:
        system._transport = transport


@contextmanager
def stalled(system: httpx2.AsyncClient, *words: str) -> Iterator[asyncio.Event]:
    """Hold back changes in a system whose idempotency keys have one of these words in them, until the event is set."""
    go_on = asyncio.Event()

    class Stalled(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
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


@contextmanager
def late(system: httpx2.AsyncClient, change: str, undo: str) -> Iterator[asyncio.Event]:
    """Let a system answer rubbish to a change, and make it once it was asked for the undo; the event says that it has.

    Both are known by words: of the method, the address and the idempotency key of a request.
    """
    made = asyncio.Event()
    held: list[httpx2.Request] = []

    class Late(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            words = f"{request.method} {request.url} {request.headers.get('Idempotency-Key', '')}"
            if not held and all(word in words for word in change.split()):
                held.append(request)
                return httpx2.Response(200, html="<h1>It works!</h1>", request=request)
            answer = await transport.handle_async_request(request)
            if held and not made.is_set() and all(word in words for word in undo.split()):
                await (await transport.handle_async_request(held[0])).aread()
                made.set()
            return answer

    transport = system._transport
    system._transport = Late()
    try:
        yield made
    finally:
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
