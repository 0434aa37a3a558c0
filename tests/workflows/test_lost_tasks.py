"""Orders whose workflow task was lost after it had told the order store: what its repeat tells is kept all the same."""

from __future__ import annotations

from copy import deepcopy

import pytest

from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from tests.stage import Stage, customer_of, example, stalled

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("told", [4, 1000])
async def test_an_order_ends_as_its_workflow_though_a_lost_task_has_told_more_changes(stage: Stage, told: int) -> None:
    document = example("mobile")
    customer_of(document)
    with stalled(stage.activation, "/service/activate/") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"1:mobile": "running"})
        # As many changes as the lost task may have told, all of them known by now.
        more = OrderChange(
            kind=OrderKind.PRODUCT,
            order_id=order_id,
            version=told,
            state=OrderState.IN_PROGRESS,
            attributes={"x-lost": 1},
        )
        await stage.orders.record([more])
        go_on.set()
        order = await stage.ended(order_id)

    assert order["state"] == "completed"
    (item,) = order["productOrderItem"]
    assert (item["state"], "id" in item["product"]) == ("completed", True)


async def test_an_amendment_is_in_the_document_though_a_lost_task_has_told_more_changes(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    with stalled(stage.activation, "/service/activate/") as go_on:
        order_id = await stage.submit(document)
        await stage.reached(order_id, {"1:mobile": "running"})
        more = OrderChange(kind=OrderKind.PRODUCT, order_id=order_id, version=1000, state=OrderState.IN_PROGRESS)
        await stage.orders.record([more])
        items = document["productOrderItem"]
        amended = await stage.amend(
            order_id, description="two of them", productOrderItem=[*items, deepcopy(items[0]) | {"id": "2"}]
        )
        order = await stage.order(order_id)
        go_on.set()
        end = await stage.ended(order_id)

    assert amended.status_code == 200, amended.text
    assert (order["description"], [item["id"] for item in order["productOrderItem"]]) == ("two of them", ["1", "2"])
    assert {item["id"]: item["state"] for item in end["productOrderItem"]} == {"1": "completed", "2": "completed"}
    assert end["state"] == "completed"
