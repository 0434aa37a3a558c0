"""Each request takes effect once for each Idempotency-Key."""

import asyncio

import httpx2
import pytest

from tests.systems.conftest import keyed

pytestmark = pytest.mark.anyio

RESERVATION = "/tmf-api/resourcePoolManagement/v4/reservation"
PRODUCT = "/tmf-api/productInventory/v4/product"
PORT = {"resourceSpecification": {"id": "gpon-port"}, "place": {"id": "BER-1"}, "requestedBy": "order"}


async def test_a_repeat_is_answered_from_the_stored_answer(inventory: httpx2.AsyncClient) -> None:
    first = await inventory.post(RESERVATION, json=PORT, headers=keyed("k"))
    repeat = await inventory.post(RESERVATION, json=PORT, headers=keyed("k"))
    assert (first.status_code, repeat.status_code) == (201, 201)
    assert repeat.json() == first.json()
    assert repeat.headers["Location"] == first.headers["Location"] == first.json()["href"]
    assert "Idempotent-Replay" not in first.headers
    assert repeat.headers["Idempotent-Replay"] == "true"
    log = (await inventory.get("/log", params={"key": "k"})).json()
    assert [(line["operation"], line["outcome"], line["target"]) for line in log] == [
        ("reserve", "done", first.json()["id"]),
        ("reserve", "absorbed", first.json()["id"]),
    ]


async def test_simultaneous_repeats_take_effect_once(inventory: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(inventory.post(RESERVATION, json=PORT, headers=keyed("k")) for _ in range(20)),
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["reservation"]["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replay" not in answer.headers for answer in answers) == 1
    pool = (await inventory.get("/tmf-api/resourcePoolManagement/v4/resourcePool/gpon-port-ber-1")).json()
    assert pool["capacity"] == {"total": 40, "free": 39, "reserved": 1, "active": 0}


@pytest.mark.parametrize("other", [PORT | {"requestedBy": "another"}, PORT | {"place": {"id": "HAM-1"}}])
async def test_a_key_used_for_another_body_is_refused(inventory: httpx2.AsyncClient, other: dict[str, object]) -> None:
    await inventory.post(RESERVATION, json=PORT, headers=keyed("k"))
    refused = await inventory.post(RESERVATION, json=other, headers=keyed("k"))
    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotencyKeyReused"


async def test_a_key_used_for_another_path_is_refused(inventory: httpx2.AsyncClient) -> None:
    product = (await inventory.post(PRODUCT, json={"status": "active"}, headers=keyed("k"))).json()
    refused = await inventory.delete(product["href"], headers=keyed("k"))
    assert refused.status_code == 422
    assert (await inventory.get(product["href"])).status_code == 200


async def test_the_order_of_attributes_does_not_make_another_request(inventory: httpx2.AsyncClient) -> None:
    await inventory.post(RESERVATION, json=PORT, headers=keyed("k"))
    repeat = await inventory.post(RESERVATION, json=dict(reversed(PORT.items())), headers=keyed("k"))
    assert repeat.headers["Idempotent-Replay"] == "true"


async def test_a_refusal_is_not_stored(inventory: httpx2.AsyncClient) -> None:
    wish = {"resourceSpecification": {"id": "ont"}, "requestedBy": "order"}
    taken = [(await inventory.post(RESERVATION, json=wish, headers=keyed(f"k{n}"))).json() for n in range(2)]
    refused = await inventory.post(RESERVATION, json=wish, headers=keyed("late"))
    assert (refused.status_code, refused.json()["code"]) == (409, "poolExhausted")
    await inventory.delete(f"{RESERVATION}/{taken[0]['id']}", headers=keyed("give-back"))
    granted = await inventory.post(RESERVATION, json=wish, headers=keyed("late"))
    assert (granted.status_code, granted.json()["id"]) == (201, taken[0]["id"])


async def test_the_empty_answer_of_a_deletion_is_repeated(inventory: httpx2.AsyncClient) -> None:
    product = (await inventory.post(PRODUCT, json={"status": "active"}, headers=keyed("make"))).json()
    answers = [await inventory.delete(product["href"], headers=keyed("remove")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert (await inventory.delete(product["href"], headers=keyed("again"))).status_code == 404


@pytest.mark.parametrize("key", ["", "k" * 501])
async def test_a_change_without_a_usable_key_is_refused(inventory: httpx2.AsyncClient, key: str) -> None:
    refused = await inventory.post(RESERVATION, json=PORT, headers=keyed(key))
    assert refused.status_code == 400
    assert refused.json()["@type"] == "Error"
    assert refused.json()["code"] == "idempotencyKeyMissing"


async def test_the_log_is_searched_by_order(inventory: httpx2.AsyncClient) -> None:
    for key in ("po:1:a", "po:1:b", "po:10%:c"):
        await inventory.post(RESERVATION, json=PORT, headers=keyed(key))
    found = (await inventory.get("/log", params={"order": "po:1:"})).json()
    assert [line["key"] for line in found] == ["po:1:a", "po:1:b"]
    assert [line["key"] for line in (await inventory.get("/log", params={"order": "10%"})).json()] == ["po:10%:c"]
