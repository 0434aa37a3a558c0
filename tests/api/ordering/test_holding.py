"""POST …/hold and …/resume: what the workflow is asked for, and what is refused before or by it."""

from __future__ import annotations

from typing import Any

import pytest

from api.engine import EngineUnavailableError, MessageRefusedError
from orders.lifecycle.states import OrderKind, OrderState
from orders.model.revision import Refusal
from tests.api.conftest import PRODUCT_ORDERS, RESOURCE_ORDERS, SERVICE_ORDERS, Bench
from workflows.contracts.payloads import Hold, Resume

pytestmark = pytest.mark.anyio

NESTED = {"productOrderItem": [{"id": "1", "action": "add", "productOrderItem": [{"id": "1.tv", "action": "add"}]}]}


@pytest.mark.parametrize(("word", "model"), [("hold", Hold), ("resume", Resume)])
async def test_an_order_is_asked_and_given_back(bench: Bench, word: str, model: type[Hold | Resume]) -> None:
    order_id = await bench.ordered(NESTED, OrderState.IN_PROGRESS)
    body = {"item": "1.tv", "reason": "away", "author": "ada"}
    answer = await bench.client.post(f"{PRODUCT_ORDERS}/{order_id}/{word}", json=body)
    assert answer.status_code == 200
    assert answer.json() == (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}")).json()
    assert bench.engine.asked == [(f"po:{order_id}", word, model(item="1.tv", reason="away", by="ada"))]


async def test_the_body_may_be_left_out(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    assert (await bench.client.post(f"{PRODUCT_ORDERS}/{order_id}/hold")).status_code == 200
    assert bench.engine.asked == [(f"po:{order_id}", "hold", Hold(by="anonymous"))]


@pytest.mark.parametrize(
    ("kind", "path", "order_id", "item"),
    [
        (OrderKind.SERVICE, SERVICE_ORDERS, "abcdefghij:1:internet", "internet"),
        (OrderKind.RESOURCE, RESOURCE_ORDERS, "abcdefghij:1:internet:access", "port"),
    ],
)
async def test_service_and_resource_orders_are_held_too(
    bench: Bench, kind: OrderKind, path: str, order_id: str, item: str
) -> None:
    workflow_id = await bench.child(kind, order_id)
    answer = await bench.client.post(f"{path}/{order_id}/hold", json={"item": item})
    assert answer.status_code == 200
    assert bench.engine.asked == [(workflow_id, "hold", Hold(item=item, by="anonymous"))]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"items": ["1"]}, "items: "),
        ({"item": 1}, "item: "),
        ({"item": "9"}, 'item: the order has no item "9"'),
        ({"reason": "x" * 2001}, "reason: "),
        ([], ""),
    ],
)
async def test_a_bad_body_is_refused_naming_the_field(bench: Bench, body: Any, named: str) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    answer = await bench.client.post(f"{PRODUCT_ORDERS}/{order_id}/hold", json=body)
    assert answer.status_code == 400
    assert named in answer.json()["message"]
    assert bench.engine.asked == []


async def test_an_unknown_order_is_404(bench: Bench) -> None:
    assert (await bench.client.post(f"{PRODUCT_ORDERS}/unknown/hold")).status_code == 404


async def test_a_state_that_does_not_allow_it_is_409(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.COMPLETED)
    answer = await bench.client.post(f"{PRODUCT_ORDERS}/{order_id}/hold")
    assert answer.status_code == 409
    assert answer.json()["code"] == "notAllowed"
    assert "is completed cannot be held; it has ended" in answer.json()["message"]
    assert bench.engine.asked == []


async def test_what_the_workflow_refuses_is_409_with_each_item_and_reason(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)

    def refuse(_name: str, _argument: Any) -> None:
        raise MessageRefusedError("not now", [Refusal(item_id="1", key="1:tv", reason="it is done")], [])

    bench.engine.answer = refuse
    answer = await bench.client.post(f"{PRODUCT_ORDERS}/{order_id}/hold")
    assert answer.status_code == 409
    assert answer.json()["message"] == "not now: item 1: it is done"
    assert answer.json()["refusals"] == [{"itemId": "1", "key": "1:tv", "reason": "it is done"}]


async def test_an_order_whose_workflow_has_ended_is_409(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)
    bench.engine.end(order_id)
    answer = await bench.client.post(f"{PRODUCT_ORDERS}/{order_id}/hold")
    assert answer.status_code == 409
    assert answer.json()["message"] == f"productOrder {order_id!r} has ended"


async def test_an_engine_that_does_not_answer_is_503_and_says_that_it_may_be_done(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.IN_PROGRESS)

    def stay_silent(_name: str, _argument: Any) -> None:
        raise EngineUnavailableError("Temporal gave no answer within 10 s")

    bench.engine.answer = stay_silent
    answer = await bench.client.post(f"{PRODUCT_ORDERS}/{order_id}/resume")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "it may be done all the same" in answer.json()["message"]


async def test_an_order_that_waits_for_its_start_is_started_first(bench: Bench) -> None:
    bench.engine.away = True
    order_id = await bench.ordered()
    bench.engine.away = False
    await bench.become(order_id, OrderState.PENDING)
    early = await bench.client.post(f"{PRODUCT_ORDERS}/{order_id}/hold")
    assert early.status_code == 503
    assert "waits for Temporal to start it" in early.json()["message"]
    bench.clock.now += 5
    assert (await bench.client.post(f"{PRODUCT_ORDERS}/{order_id}/hold")).status_code == 200
    assert bench.engine.running == [order_id]
