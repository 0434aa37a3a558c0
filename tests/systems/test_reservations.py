"""Resource pools never hand out the same member twice."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from systems.inventory.app import create_app
from tests.systems.conftest import keyed, running

pytestmark = pytest.mark.anyio

RESERVATION = "/tmf-api/resourcePoolManagement/v4/reservation"
RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"


async def reserve(client: httpx2.AsyncClient, key: str, specification: str, **wish: object) -> httpx2.Response:
    body = {"resourceSpecification": {"id": specification}, "requestedBy": key, **wish}
    return await client.post(RESERVATION, json=body, headers=keyed(key))


async def test_fifty_at_once_get_forty_different_ports(inventory: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(reserve(inventory, f"k{n}", "gpon-port", place={"id": "BER-1"}) for n in range(50))
    )
    granted = [answer.json() for answer in answers if answer.status_code == 201]
    assert len({resource["value"] for resource in granted}) == len(granted) == 40
    refused = [answer.json() for answer in answers if answer.status_code != 201]
    assert Counter(body["code"] for body in refused) == {"poolExhausted": 10}
    assert refused[0]["reason"] == "none free: gpon-port at BER-1"


async def test_two_processes_on_one_database_share_its_pools(database_url: str, stock: Path) -> None:
    async with (
        running(create_app(database_url, stock=stock)) as one,
        running(create_app(database_url, stock=stock)) as two,
    ):
        answers = await asyncio.gather(
            *(reserve((one, two)[n % 2], f"k{n}", "gpon-port", place={"id": "BER-1"}) for n in range(40))
        )
        assert len({answer.json()["value"] for answer in answers}) == 40


async def test_fifty_changes_at_once_all_come_through(inventory: httpx2.AsyncClient) -> None:
    for n in range(40):
        await reserve(inventory, f"k{n}", "gpon-port", place={"id": "BER-1"})
    ids = [f"gpon-port-ber-1-{n}" for n in range(1, 41)]
    installed = await asyncio.gather(
        *(
            inventory.patch(f"{RESOURCE}/{resource_id}", json={"usageState": "active"}, headers=keyed(resource_id))
            for resource_id in ids
        )
    )
    assert {answer.status_code for answer in installed} == {200}


async def test_a_reservation_names_the_member_and_who_has_it(inventory: httpx2.AsyncClient) -> None:
    resource = (await reserve(inventory, "so:1/port", "gpon-port", place={"id": "HAM-1"})).json()
    assert resource["id"] == "gpon-port-ham-1-1"
    assert resource["value"] == "olt-ham1/1/1/1"
    assert (resource["resourceStatus"], resource["usageState"]) == ("reserved", "idle")
    assert resource["category"] == "gpon-port-ham-1"
    assert resource["resourceSpecification"] == {"id": "gpon-port"}
    assert resource["place"] == {"id": "HAM-1", "role": "installation"}
    assert resource["reservation"]["requestedBy"] == "so:1/port"
    found = await inventory.get(RESOURCE, params={"reservation.requestedBy": "so:1/port"})
    assert found.json() == [resource]


async def test_a_place_without_a_pool_is_served_by_the_general_pool_only(inventory: httpx2.AsyncClient) -> None:
    assert (await reserve(inventory, "a", "ont", place={"id": "BER-1"})).status_code == 201
    nowhere = await reserve(inventory, "b", "gpon-port", place={"id": "MUC-1"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (409, "poolExhausted")
    assert (await reserve(inventory, "c", "gpon-port")).status_code == 409


async def test_criteria_choose_among_the_stocked_characteristics(inventory: httpx2.AsyncClient) -> None:
    gold = (await reserve(inventory, "a", "msisdn", criteria={"category": "gold"})).json()
    standard = (await reserve(inventory, "b", "msisdn", criteria={"category": "standard"})).json()
    assert gold["value"] == "+4915020100000"
    assert gold["resourceCharacteristic"] == [{"name": "category", "value": "gold"}]
    assert standard["value"] == "+4915020100001"
    none = await reserve(inventory, "c", "msisdn", criteria={"category": "g%"})
    assert none.json()["reason"] == "none free: msisdn, category g%"


async def test_a_value_asks_for_exactly_that_member(inventory: httpx2.AsyncClient) -> None:
    wanted = await reserve(inventory, "a", "msisdn", value="+4915020100007")
    assert wanted.json()["value"] == "+4915020100007"
    again = await reserve(inventory, "b", "msisdn", value="+4915020100007")
    assert (again.status_code, again.json()["code"]) == (409, "resourceNotAvailable")


@pytest.mark.parametrize("wish", [{"specification": "unicorn"}, {"specification": "ont", "pool": "gpon-port-ber-1"}])
async def test_what_is_not_stocked_at_all_is_unknown(inventory: httpx2.AsyncClient, wish: dict[str, str]) -> None:
    refused = await reserve(inventory, "k", **wish)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknownPool")


async def test_a_released_member_is_as_it_was_stocked(inventory: httpx2.AsyncClient) -> None:
    resource = (await reserve(inventory, "a", "msisdn", criteria={"category": "gold"})).json()
    installed = await inventory.patch(
        resource["href"],
        json={
            "usageState": "active",
            "operationalState": "enable",
            "resourceCharacteristic": [{"name": "profile", "value": "premium"}],
            "note": [{"text": "installed"}],
        },
        headers=keyed("install"),
    )
    assert installed.json()["resourceCharacteristic"] == [
        {"name": "category", "value": "gold"},
        {"name": "profile", "value": "premium"},
    ]
    released = await inventory.delete(f"{RESERVATION}/{resource['id']}", headers=keyed("release"))
    assert released.status_code == 204
    free = (await inventory.get(resource["href"])).json()
    assert (free["resourceStatus"], free["usageState"], free["operationalState"]) == ("available", "idle", "disable")
    assert free["resourceCharacteristic"] == [{"name": "category", "value": "gold"}]
    assert "note" not in free
    assert "reservation" not in free


async def test_releasing_what_is_free_is_done_already_and_what_is_unknown_is_not_found(
    inventory: httpx2.AsyncClient,
) -> None:
    assert (await inventory.delete(f"{RESERVATION}/ont-1", headers=keyed("a"))).status_code == 204
    assert (await inventory.delete(f"{RESERVATION}/ont-99", headers=keyed("b"))).status_code == 404


async def test_a_free_member_cannot_be_put_to_use(inventory: httpx2.AsyncClient) -> None:
    refused = await inventory.patch(f"{RESOURCE}/ont-1", json={"usageState": "active"}, headers=keyed("k"))
    assert (refused.status_code, refused.json()["code"]) == (409, "resourceNotReserved")


@pytest.mark.parametrize(
    ("patch", "status", "code"),
    [
        ({"usageState": "asleep"}, 400, "invalidRequest"),
        ({"value": "SN-999"}, 400, "notPatchable"),
        ({"resourceStatus": "reserved"}, 409, "useReservation"),
    ],
)
async def test_an_improper_patch_is_refused(
    inventory: httpx2.AsyncClient, patch: dict[str, str], status: int, code: str
) -> None:
    refused = await inventory.patch(f"{RESOURCE}/ont-1", json=patch, headers=keyed("k"))
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_members_are_stocked_and_unstocked(inventory: httpx2.AsyncClient) -> None:
    member = {"category": "ont", "value": "SN-777", "resourceCharacteristic": [{"name": "colour", "value": "red"}]}
    made = await inventory.post(RESOURCE, json=member, headers=keyed("a"))
    assert made.status_code == 201
    twice = await inventory.post(RESOURCE, json=member, headers=keyed("b"))
    assert (twice.status_code, twice.json()["code"]) == (409, "idTaken")
    held = (await reserve(inventory, "c", "ont", criteria={"colour": "red"})).json()
    assert held["value"] == "SN-777"
    assert (await inventory.delete(held["href"], headers=keyed("d"))).json()["code"] == "resourceInUse"
    await inventory.delete(f"{RESERVATION}/{held['id']}", headers=keyed("e"))
    assert (await inventory.delete(held["href"], headers=keyed("f"))).status_code == 204
    assert (await inventory.get(held["href"])).status_code == 404


async def test_availability_counts_earlier_demands_of_the_same_check(inventory: httpx2.AsyncClient) -> None:
    demand = {"resourceSpecification": {"id": "ont"}}
    checked = await inventory.post(
        "/tmf-api/resourcePoolManagement/v4/availabilityCheck",
        json={"demands": [demand, {**demand, "quantity": 2}, {"resourceSpecification": {"id": "unicorn"}}]},
    )
    assert checked.json()["results"] == [
        {"available": True, "free": 2},
        {"available": False, "free": 1, "reason": "1 of 2 free: ont"},
        {"available": False, "free": 0, "reason": "no pool of unicorn"},
    ]
    pool = await inventory.get("/tmf-api/resourcePoolManagement/v4/resourcePool/ont")
    assert pool.json()["capacity"]["free"] == 2


async def test_a_restart_keeps_what_is_reserved(database_url: str, stock: Path) -> None:
    async with running(create_app(database_url, stock=stock)) as client:
        held = (await reserve(client, "a", "ont")).json()
    async with running(create_app(database_url, stock=stock)) as client:
        assert (await client.get(held["href"])).json() == held
        assert (await reserve(client, "b", "ont")).json()["id"] != held["id"]
