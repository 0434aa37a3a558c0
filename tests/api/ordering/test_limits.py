"""How large an order may be is told at once, before anything is worked out, wherever it is sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from api.http.at_once import AtOnce
from api.qualification.offerings import OFFERING_QUALIFICATION_EXAMPLE
from application.planner import PlannedOrder
from orders.bounds import OrderLimits
from orders.events.links import BASE_PATHS, QUALIFICATION_PATHS
from orders.lifecycle.states import ITEM_LISTS, OrderKind, OrderState
from orders.model.posted import PostedOrder
from orders.qualification.results import QualificationKind
from tests.api.conftest import MINIMAL, PRODUCT_ORDERS, Bench
from tmf.paths import TMF622_V5

pytestmark = pytest.mark.anyio

V5 = f"{TMF622_V5}/productOrder"
OFFERINGS = f"{QUALIFICATION_PATHS[QualificationKind.OFFERING]}/{QualificationKind.OFFERING.value}"
CHECKS = f"{QUALIFICATION_PATHS[QualificationKind.SERVICE_CHECK]}/{QualificationKind.SERVICE_CHECK.value}"


@pytest.fixture
def bench(bench: Bench, app: FastAPI) -> Bench:
    limits = OrderLimits(items=5, depth=2, quantity=10, instances=15, text=100)
    app.state.gateway = replace(bench.gateway, limits=limits)
    return bench


def order(kind: OrderKind, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    subject: dict[str, Any] = {} if kind == OrderKind.PRODUCT else {kind.value.removesuffix("Order"): {}}
    listed = [{"id": str(n), "action": "add", **subject, **each} for n, each in enumerate(items)]
    return {ITEM_LISTS[kind]: listed, **more}


def message(answer: httpx2.Response) -> str:
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "invalidRequest"
    told: str = answer.json()["message"]
    return told


@pytest.mark.parametrize("kind", OrderKind)
@pytest.mark.parametrize("way", ["", "/preview"])
async def test_an_order_and_its_preview_have_the_same_limits(bench: Bench, kind: OrderKind, way: str) -> None:
    path = f"{BASE_PATHS[kind]}/{kind.value}{way}"
    items = ITEM_LISTS[kind]
    assert (await bench.client.post(path, json=order(kind, *[{}] * 5))).is_success
    many = await bench.client.post(path, json=order(kind, *[{}] * 6))
    assert message(many).startswith(f"{items}: has 6 items, nested ones counted; at most 5")
    long = await bench.client.post(path, json=order(kind, {}, description="x" * 101))
    assert message(long) == "description: has 101 characters; at most 100"
    assert await bench.stored() == (way == "" and kind == OrderKind.PRODUCT)


@pytest.mark.parametrize("path", [PRODUCT_ORDERS, f"{PRODUCT_ORDERS}/preview", V5])
async def test_quantities_are_added_up_before_anything_is_planned(bench: Bench, path: str) -> None:
    answer = await bench.client.post(path, json=order(OrderKind.PRODUCT, {"quantity": 11}))
    assert message(answer) == "productOrderItem[0].quantity: is 11; at most 10 of one product in one item"
    answer = await bench.client.post(path, json=order(OrderKind.PRODUCT, {"quantity": 10}, {"quantity": 6}))
    assert message(answer).startswith("productOrderItem: orders 16 products by the quantities of its items; at most 15")


@pytest.mark.parametrize("path", [PRODUCT_ORDERS, V5])
async def test_items_nest_so_deep_and_no_deeper(bench: Bench, path: str) -> None:
    deep: dict[str, Any] = {"id": "3", "action": "add"}
    for item_id in ("2", "1"):
        deep = {"id": item_id, "action": "add", "productOrderItem": [deep]}
    answer = await bench.client.post(path, json={"productOrderItem": [deep]})
    assert message(answer).endswith("productOrderItem: is nested 3 levels deep; at most 2")


@pytest.mark.parametrize(("path", "way"), [(PRODUCT_ORDERS, ""), (PRODUCT_ORDERS, "/preview"), (V5, "")])
async def test_an_amendment_must_not_make_an_order_larger_than_one_may_be(bench: Bench, path: str, way: str) -> None:
    order_id = await bench.ordered(MINIMAL, OrderState.IN_PROGRESS)
    change = order(OrderKind.PRODUCT, *[{}] * 6)
    method = "POST" if way else "PATCH"
    answer = await bench.client.request(method, f"{path}/{order_id}{way}", json=change)
    assert message(answer).startswith("productOrderItem: has 6 items")
    answer = await bench.client.request(method, f"{path}/{order_id}{way}", json={"description": "x" * 101})
    assert message(answer) == "description: has 101 characters; at most 100"


@pytest.mark.parametrize(
    ("path", "items", "item"),
    [
        (OFFERINGS, "productOfferingQualificationItem", {"id": "1"}),
        (CHECKS, "serviceQualificationItem", {"service": {}}),
    ],
)
async def test_a_qualification_has_the_limits_of_an_order(
    bench: Bench, path: str, items: str, item: dict[str, Any]
) -> None:
    answer = await bench.client.post(path, json={items: [item] * 6})
    assert message(answer).startswith(f"{items}: has 6 items")
    answer = await bench.client.post(path, json={items: [item], "description": "x" * 101})
    assert message(answer) == "description: has 101 characters; at most 100"


async def test_the_parts_of_a_qualified_bundle_are_counted_and_so_are_their_levels(bench: Bench) -> None:
    def bundle(*parts: dict[str, Any]) -> dict[str, Any]:
        item = {"id": "1", "productOffering": {"id": "a"}, "product": {"product": list(parts)}}
        return {"productOfferingQualificationItem": [item]}

    assert (await bench.client.post(OFFERINGS, json=bundle(*[{}] * 4))).is_success
    answer = await bench.client.post(OFFERINGS, json=bundle(*[{}] * 4, {}))
    assert message(answer).startswith("productOfferingQualificationItem: has 6 items and parts of their products")
    answer = await bench.client.post(OFFERINGS, json=bundle({"product": [{}]}))
    assert message(answer).endswith("has products in 3 levels, one in the other; at most 2")


async def test_of_previews_and_qualifications_so_many_are_worked_out_at_a_time(
    bench: Bench, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.state.gateway = replace(bench.gateway, questions=AtOnce(2))
    preview, begun, go_on = bench.planner.preview, asyncio.Semaphore(0), asyncio.Event()

    async def slow(order: PostedOrder, *arguments: Any) -> PlannedOrder:
        begun.release()
        await go_on.wait()
        return await preview(order, *arguments)

    monkeypatch.setattr(bench.planner, "preview", slow)
    running = [asyncio.create_task(bench.client.post(f"{PRODUCT_ORDERS}/preview", json=MINIMAL)) for _ in range(2)]
    for _ in running:
        await begun.acquire()
    instant = {**OFFERING_QUALIFICATION_EXAMPLE, "instantSyncQualification": True}
    for path, body in ((f"{PRODUCT_ORDERS}/preview", MINIMAL), (OFFERINGS, instant)):
        refused = await bench.client.post(path, json=body)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert "2 previews and qualifications are being worked out" in refused.json()["message"]
    assert (await bench.post(MINIMAL)).status_code == 201
    go_on.set()
    assert [(await each).status_code for each in running] == [200, 200]
    assert (await bench.client.post(OFFERINGS, json=instant)).status_code == 200
