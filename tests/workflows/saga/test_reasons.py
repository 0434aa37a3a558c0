"""Why something failed is on the order as soon as it has, and stays there, however the order ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from orders.events.links import BASE_PATHS
from orders.lifecycle.states import OrderKind
from tests.stage import Stage, customer_of, eventually, example
from tests.workflows.saga.test_failure_and_undo import stuck_undo
from tests.workflows.saga.test_saga import new_graph
from workflows.contracts import ids
from workflows.failures import explain
from workflows.saga.saga import Saga

pytestmark = pytest.mark.anyio

_RELEASE_REFUSED = {"operation": "release", "specification": "imsi"}


async def below(stage: Stage, kind: OrderKind, order_id: str) -> dict[str, Any]:
    """Return an order that another one has made."""
    found: dict[str, Any] = (await stage.gateway.get(f"{BASE_PATHS[kind]}/{kind.value}/{order_id}")).json()
    return found


async def test_an_order_says_why_it_failed_and_what_is_left_while_a_refused_undo_waits_and_after_a_cancellation(
    stage: Stage,
) -> None:
    order_id, task = await stuck_undo(stage)

    order = await stage.until(lambda each: "residue" in each, order_id)
    (reason,) = order["productOrderErrorMessage"]
    assert "startCharge" in reason["reason"] or "billing" in reason["reason"]
    assert reason["productOrderItem"] == [{"id": "1"}]
    (left,) = order["residue"]
    assert (left["step"], left["system"]) == ("release", "inventory")
    assert "release" in left["message"]
    where = await below(stage, OrderKind.RESOURCE, task["orderId"])
    assert where["residue"] == [left]

    await stage.heal()
    await stage.tell(ids.root_workflow(order_id), "cancel", reason="no longer wanted")
    await stage.tell(ids.root_workflow(order_id), "resolve", task=task["id"], action="retry")
    ended = await stage.ended(order_id)

    assert (ended["state"], ended["cancellationReason"]) == ("cancelled", "no longer wanted")
    assert ended["productOrderErrorMessage"] == order["productOrderErrorMessage"]
    assert "residue" not in ended


async def test_what_failed_below_is_said_at_the_top_while_it_is_undone_and_after_a_cancellation(stage: Stage) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="permanent", message="no such line")
    await stage.fault(stage.inventory, match=_RELEASE_REFUSED, kind="permanent")
    document = example("mobile")
    customer_of(document)
    order_id = await stage.submit(document)
    task = await stage.task(order_id)

    order = await stage.until(lambda each: "productOrderErrorMessage" in each and "residue" in each, order_id)
    assert order["state"] == "inProgress"
    (reason,) = order["productOrderErrorMessage"]
    assert "no such line" in reason["reason"]
    assert reason["productOrderItem"] == [{"id": "1"}]
    service = await below(stage, OrderKind.SERVICE, f"{order_id}:1:mobile")
    assert "no such line" in service["errorMessage"][0]["reason"]
    assert service["errorMessage"][0]["serviceOrderItem"] == [{"id": "service"}]

    await stage.heal()
    await stage.tell(ids.root_workflow(order_id), "cancel")

    async def is_cancelled() -> bool:
        return bool((await stage.order(order_id))["state"] == "pendingCancellation")

    await eventually(is_cancelled)
    await stage.tell(ids.root_workflow(order_id), "resolve", task=task["id"], action="retry")
    ended = await stage.ended(order_id)

    assert ended["state"] == "cancelled"
    assert [each["reason"] for each in ended["productOrderErrorMessage"]] == [reason["reason"]]
    service = await below(stage, OrderKind.SERVICE, f"{order_id}:1:mobile")
    assert (service["state"], service["errorMessage"][0]["reason"]) == ("cancelled", reason["reason"])


async def test_a_node_that_fails_while_it_is_stopped_for_anothers_sake_keeps_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workflow, "now", lambda: datetime(2026, 11, 28, tzinfo=UTC))
    beside = asyncio.Event()

    async def do(key: str, _saga: Saga) -> None:
        if key == "left":
            await beside.wait()
            raise ApplicationError("the port is dark", type="first")
        beside.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if key == "stopped":
                raise
            raise ApplicationError("the number is taken", type="second") from None

    nodes: dict[str, list[str]] = {"left": [], "right": [], "stopped": []}
    graph = new_graph()
    await graph.run(nodes, do, taken_by_failure=lambda _: nodes)

    told = {key: explain(error, key).message for key, error in graph.failures.items()}
    assert told == {"left": "left: the port is dark", "right": "right: the number is taken"}
    assert graph.failed_at.keys() == told.keys()
