"""Orders that can be brought into every state and stay there: people work on them, and their steps fall out on demand.

A visit is a service with three resources: a card and a profile, which people look at, and a number, which comes after
the profile. Until the people's tasks are settled nothing moves.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus

from orders.events.links import BASE_PATHS
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from tests.stage import Stage, customer_of, eventually
from tests.staging import staged
from tmf.instants import timestamp
from workflows.contracts import ids

CATALOG = """
catalog: {id: visits, name: Visits, version: "1.0", policy: {attempts: 3, backoff: 1s, onFailure: hold}}
productOffering:
  - {id: visit, name: Visit, productSpecification: {id: visit}}
productSpecification:
  - id: visit
    name: Visit
    productSpecCharacteristic: [{name: label, valueType: string}, {name: number, valueType: string}]
    fulfilment:
      services: [{key: visit, specification: cfs-visit, characteristics: {number: product.number}}]
serviceSpecification:
  - id: cfs-visit
    name: Visit
    "@type": CustomerFacingServiceSpecification
    specCharacteristic: [{name: number, valueType: string}]
    fulfilment:
      services: [{key: line, specification: rfs-line, characteristics: {number: service.number}}]
      activation: {completion: monitor}
  - id: rfs-line
    name: Line
    "@type": ResourceFacingServiceSpecification
    specCharacteristic: [{name: number, valueType: string}]
    fulfilment:
      resources:
        - {key: card, specification: sim-card}
        - {key: profile, specification: esim-profile}
        - {key: number, specification: imsi, value: service.number, dependsOn: [profile]}
resourceSpecification:
  - id: sim-card
    name: Card
    fulfilment: &looked-at
      configuration: {completion: monitor}
      manual: {add: {instructions: Look at it, undo: Put it away}}
  - {id: esim-profile, name: Profile, fulfilment: *looked-at}
  - {id: imsi, name: Number}
"""

MANUAL = "/manual/v1/task"
FALLOUT = "/fallout/v1/task"

_numbers = (f"00101{n:010d}" for n in itertools.count(400))
"""Numbers to choose: those that are given out unasked are lower."""


@asynccontextmanager
async def visiting(client: Client, folder: Path) -> AsyncIterator[Stage]:
    """Run everything on a catalog that has visits alone."""
    catalog = folder / "catalogs" / "visits"
    catalog.mkdir(parents=True)
    (catalog / "catalog.yaml").write_text(CATALOG)
    async with staged(client, folder, catalog.parent) as stage:
        yield stage


@dataclass(frozen=True)
class Visit:
    """A product order of visits, with the service order and the resource order of its first item."""

    stage: Stage
    id: str
    customer: str

    def order_id(self, kind: OrderKind) -> str:
        return ids.order_id(self.workflow_id(kind))

    def workflow_id(self, kind: OrderKind) -> str:
        product = ids.root_workflow(self.id)
        service = ids.service_order_workflow(product, "1:visit")
        resource = ids.resource_order_workflow(service, "line")
        return {OrderKind.PRODUCT: product, OrderKind.SERVICE: service, OrderKind.RESOURCE: resource}[kind]

    def path(self, kind: OrderKind) -> str:
        return f"{BASE_PATHS[kind]}/{kind.value}/{self.order_id(kind)}"

    async def document(self, kind: OrderKind = OrderKind.PRODUCT) -> dict[str, Any]:
        answer = await self.stage.gateway.get(self.path(kind))
        return answer.json() if answer.is_success else {"state": None}

    async def reaches(self, state: OrderState, *kinds: OrderKind) -> None:
        """Wait until the orders of these kinds are in a state."""
        for kind in kinds:

            async def reached(kind: OrderKind = kind) -> bool:
                return bool((await self.document(kind))["state"] == state)

            await _sometime(reached, f"{self.order_id(kind)} is not {state}")

    async def view(self, kind: OrderKind) -> dict[str, Any]:
        """Return the order as its workflow sees it."""
        view: dict[str, Any] = await self.stage.client.get_workflow_handle(self.workflow_id(kind)).query("order")
        return view

    async def tasks(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return the open tasks in which everything is as wanted."""
        found = await self.stage.tasks(self.id)
        return [task for task in found if wanted.items() <= task.items()]

    async def task(self, **wanted: Any) -> dict[str, Any]:
        """Wait for an open task in which everything is as wanted, and return it."""
        tasks: list[dict[str, Any]] = []

        async def opened() -> bool:
            nonlocal tasks
            tasks = await self.tasks(**wanted)
            return bool(tasks)

        await _sometime(opened, f"order {self.id} has no task with {wanted}")
        return tasks[0]

    async def task_known_to(self, kind: OrderKind, wanted: str) -> dict[str, Any]:
        """Return a task of the wanted kind, once the order of `kind` has heard of it from below."""
        task = await self.task(kind=wanted)

        async def heard() -> bool:
            return task["id"] in (await self.view(kind))["tasks"]

        await _sometime(heard, f"{self.order_id(kind)} does not hear of task {task['id']}")
        return task

    async def complete(self, task: dict[str, Any]) -> None:
        answer = await self.stage.gateway.post(f"{MANUAL}/{task['id']}/completion", json={})
        assert answer.status_code == 200, answer.text

    async def resolve(self, task: dict[str, Any], action: str) -> None:
        answer = await self.stage.gateway.post(f"{FALLOUT}/{task['id']}/resolution", json={"action": action})
        assert answer.status_code == 200, answer.text

    async def cancel(self, kind: OrderKind = OrderKind.PRODUCT) -> int:
        """Ask for the order to be cancelled, and return the answer's status."""
        resource = f"cancel{kind.value[0].upper()}{kind.value[1:]}"
        body = {kind.value: {"id": self.order_id(kind)}}
        return (await self.stage.gateway.post(f"{BASE_PATHS[kind]}/{resource}", json=body)).status_code

    async def finished(self) -> OrderState:
        """Settle every task as it should be until the order has ended, and return how."""
        handle = self.stage.client.get_workflow_handle(ids.root_workflow(self.id))

        async def ended() -> bool:
            for task in await self.tasks():
                # Another one may have come first, or the order may need it no more.
                with suppress(AssertionError):
                    await (self.resolve(task, "retry") if task["kind"] == "fallout" else self.complete(task))
            return (await handle.describe()).status != WorkflowExecutionStatus.RUNNING

        await _sometime(ended, f"order {self.id} does not end")
        return OrderState((await self.document())["state"])

    async def check_nothing_left(self) -> None:
        assert await self.stage.taken_resources(self.id) == []
        assert await self.stage.products(self.customer) == []
        assert {each["state"] for each in await self.stage.services(self.customer)} <= {"terminated"}

    async def fails_once(self, operation: str, specification: str) -> None:
        """Let one operation of this order fail for good, once."""
        system = self.stage.inventory if operation == "release" else self.stage.activation
        match = {"order": self.id, "operation": operation, "specification": specification}
        await self.stage.fault(system, match=match, kind="permanent", times=1)


async def placed(
    stage: Stage, *, items: int = 1, number: str | None = None, offering: str = "visit", **more: Any
) -> Visit:
    """Place an order of visits."""
    chosen = [{"name": "number", "value": number}] if number else []
    document: dict[str, Any] = {
        "@type": "ProductOrder",
        **more,
        "productOrderItem": [item(n + 1, offering, chosen) for n in range(items)],
    }
    customer = customer_of(document)
    return Visit(stage, await stage.submit(document), customer)


def item(number: int, offering: str, characteristics: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "id": str(number),
        "action": "add",
        "productOffering": {"id": offering},
        "product": {"@type": "Product", "productCharacteristic": characteristics},
    }


# --- each state, and how an order comes to rest in it ---


async def acknowledged(stage: Stage) -> Visit:
    """Return an order that waits for another one, which has the number that it wants."""
    number = next(_numbers)
    first = await pending(stage, number=number)
    order = await placed(stage, number=number)

    async def waits() -> bool:
        return any(first.id in each for each in (await order.view(OrderKind.PRODUCT))["waitingFor"])

    await _sometime(waits, f"order {order.id} does not wait for {first.id}")
    return order


async def pending(stage: Stage, **more: Any) -> Visit:
    """Return an order that waits for its start date."""
    later = timestamp(datetime.now(UTC) + timedelta(days=30))
    order = await placed(stage, requestedStartDate=later, **more)
    await order.reaches(OrderState.PENDING, OrderKind.PRODUCT)
    return order


async def in_progress(stage: Stage, **more: Any) -> Visit:
    """Return an order that has fallen out on its card, and waits for people who look at its profile."""
    order = await placed(stage, **more)
    await order.fails_once("configure", "sim-card")
    await order.complete(await order.task(item="card"))
    await order.task(kind="fallout")
    await order.task(item="profile")
    await order.reaches(OrderState.IN_PROGRESS, *OrderKind)
    return order


async def held(stage: Stage) -> Visit:
    """Return such an order that is held on all levels."""
    order = await in_progress(stage)
    for kind in OrderKind:
        answer = await stage.gateway.post(f"{order.path(kind)}/hold")
        assert answer.status_code == 200, answer.text
    await order.reaches(OrderState.HELD, *OrderKind)
    return order


async def pending_cancellation(stage: Stage) -> Visit:
    """Return such an order whose undo waits for people, and has fallen out on giving its profile back."""
    order = await in_progress(stage)
    await order.fails_once("release", "esim-profile")
    assert await order.cancel() == 201
    await order.complete(await order.task(undoing=True, item="profile"))
    await order.task(undoing=True, kind="fallout")
    await order.task(undoing=True, kind="manual")
    await order.reaches(OrderState.PENDING_CANCELLATION, *OrderKind)
    return order


async def ended(stage: Stage, state: OrderState) -> Visit:
    """Return an order that has ended in a state, and has had tasks of each kind, if any."""
    if state == OrderState.REJECTED:
        order = await placed(stage, offering="no-such-offering")
    else:
        order = await in_progress(stage, items=2 if state == OrderState.PARTIAL else 1)
    if state in (OrderState.FAILED, OrderState.PARTIAL):
        await order.resolve(await order.task(kind="fallout"), "fail")
    elif state == OrderState.CANCELLED:
        assert await order.cancel() == 201
    assert await order.finished() == state
    return order


AT_REST: dict[OrderState, Callable[[Stage], Any]] = {
    OrderState.ACKNOWLEDGED: acknowledged,
    OrderState.PENDING: pending,
    OrderState.IN_PROGRESS: in_progress,
    OrderState.HELD: held,
    OrderState.PENDING_CANCELLATION: pending_cancellation,
    **{state: (lambda stage, state=state: ended(stage, state)) for state in TERMINAL},  # type: ignore[misc]
}
"""State → how to bring an order to rest in it."""


async def _sometime(condition: Callable[[], Any], otherwise: str) -> None:
    """Wait until something holds. Many orders wait side by side, so each looks seldom."""
    await eventually(condition, lambda: otherwise, longest_pause=1)
