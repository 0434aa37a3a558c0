"""POST, PATCH and all around it of service and resource orders: as with product orders, each with its own names."""

from __future__ import annotations

from typing import Any

import pytest

from orders.lifecycle.states import OrderKind, OrderState
from tests.api.conftest import BASE_URL, PRODUCT_ORDERS, RESOURCE_ORDERS, SERVICE_ORDERS, Bench
from workflows.contracts.payloads import Amend

pytestmark = pytest.mark.anyio

SERVICE: dict[str, Any] = {"serviceOrderItem": [{"id": "1", "action": "add", "service": {}}]}
RESOURCE: dict[str, Any] = {"orderItem": [{"id": "1", "action": "add", "resource": {}}]}
KINDS = [
    (OrderKind.SERVICE, SERVICE_ORDERS, SERVICE, "so"),
    (OrderKind.RESOURCE, RESOURCE_ORDERS, RESOURCE, "ro"),
]
each_kind = pytest.mark.parametrize(("kind", "orders", "body", "prefix"), KINDS)


@each_kind
async def test_an_order_is_taken_in_kept_and_started(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    answer = await bench.client.post(orders, json={**body, "id": "mine", "state": "completed", "colour": "red"})
    order = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == order["href"] == f"{BASE_URL}{orders}/{order['id']}"
    assert (order["state"], order["colour"]) == ("acknowledged", "red")
    assert bench.engine.running == [order["id"]]
    assert (await bench.client.get(f"{orders}/{order['id']}")).json() == order
    assert (await bench.client.get(orders)).json() == [order]
    await bench.starter.note()
    assert await bench.orders.unstarted() == []


@each_kind
async def test_an_order_that_the_engine_was_away_for_is_started_by_the_sweep(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    bench.engine.away = True
    order_id = (await bench.client.post(orders, json=body)).json()["id"]
    assert bench.engine.running == []
    bench.engine.away = False
    assert await bench.starter.sweep() == 1
    assert bench.engine.running == [order_id]


@each_kind
async def test_a_repeated_request_gets_the_same_order_back(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    for more, headers in (({"externalId": "X-1"}, {}), ({}, {"Idempotency-Key": "key-1"})):
        first = await bench.client.post(orders, json={**body, **more}, headers=headers)
        again = await bench.client.post(orders, json={**body, **more}, headers=headers)
        assert (again.status_code, again.json()) == (201, first.json())
        other = await bench.client.post(orders, json={**body, **more, "description": "another"}, headers=headers)
        assert other.status_code == 409


async def test_one_external_id_may_name_an_order_of_each_kind(bench: Bench) -> None:
    external = {"externalId": "X-1"}
    product = {"productOrderItem": [{"id": "1", "action": "add"}]}
    answers = [
        await bench.client.post(path, json={**body, **external})
        for path, body in ((PRODUCT_ORDERS, product), (SERVICE_ORDERS, SERVICE), (RESOURCE_ORDERS, RESOURCE))
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 3


@each_kind
async def test_a_body_that_does_not_fit_the_form_is_refused_by_path(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    items = next(iter(body))
    answer = await bench.client.post(orders, json={items: [{"id": "1", "action": "grow"}]})
    assert answer.status_code == 400
    assert f"{items}[0].action: " in answer.json()["message"]
    answer = await bench.client.post(orders, json={**body, "note": "x"})
    assert answer.status_code == 400
    assert "note: " in answer.json()["message"]
    assert (await bench.client.get(orders)).json() == []


@each_kind
async def test_a_patch_is_proposed_as_a_revision_and_the_order_asked(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    order_id = (await bench.client.post(orders, json=body)).json()["id"]
    await bench.become(order_id, OrderState.IN_PROGRESS, kind)
    answer = await bench.client.patch(f"{orders}/{order_id}", json={"description": "new"})
    assert answer.status_code == 200
    assert bench.engine.asked == [(f"{prefix}:{order_id}", "amend", Amend(revision=2, by="anonymous"))]
    first, second = (await bench.client.get(f"{orders}/{order_id}/revision")).json()
    assert first["document"] == body
    assert second["document"] == {"description": "new"}
    assert (await bench.client.get(f"{orders}/{order_id}/revision/2")).json() == second
    assert (await bench.client.get(f"{orders}/{order_id}/revision/3")).status_code == 404


@each_kind
@pytest.mark.parametrize("attribute", ["id", "href", "state", "orderDate", "expectedCompletionDate", "errorMessage"])
async def test_what_only_the_orchestrator_writes_cannot_be_patched(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str, attribute: str
) -> None:
    order_id = (await bench.client.post(orders, json=body)).json()["id"]
    answer = await bench.client.patch(f"{orders}/{order_id}", json={attribute: "mine"})
    assert answer.status_code == 400
    assert f"{attribute}: " in answer.json()["message"]
    assert bench.engine.asked == []


@each_kind
async def test_an_order_that_has_ended_cannot_be_patched(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    order_id = (await bench.client.post(orders, json=body)).json()["id"]
    await bench.become(order_id, OrderState.REJECTED, kind)
    answer = await bench.client.patch(f"{orders}/{order_id}", json={"description": "new"})
    assert answer.status_code == 409
    assert len((await bench.client.get(f"{orders}/{order_id}/revision")).json()) == 1


@pytest.mark.parametrize(
    ("kind", "orders", "order_id"),
    [
        (OrderKind.SERVICE, SERVICE_ORDERS, "abcdefghij:1:internet"),
        (OrderKind.RESOURCE, RESOURCE_ORDERS, "abcdefghij:1:internet:access"),
    ],
)
async def test_an_order_that_another_one_has_made_names_that_one(
    bench: Bench, kind: OrderKind, orders: str, order_id: str
) -> None:
    await bench.child(kind, order_id)
    for answer in (
        await bench.client.patch(f"{orders}/{order_id}", json={"description": "new"}),
        await bench.client.post(f"{orders}/{order_id}/preview", json={"cancel": True}),
    ):
        assert answer.status_code == 409
        assert "amend order abcdefghij" in answer.json()["message"]
    assert (await bench.client.get(f"{orders}/{order_id}/revision")).status_code == 404
    assert (
        "part of the plan of order 'abcdefghij'"
        in (await bench.client.get(f"{orders}/{order_id}/plan")).json()["message"]
    )
    assert bench.engine.asked == []


@each_kind
async def test_the_preview_of_an_order_stores_nothing(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    answer = await bench.client.post(f"{orders}/preview", json={**body, "colour": "red"})
    assert answer.status_code == 200
    assert answer.json()["violations"] == []
    assert answer.json()["order"]["colour"] == "red"
    assert (await bench.client.get(orders)).json() == []


@each_kind
async def test_a_change_can_be_previewed(bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str) -> None:
    order_id = (await bench.client.post(orders, json=body)).json()["id"]
    await bench.become(order_id, OrderState.IN_PROGRESS, kind)
    for change in ({"cancel": True}, {"description": "new"}):
        answer = await bench.client.post(f"{orders}/{order_id}/preview", json=change)
        assert (answer.status_code, answer.json()) == (200, {"changes": [], "refusals": [], "violations": []})


@each_kind
async def test_a_posted_order_is_cancelled_and_held_by_its_own_workflow(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    order_id = (await bench.client.post(orders, json=body)).json()["id"]
    await bench.become(order_id, OrderState.IN_PROGRESS, kind)
    assert (await bench.client.post(f"{orders}/{order_id}/hold")).status_code == 200
    name = f"cancel{kind.value[0].upper()}{kind.value[1:]}"
    path = f"{orders.rpartition('/')[0]}/{name}"
    assert (await bench.client.post(path, json={kind.value: {"id": order_id}})).status_code == 201
    assert [(workflow, message) for workflow, message, _ in bench.engine.asked] == [(f"{prefix}:{order_id}", "hold")]
    assert bench.engine.signals == [(f"{prefix}:{order_id}", "cancel")]
