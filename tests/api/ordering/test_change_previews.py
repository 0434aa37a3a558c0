"""POST productOrder/{id}/preview: what an amendment or a cancellation would do, with nothing stored or told."""

from __future__ import annotations

from typing import Any

import pytest

from application.http import DownstreamError
from orders.lifecycle.states import OrderState
from orders.model.installed import InstalledBase, InstalledProduct
from orders.model.product_orders import Action
from orders.model.violation import Violation
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ProductPlan
from tests.api.conftest import PRODUCT_ORDERS, Bench
from tests.api.fakes import CATALOG

pytestmark = pytest.mark.anyio

INSTALLED = InstalledBase(products={"p1": InstalledProduct(id="p1", name="TV", status="active")})

AMENDED = {"description": "new", "productOrderItem": [{"id": "1", "action": "add", "quantity": 2}]}


def product(key: str, **more: Any) -> ProductPlan:
    return ProductPlan(key=key, item_id=key, unit=key, action=Action.ADD, name=f"Product {key}", **more)


async def running(bench: Bench, *products: ProductPlan) -> str:
    """Place an order that runs by a plan with these products."""
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    plan = OrchestrationPlan(order_id=order_id, catalog=CATALOG, products=list(products))
    assert await bench.plans.save(plan, INSTALLED)
    return order_id


async def preview(bench: Bench, order_id: str, body: Any) -> Any:
    return await bench.client.post(f"{PRODUCT_ORDERS}/{order_id}/preview", json=body)


async def test_an_amendment_is_planned_against_what_was_installed_and_compared(bench: Bench) -> None:
    order_id = await running(bench, product("1"), product("2"), product("3"))
    bench.engine.nodes = {"1": {"state": "done"}, "2": {"state": "done"}}
    bench.planner.products = [product("1"), product("2", place="BER-2"), product("4")]
    answer = await preview(bench, order_id, AMENDED)
    assert answer.status_code == 200
    assert {each["key"]: each["action"] for each in answer.json()["changes"]} == {
        "1": "leave",
        "2": "replace",
        "3": "undo",
        "4": "do",
    }
    assert answer.json()["refusals"] == answer.json()["violations"] == []
    order, installed = bench.planner.planned[-1]
    assert (order.description, installed) == ("new", INSTALLED)


async def test_what_names_no_items_leaves_the_plan_as_it_is(bench: Bench) -> None:
    order_id = await running(bench, product("1"))
    bench.engine.nodes = {"1": {"state": "done", "past": "billing has begun"}}
    answer = (await preview(bench, order_id, {"requestedCompletionDate": "2027-01-01T00:00:00Z"})).json()
    assert [(each["key"], each["action"]) for each in answer["changes"]] == [("1", "leave")]
    assert answer["refusals"] == []
    assert bench.planner.planned == []


async def test_what_a_plan_may_depend_on_is_planned_and_compared_without_items_too(bench: Bench) -> None:
    order_id = await running(bench, product("1"))
    bench.engine.nodes = {"1": {"state": "done"}}
    bench.planner.products = [product("1")]
    answer = (await preview(bench, order_id, {"priority": "1"})).json()
    assert [(each["key"], each["action"]) for each in answer["changes"]] == [("1", "leave")]
    bench.planner.of_customer = True
    parties = [{"id": "c-2", "role": "customer", "@referredType": "Customer"}]
    answer = (await preview(bench, order_id, {"relatedParty": parties})).json()
    assert [(each["key"], each["action"]) for each in answer["changes"]] == [("1", "replace")]


async def test_items_past_their_point_of_no_return_are_listed(bench: Bench) -> None:
    order_id = await running(bench, product("1"))
    bench.engine.nodes = {"1": {"state": "running", "past": "billing has begun"}}
    bench.planner.products = [product("1", place="BER-2")]
    refusals = (await preview(bench, order_id, AMENDED)).json()["refusals"]
    assert [(each["itemId"], "billing has begun" in each["reason"]) for each in refusals] == [("1", True)]


async def test_a_cancellation_lists_what_it_would_undo(bench: Bench) -> None:
    order_id = await running(bench, product("1"), product("2"))
    bench.engine.nodes = {"1": {"state": "done"}}
    answer = (await preview(bench, order_id, {"cancel": True})).json()
    assert [(each["key"], each["action"]) for each in answer["changes"]] == [("1", "undo")]
    assert answer["refusals"] == []
    assert bench.planner.planned == []


async def test_every_rule_that_the_new_version_breaks_is_listed(bench: Bench) -> None:
    order_id = await running(bench, product("1"))
    bench.planner.violations = [Violation(code="c", path="productOrderItem[0]", message="no")]
    answer = await preview(bench, order_id, AMENDED)
    assert answer.status_code == 200
    assert answer.json() == {
        "changes": [],
        "refusals": [],
        "violations": [{"code": "c", "path": "productOrderItem[0]", "message": "no"}],
    }


async def test_nothing_is_stored_or_told(bench: Bench) -> None:
    order_id = await running(bench, product("1"))
    await preview(bench, order_id, AMENDED)
    await preview(bench, order_id, {"cancel": True})
    assert bench.engine.asked == []
    assert bench.engine.told == []
    assert len(await bench.revisions.list(order_id)) == 1
    assert "description" not in (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}")).json()


async def test_of_an_order_that_waits_for_its_start_all_is_to_be_done(bench: Bench) -> None:
    bench.engine.away = True
    order_id = await bench.ordered()
    bench.engine.away = False
    bench.planner.products = [product("1")]
    answer = (await preview(bench, order_id, AMENDED)).json()
    assert [(each["key"], each["action"]) for each in answer["changes"]] == [("1", "do")]
    assert (await preview(bench, order_id, {"cancel": True})).json()["changes"] == []


@pytest.mark.parametrize("body", [{"cancel": True}, AMENDED])
async def test_an_order_that_has_ended_is_409(bench: Bench, body: Any) -> None:
    order_id = await running(bench, product("1"))
    bench.engine.end(order_id)
    answer = await preview(bench, order_id, body)
    assert answer.status_code == 409
    assert "has ended" in answer.json()["message"]
    await bench.become(order_id, OrderState.COMPLETED)
    assert (await preview(bench, order_id, body)).status_code == 409


async def test_a_bad_patch_and_an_unknown_order_are_refused_as_by_patch(bench: Bench) -> None:
    order_id = await running(bench, product("1"))
    assert (await preview(bench, order_id, {"state": "held"})).status_code == 400
    assert (await preview(bench, order_id, [])).status_code == 400
    assert (await preview(bench, "unknown", {})).status_code == 404


async def test_without_inventory_or_engine_it_is_to_be_tried_again(bench: Bench) -> None:
    order_id = await running(bench, product("1"))
    bench.engine.away = True
    assert (await preview(bench, order_id, {"cancel": True})).status_code == 503
    bench.planner.error = DownstreamError("inventory", "inventory gave no answer", retryable=True)
    assert (await preview(bench, order_id, AMENDED)).status_code == 503
