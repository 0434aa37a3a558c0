"""A request that is repeated gives the same order back, and never makes a second one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orders.events.links import BASE_PATHS
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from tests.api.conftest import MINIMAL, Bench

pytestmark = pytest.mark.anyio

ORDERS = {kind: f"{BASE_PATHS[kind]}/{kind.value}" for kind in OrderKind}
BODIES: dict[OrderKind, dict[str, Any]] = {
    OrderKind.PRODUCT: MINIMAL,
    OrderKind.SERVICE: {"serviceOrderItem": [{"id": "1", "action": "add", "service": {}}]},
    OrderKind.RESOURCE: {"orderItem": [{"id": "1", "action": "add", "resource": {}}]},
}


async def test_a_repeated_key_gives_the_same_order_as_it_stands_now(bench: Bench) -> None:
    first = (await bench.post(MINIMAL, **{"Idempotency-Key": "k-1"})).json()
    begun = OrderChange(kind=OrderKind.PRODUCT, order_id=first["id"], version=1, state=OrderState.IN_PROGRESS)
    await bench.orders.record([begun])
    again = await bench.post(MINIMAL, **{"Idempotency-Key": "k-1"})
    assert again.status_code == 201
    assert again.headers["Location"] == first["href"]
    assert again.json() == {**first, "state": "inProgress"}
    assert bench.engine.attempts == [first["id"]]
    assert await bench.stored() == 1


async def test_the_order_of_names_and_what_the_server_sets_make_no_other_body(bench: Bench) -> None:
    first = await bench.post({"externalId": "x", **MINIMAL}, **{"Idempotency-Key": "k"})
    again = await bench.post({**MINIMAL, "externalId": "x", "state": "held"}, **{"Idempotency-Key": "k"})
    assert again.status_code == 201
    assert again.json()["id"] == first.json()["id"]


@pytest.mark.parametrize("by_header", [True, False])
async def test_the_same_key_with_another_body_is_a_conflict(bench: Bench, by_header: bool) -> None:
    headers = {"Idempotency-Key": "k"} if by_header else {}
    body = MINIMAL if by_header else {**MINIMAL, "externalId": "CRM-1"}
    first = (await bench.post(body, **headers)).json()
    answer = await bench.post({**body, "description": "another"}, **headers)
    assert answer.status_code == 409
    assert answer.json()["code"] == "idempotencyConflict"
    named = "the header Idempotency-Key k" if by_header else "externalId CRM-1"
    said = f"{named} names productOrder {first['id']} already, which is acknowledged and was made of another body: "
    assert answer.json()["message"].startswith(f"{said}{first['href']}; ")
    assert await bench.stored() == 1


@pytest.mark.parametrize("kind", OrderKind)
async def test_an_order_that_was_rejected_is_repaired_and_sent_again(bench: Bench, kind: OrderKind) -> None:
    path, body = ORDERS[kind], {**BODIES[kind], "externalId": "CRM-1"}
    fixed, other = body | {"description": "repaired"}, body | {"description": "repaired otherwise"}

    async def post(sent: dict[str, Any]) -> Any:
        return await bench.client.post(path, json=sent)

    first = (await post(body)).json()["id"]
    assert (await post(fixed)).status_code == 409
    await bench.become(first, OrderState.REJECTED, kind)
    both = await asyncio.gather(post(fixed), post(other))
    assert sorted(each.status_code for each in both) == [201, 409]
    [second] = [each.json()["id"] for each in both if each.status_code == 201]
    kept = fixed if both[0].status_code == 201 else other
    assert second != first
    assert [(await post(sent)).json()["id"] for sent in (kept, body)] == [second, first]
    found = await bench.client.get(path, params={"externalId": "CRM-1"})
    assert {each["id"] for each in found.json()} == {first, second}


async def test_a_header_names_one_request_whatever_becomes_of_its_order(bench: Bench) -> None:
    first = (await bench.post(MINIMAL, **{"Idempotency-Key": "k"})).json()["id"]
    await bench.become(first, OrderState.REJECTED)
    assert (await bench.post({**MINIMAL, "description": "repaired"}, **{"Idempotency-Key": "k"})).status_code == 409


async def test_a_repeated_external_id_gives_the_same_order(bench: Bench) -> None:
    body = {**MINIMAL, "externalId": "CRM-1"}
    assert (await bench.post(body)).json() == (await bench.post(body)).json()
    assert await bench.stored() == 1


async def test_a_key_wins_over_the_external_id_and_never_meets_it(bench: Bench) -> None:
    body = {**MINIMAL, "externalId": "CRM-1"}
    ids = [
        (await bench.post(body)).json()["id"],
        (await bench.post(body, **{"Idempotency-Key": "CRM-1"})).json()["id"],
        (await bench.post(body, **{"Idempotency-Key": "other"})).json()["id"],
    ]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("key", ["", "a" * 256, "with blank", "ünïcode"])
async def test_a_key_that_is_none_is_refused(bench: Bench, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    answer = await bench.client.post(
        "/tmf-api/productOrderingManagement/v4/productOrder", json=MINIMAL, headers=headers
    )
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Idempotency-Key: ")
    assert await bench.stored() == 0


async def test_two_different_keys_at_once_are_refused(bench: Bench) -> None:
    answer = await bench.client.post(
        "/tmf-api/productOrderingManagement/v4/productOrder",
        json=MINIMAL,
        headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")],
    )
    assert answer.status_code == 400


async def test_requests_repeated_at_the_same_time_make_one_order(bench: Bench) -> None:
    answers = await asyncio.gather(*(bench.post(MINIMAL, **{"Idempotency-Key": "k"}) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(bench.engine.running) == 1
    assert await bench.stored() == 1
