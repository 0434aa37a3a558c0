"""Holding an order or an item: nothing new starts below it, what runs may finish, and the rest goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.replay.scenarios import tried
from tests.stage import Stage, customer_of, eventually, example
from tests.workflows.saga.test_failure_and_undo import nothing_is_left, two_items
from tests.workflows.test_straight_way import states_of_items
from tmf.instants import timestamp
from workflows.contracts import ids

pytestmark = pytest.mark.anyio


async def begun(stage: Stage) -> str:
    """Bring an order of two items to where the mobile one's activation is tried in vain."""
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="transient")
    document = two_items()
    customer_of(document)
    order_id = await stage.submit(document)
    await tried(stage, order_id)
    return order_id


async def test_a_held_order_starts_nothing_new_and_goes_on_when_it_is_resumed(stage: Stage) -> None:
    order_id = await begun(stage)
    root = ids.root_workflow(order_id)
    await stage.tell(root, "hold", by="ops", reason="the customer asks for a pause")
    await stage.until(lambda order: order["state"] == "held", order_id)
    child = f"/tmf-api/serviceOrdering/v4/serviceOrder/{order_id}:1:mobile"

    async def child_is_held() -> bool:
        return bool((await stage.gateway.get(child)).json()["state"] == "held")

    await eventually(child_is_held)
    await stage.heal()
    products = await stage.products((await stage.order(order_id))["relatedParty"][0]["id"])

    assert [each for each in products if each["productOffering"]["id"] == "mobile-plan"] == []
    await stage.tell(root, "resume")
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_an_item_on_hold_holds_up_nothing_else(stage: Stage) -> None:
    order_id = await begun(stage)
    root = ids.root_workflow(order_id)
    await stage.tell(root, "hold", item="1")
    await stage.heal()

    order = await stage.until(
        lambda order: (
            {item["id"]: item["state"] for item in order["productOrderItem"]} == {"1": "held", "2": "completed"}
        ),
        order_id,
    )

    assert order["state"] in ("held", "inProgress")
    await stage.until(lambda order: order["state"] == "held", order_id)
    await stage.tell(root, "resume", item="1")
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_hold_through_the_gateway_answers_with_the_order_and_resume_likewise(stage: Stage) -> None:
    order_id = await begun(stage)
    path = f"/tmf-api/productOrderingManagement/v4/productOrder/{order_id}"

    held = await stage.gateway.post(f"{path}/hold", json={"reason": "a pause"})
    resumed = await stage.gateway.post(f"{path}/resume", json={})
    again = resumed

    async def nothing_is_on_hold() -> bool:
        nonlocal again
        again = await stage.gateway.post(f"{path}/resume", json={})
        return again.status_code != 200

    await eventually(nothing_is_on_hold)
    unknown = await stage.gateway.post(f"{path}/hold", json={"item": "77"})
    await stage.heal()

    assert (held.status_code, resumed.status_code) == (200, 200)
    assert again.status_code == 409
    assert "nothing of order" in again.json()["message"]
    assert unknown.status_code == 400
    assert "77" in unknown.json()["message"]
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_an_order_held_before_its_start_date_does_not_start_until_it_is_resumed(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    document["requestedStartDate"] = timestamp(datetime.now(UTC) + timedelta(seconds=3))
    order_id = await stage.submit(document)
    await stage.until(lambda order: order["state"] == "pending", order_id)
    root = ids.root_workflow(order_id)

    await stage.tell(root, "hold")
    await stage.until(lambda order: order["state"] == "held", order_id)

    async def over() -> bool:
        return datetime.now(UTC) > datetime.fromisoformat(document["requestedStartDate"]) + timedelta(seconds=1)

    await eventually(over)
    assert (await stage.order(order_id))["state"] == "held"
    assert await stage.taken_resources(order_id) == []
    await stage.tell(root, "resume")
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_held_service_order_shows_on_its_product_order(stage: Stage) -> None:
    order_id = await begun(stage)
    child = ids.service_order_workflow(ids.root_workflow(order_id), "1:mobile")
    await stage.client.get_workflow_handle(child).signal("hold")
    await stage.heal()

    await stage.until(lambda order: states_by_id(order)["1"] == "held", order_id)
    await stage.tell(ids.root_workflow(order_id), "resume")

    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_held_order_can_be_cancelled(stage: Stage) -> None:
    order_id = await begun(stage)
    root = ids.root_workflow(order_id)
    await stage.tell(root, "hold")
    await stage.until(lambda order: order["state"] == "held", order_id)
    await stage.tell(root, "cancel")
    order = await stage.ended(order_id)
    await stage.heal()

    assert order["state"] == "cancelled"
    assert states_of_items(order) == {"cancelled"}
    await nothing_is_left(stage, order_id, order["relatedParty"][0]["id"])


def states_by_id(order: dict[str, Any]) -> dict[str, str]:
    return {item["id"]: item["state"] for item in order["productOrderItem"]}
