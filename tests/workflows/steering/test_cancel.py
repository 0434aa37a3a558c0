"""A workflow cancelled from the Web UI or a terminal: all is undone, and the order ends cancelled."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowExecutionStatus

from tests.replay.scenarios import cancelled_in_flight, cancelled_while_pending
from tests.stage import Stage, customer_of, eventually, example, outage
from tests.workflows.saga.test_failure_and_undo import nothing_is_left, two_items
from tests.workflows.test_straight_way import states_of_items
from workflows.contracts import ids

pytestmark = pytest.mark.anyio


async def check_cancelled(stage: Stage, order_id: str) -> None:
    order = await stage.order(order_id)
    assert order["state"] == "cancelled"
    assert states_of_items(order) == {"cancelled"}
    assert "residue" not in order
    handle = stage.client.get_workflow_handle(ids.root_workflow(order_id))
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    await nothing_is_left(stage, order_id, order["relatedParty"][0]["id"])


async def test_cancel_before_the_start_date(stage: Stage) -> None:
    await check_cancelled(stage, await cancelled_while_pending(stage))


async def test_cancel_while_activation_is_tried_again_and_again(stage: Stage) -> None:
    await check_cancelled(stage, await cancelled_in_flight(stage))


async def test_cancel_while_planning_waits_for_inventory(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    with outage(stage.inventory):
        order_id = await stage.submit(document)
        handle = stage.client.get_workflow_handle(ids.root_workflow(order_id))

        async def planning() -> bool:
            return bool((await handle.describe()).raw_description.pending_activities)

        await eventually(planning)
        await handle.cancel()
        await stage.ended(order_id)
    await check_cancelled(stage, order_id)


async def test_cancel_while_a_callback_is_awaited(stage: Stage) -> None:
    await stage.activation.post("/settings", json={"specifications": {"cfs-iptv": {"latencyMs": 2000}}})
    document = example("fibre-bundle")
    customer_of(document)
    order_id = await stage.submit(document)
    tv = ids.service_order_workflow(ids.root_workflow(order_id), f"{tv_item(document)}:tv")
    handle = stage.client.get_workflow_handle(tv)

    async def waiting() -> bool:
        try:
            view = await handle.query("order")
        except Exception:
            return False
        return any("callback" in each for each in view["waitingFor"])

    await eventually(waiting)
    await stage.client.get_workflow_handle(ids.root_workflow(order_id)).cancel()
    await stage.ended(order_id)
    await stage.activation.post("/settings", json={"specifications": {}})
    await check_cancelled(stage, order_id)


async def test_cancel_after_one_item_completed_undoes_that_one_too(stage: Stage) -> None:
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="transient")
    document = two_items()
    customer_of(document)
    order_id = await stage.submit(document)
    await stage.until(lambda order: order["productOrderItem"][1]["state"] == "completed", order_id)

    await stage.client.get_workflow_handle(ids.root_workflow(order_id)).cancel()
    order = await stage.ended(order_id)
    await stage.heal()

    assert order["state"] == "cancelled"
    customer = order["relatedParty"][0]["id"]
    assert {product["status"] for product in await stage.products(customer)} <= {"terminated"}
    assert await stage.taken_resources(order_id) == []


def tv_item(document: dict[str, list[dict[str, list[dict[str, dict[str, str]]]]]]) -> str:
    """Return the id of the TV item of a bundle order."""
    items = document["productOrderItem"][0]["productOrderItem"]
    found = next(item for item in items if item["productOffering"]["id"] == "home-tv")
    return str(found["id"])
