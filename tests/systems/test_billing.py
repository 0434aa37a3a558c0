"""The life of a charge."""

import asyncio

import httpx2
import pytest

from tests.systems.conftest import keyed

pytestmark = pytest.mark.anyio

CHARGE = "/billing/v1/charge"


def priced(product: str, amount: float = 39.9) -> dict[str, object]:
    price = {"priceType": "recurring", "price": {"taxIncludedAmount": {"unit": "EUR", "value": amount}}}
    return {
        "product": {"id": product},
        "customer": {"id": "c-1"},
        "price": [price],
        "name": "Internet",
        "startDate": "2026-03-01T00:00:00Z",
    }


async def test_a_charge_is_started_changed_stopped_and_restarted(billing: httpx2.AsyncClient) -> None:
    started = await billing.post(CHARGE, json=priced("p"), headers=keyed("start"))
    assert started.status_code == 201
    charge = started.json()
    assert started.headers["Location"] == charge["href"] == f"http://system{CHARGE}/{charge['id']}"
    assert (charge["state"], charge["startDate"]) == ("active", "2026-03-01T00:00:00Z")

    price = priced("p", 29.9)["price"]
    changed = await billing.patch(charge["href"], json={"price": price}, headers=keyed("change"))
    assert changed.json() == charge | {"price": price}

    end = {"endDate": "2026-04-01T00:00:00Z"}
    stopped = await billing.post(f"{charge['href']}/stop", json=end, headers=keyed("stop"))
    assert (stopped.status_code, stopped.json()["state"]) == (200, "ended")
    assert stopped.json()["endDate"] == "2026-04-01T00:00:00Z"
    late = await billing.patch(charge["href"], json={"price": []}, headers=keyed("late"))
    assert (late.status_code, late.json()["code"]) == (409, "chargeEnded")

    restarted = await billing.post(f"{charge['href']}/restart", headers=keyed("restart"))
    assert restarted.json() == charge | {"price": price}
    assert (await billing.get("/audit")).json() == {
        "charges": [{"id": charge["id"], "product": "p", "state": "active"}]
    }


async def test_stopping_and_restarting_again_change_nothing(billing: httpx2.AsyncClient) -> None:
    charge = (await billing.post(CHARGE, json=priced("p"), headers=keyed("start"))).json()
    assert (await billing.post(f"{charge['href']}/restart", headers=keyed("a"))).json() == charge
    ended = (await billing.post(f"{charge['href']}/stop", json={}, headers=keyed("b"))).json()
    later = {"endDate": "2030-01-01T00:00:00Z"}
    assert (await billing.post(f"{charge['href']}/stop", json=later, headers=keyed("c"))).json() == ended


async def test_a_product_has_one_active_charge(billing: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(billing.post(CHARGE, json=priced("p"), headers=keyed(f"k{n}")) for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert len((await billing.get(CHARGE)).json()) == 1


async def test_an_ended_charge_makes_room_and_cannot_come_back_into_it(billing: httpx2.AsyncClient) -> None:
    first = (await billing.post(CHARGE, json=priced("p"), headers=keyed("a"))).json()
    await billing.post(f"{first['href']}/stop", json={}, headers=keyed("b"))
    assert (await billing.post(CHARGE, json=priced("p"), headers=keyed("c"))).status_code == 201
    refused = await billing.post(f"{first['href']}/restart", headers=keyed("d"))
    assert (refused.status_code, refused.json()["code"]) == (409, "alreadyCharged")
    assert (await billing.get(first["href"])).json()["state"] == "ended"


async def test_a_voided_charge_is_gone(billing: httpx2.AsyncClient) -> None:
    charge = (await billing.post(CHARGE, json=priced("p"), headers=keyed("a"))).json()
    assert (await billing.delete(charge["href"], headers=keyed("b"))).status_code == 204
    assert (await billing.get(charge["href"])).status_code == 404
    assert (await billing.delete(charge["href"], headers=keyed("c"))).status_code == 404
    assert (await billing.post(CHARGE, json=priced("p"), headers=keyed("d"))).status_code == 201


async def test_charges_are_found_by_product_customer_and_state(billing: httpx2.AsyncClient) -> None:
    for product in ("p1", "p2"):
        await billing.post(CHARGE, json=priced(product), headers=keyed(product))
    first = (await billing.get(CHARGE, params={"product.id": "p1"})).json()
    assert [charge["product"]["id"] for charge in first] == ["p1"]
    await billing.post(f"{first[0]['href']}/stop", json={}, headers=keyed("stop"))
    active = await billing.get(CHARGE, params={"customer.id": "c-1", "state": "active"})
    assert [charge["product"]["id"] for charge in active.json()] == ["p2"]


@pytest.mark.parametrize("body", [{"price": []}, {"product": {"id": "p"}}, priced("p") | {"startDate": "soon"}])
async def test_an_incomplete_charge_is_refused(billing: httpx2.AsyncClient, body: dict[str, object]) -> None:
    refused = await billing.post(CHARGE, json=body, headers=keyed("k"))
    assert (refused.status_code, refused.json()["code"]) == (400, "invalidRequest")
