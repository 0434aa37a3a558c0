"""Administrators delete closed orders; nobody else deletes anything."""

from __future__ import annotations

import dataclasses
from typing import Any

import httpx2
import pytest

from api.app import create_app
from orders.events.links import BASE_PATHS, cancellation_name
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from tests.api.conftest import ADMIN_TOKEN, BASE_URL, MINIMAL, PRODUCT_ORDERS, RESOURCE_ORDERS, SERVICE_ORDERS, Bench
from tests.api.ordering.test_direct_orders import each_kind

pytestmark = pytest.mark.anyio

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.mark.parametrize("state", sorted(TERMINAL))
async def test_a_closed_order_is_deleted(bench: Bench, state: OrderState) -> None:
    order_id = await bench.ordered(state=state)
    bench.engine.end(order_id)
    answer = await bench.client.delete(f"{PRODUCT_ORDERS}/{order_id}", headers=ADMIN)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await bench.stored() == 0
    for method in ("GET", "DELETE"):
        again = await bench.client.request(method, f"{PRODUCT_ORDERS}/{order_id}", headers=ADMIN)
        assert again.status_code == 404


@each_kind
async def test_a_posted_order_is_deleted_once_it_is_closed_with_what_asked_to_cancel_it(
    bench: Bench, kind: OrderKind, orders: str, body: Any, prefix: str
) -> None:
    order_id = (await bench.client.post(orders, json=body)).json()["id"]
    cancel = f"{BASE_PATHS[kind]}/{cancellation_name(kind)}"
    asked = (await bench.client.post(cancel, json={kind.value: {"id": order_id}})).json()
    running = await bench.client.delete(f"{orders}/{order_id}", headers=ADMIN)
    assert (running.status_code, f"{kind.value} {order_id!r} still runs" in running.json()["message"]) == (409, True)
    bench.engine.end(order_id)
    held = await bench.client.delete(f"{orders}/{order_id}", headers=ADMIN)
    assert (held.status_code, "is acknowledged" in held.json()["message"]) == (409, True)
    await bench.become(order_id, OrderState.CANCELLED, kind)

    assert (await bench.client.delete(f"{PRODUCT_ORDERS}/{order_id}", headers=ADMIN)).status_code == 404
    assert (await bench.client.delete(f"{orders}/{order_id}")).status_code == 401
    answer = await bench.client.delete(f"{orders}/{order_id}", headers=ADMIN)

    assert (answer.status_code, answer.content) == (204, b"")
    for gone in (f"{orders}/{order_id}", asked["href"]):
        assert (await bench.client.get(gone)).status_code == 404
    assert (await bench.client.get(orders)).json() == []


@pytest.mark.parametrize("state", sorted(set(OrderState) - TERMINAL))
async def test_an_order_that_is_not_closed_is_kept(bench: Bench, state: OrderState) -> None:
    order_id = await bench.ordered(state=state)
    bench.engine.end(order_id)
    answer = await bench.client.delete(f"{PRODUCT_ORDERS}/{order_id}", headers=ADMIN)
    assert answer.status_code == 409
    assert f"is {state}" in answer.json()["message"]
    assert await bench.stored() == 1


async def test_an_order_whose_workflow_has_still_something_to_do_is_kept(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.COMPLETED)
    answer = await bench.client.delete(f"{PRODUCT_ORDERS}/{order_id}", headers=ADMIN)
    assert answer.status_code == 409
    assert "still runs" in answer.json()["message"]
    bench.engine.away = True
    assert (await bench.client.delete(f"{PRODUCT_ORDERS}/{order_id}", headers=ADMIN)).status_code == 503
    assert await bench.stored() == 1


@pytest.mark.parametrize(
    ("kind", "path", "order_id"),
    [
        (OrderKind.SERVICE, SERVICE_ORDERS, "abcdefghij:1:internet"),
        (OrderKind.RESOURCE, RESOURCE_ORDERS, "abcdefghij:1:internet:port"),
    ],
)
async def test_an_order_that_another_has_made_is_refused_naming_that_one(
    bench: Bench, kind: OrderKind, path: str, order_id: str
) -> None:
    await bench.child(kind, order_id, OrderState.COMPLETED)
    bench.engine.waiting.clear()
    answer = await bench.client.delete(f"{path}/{order_id}", headers=ADMIN)
    assert answer.status_code == 409
    assert "'abcdefghij'" in answer.json()["message"]
    assert (await bench.client.get(f"{path}/{order_id}")).status_code == 200


async def test_what_named_a_deleted_order_names_no_other(bench: Bench) -> None:
    body = {**MINIMAL, "externalId": "crm-1"}
    order_id = await bench.ordered(body, OrderState.COMPLETED)
    bench.engine.end(order_id)
    assert (await bench.client.delete(f"{PRODUCT_ORDERS}/{order_id}", headers=ADMIN)).status_code == 204
    answer = await bench.post(body)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotencyConflict")
    assert "deleted" in answer.json()["message"]
    assert await bench.stored() == 0


@pytest.mark.parametrize("token", [None, "Bearer", "Bearer another-token-of-some-length", f"Basic {ADMIN_TOKEN}"])
async def test_nobody_else_deletes_an_order(bench: Bench, token: str | None) -> None:
    order_id = await bench.ordered(state=OrderState.COMPLETED)
    bench.engine.end(order_id)
    headers = {"Authorization": token} if token else {}
    answer = await bench.client.delete(f"{PRODUCT_ORDERS}/{order_id}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert await bench.stored() == 1


async def test_without_a_token_in_the_settings_there_are_no_administrators(bench: Bench) -> None:
    order_id = await bench.ordered(state=OrderState.COMPLETED)
    app = create_app(dataclasses.replace(bench.gateway, admin_token=None))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE_URL) as client:
        answer = await client.delete(f"{PRODUCT_ORDERS}/{order_id}", headers=ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "ORDERSAGA_ADMIN_TOKEN" in answer.json()["message"]
