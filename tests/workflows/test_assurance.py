"""A service that fails is repaired, replaced, or left to people, by orders under the same rules as all others."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from catalogs.loader import default_catalogs
from orders.lifecycle.states import TERMINAL, OrderKind
from tests.stage import ORDERS, Stage, customer_of, eventually, stalled
from tests.staging import staged
from tests.workflows.test_direct_service_orders import characteristics, service

pytestmark = pytest.mark.anyio

NETWORK = "/tmf-api/ServiceActivationAndConfiguration/v4/service"
ACCESS = "rfs-gpon-access"


def internet(customer: str | None = None) -> tuple[dict[str, Any], str]:
    """Return an order of internet at one address, and its customer."""
    product = {
        "place": [{"id": "BER-1", "role": "installation", "@referredType": "GeographicSite"}],
        "productCharacteristic": [{"name": "downloadSpeed", "value": 250}],
    }
    item = {"id": "1", "action": "add", "productOffering": {"id": "fibre-internet"}, "product": product}
    document: dict[str, Any] = {"productOrderItem": [item]}
    return document, customer_of(document, customer)


async def installed(stage: Stage) -> tuple[str, dict[str, dict[str, Any]]]:
    """Have internet installed; return the customer, and its services by the ids of their specifications."""
    document, customer = internet()
    assert (await stage.done(document))["state"] == "completed"
    services = {each["serviceSpecification"]["id"]: each for each in await stage.services(customer)}
    return customer, services


async def fail(stage: Stage, service_id: str, reason: str = "no light on the fibre") -> None:
    answer = await stage.activation.post("/failures", json={"service": service_id, "reason": reason})
    assert answer.status_code == 201, answer.text


async def orders_for(stage: Stage, customer: str, number: int) -> list[dict[str, Any]]:
    """Let assurance look until it has made so many orders for a customer, all of which have ended; the first first."""
    found: list[dict[str, Any]] = []

    async def ended() -> bool:
        nonlocal found
        await stage.assurance.sweep()
        wanted = {"category": "assurance", "relatedParty.id": customer, "sort": "orderDate"}
        found = (await stage.gateway.get(ORDERS[OrderKind.SERVICE], params=wanted)).json()
        return len(found) >= number and all(each["state"] in TERMINAL for each in found)

    await eventually(ended, lambda: str([(each["id"], each["state"]) for each in found]))
    assert len(found) == number
    return found


async def in_network(stage: Stage, service_id: str) -> tuple[str, bool | None]:
    """Return the state that a service has in the network, and whether it is enabled."""
    found = (await stage.activation.get(f"{NETWORK}/{service_id}")).json()
    return found["state"], found.get("isServiceEnabled")


async def configured(stage: Stage, service_id: str) -> dict[str, Any]:
    """Return the values that a service has in the network."""
    return characteristics((await stage.activation.get(f"{NETWORK}/{service_id}")).json())


def with_work_in_repairs(folder: Path) -> Path:
    """Return the shipped catalogs, with people who give the serial number where an access is modified."""
    shutil.copytree(default_catalogs(), folder)
    services = folder / "fibre" / "services.yaml"
    text, place = services.read_text(), "      assurance: {action: repair, replaces: [port]}\n"
    assert text.count(place) == 1
    work = "      manual: {modify: {instructions: Look at it., gives: {ontSerial: required}}}\n"
    services.write_text(text.replace(place, place + work))
    return folder


async def touched(stage: Stage, order_id: str) -> set[str]:
    """Return the ids of what an order has changed in the network."""
    return {each["target"] for each in await stage.log(stage.activation, order_id) if each["outcome"] == "done"}


async def leaked(stage: Stage, order: dict[str, Any]) -> list[Any]:
    return [each for each in (await stage.audit())["leaked"] if order["id"] in each["requestedBy"]]


async def test_a_service_that_fails_is_repaired_in_place_and_its_product_stays_as_it_is(stage: Stage) -> None:
    customer, services = await installed(stage)
    before, access = await stage.products(customer), services[ACCESS]
    await fail(stage, access["id"])
    assert await in_network(stage, access["id"]) == ("inactive", False)
    (order,) = await orders_for(stage, customer, 1)
    assert order["state"] == "completed"
    assert await in_network(stage, access["id"]) == ("active", True)
    assert await touched(stage, order["id"]) == {access["id"]}, "what has not failed is left alone"
    assert await stage.products(customer) == before
    assert characteristics(await service(stage, access["id"])) == characteristics(access)


async def test_what_a_repair_does_not_mend_gets_another_port_which_all_that_reads_it_follows(stage: Stage) -> None:
    customer, services = await installed(stage)
    products, access = await stage.products(customer), services[ACCESS]
    old = characteristics(access)["oltPort"]
    match = {"specification": ACCESS, "operation": "modify", "target": access["id"]}
    await stage.fault(stage.activation, kind="permanent", times=1, match=match, message="the port is dead")
    await fail(stage, access["id"])
    repair, replacement = await orders_for(stage, customer, 2)
    await stage.heal()
    assert (repair["state"], replacement["state"]) == ("failed", "completed")
    assert await in_network(stage, access["id"]) == ("active", True)
    ports = {characteristics(await service(stage, each["id"])).get("oltPort") for each in services.values()}
    assert len(ports) == 1
    assert ports != {old}
    assert await stage.products(customer) == products
    assert await leaked(stage, repair) + await leaked(stage, replacement) == []
    free = (
        await stage.inventory.get(
            "/tmf-api/resourceInventoryManagement/v4/resource", params={"value": old, "category": "gpon-port-BER-1"}
        )
    ).json()
    assert [each["resourceStatus"] for each in free] in ([], ["available"])
    taken = [each["value"] for each in await stage.taken_resources(replacement["id"])]
    assert taken == sorted(ports, key=str)


async def test_a_service_that_another_order_changes_is_repaired_after_that(stage: Stage) -> None:
    customer, services = await installed(stage)
    whole, access = services["cfs-internet"], services[ACCESS]
    faster: dict[str, Any] = {
        "id": whole["id"],
        "serviceCharacteristic": [{"name": "downloadSpeed", "value": 1000}, {"name": "uploadSpeed", "value": 200}],
    }
    document: dict[str, Any] = {"serviceOrderItem": [{"id": "1", "action": "modify", "service": faster}]}
    customer_of(document, customer)
    with stalled(stage.activation, ":so:1:service") as go_on:
        other = await stage.submit(document)
        await stage.until(lambda order: order["state"] == "inProgress", other)
        await fail(stage, access["id"])

        async def ordered() -> bool:
            wanted = {"category": "assurance", "relatedParty.id": customer}
            found = (await stage.gateway.get(ORDERS[OrderKind.SERVICE], params=wanted)).json()
            return [each["state"] for each in found] in (["pending"], ["acknowledged"])

        await eventually(ordered)
        assert (await stage.order(other))["state"] == "inProgress"
        go_on.set()
        await stage.ended(other)
    (order,) = await orders_for(stage, customer, 1)
    assert order["state"] == "completed"
    assert await in_network(stage, access["id"]) == ("active", True)
    speed = characteristics(await service(stage, whole["id"]))["downloadSpeed"]
    assert speed == 1000, "it is repaired as the other order has left it"


async def test_people_are_asked_with_the_reason_and_what_they_complete_is_set_up_again(stage: Stage) -> None:
    _, services = await installed(stage)
    whole, access = services["cfs-internet"]["id"], services[ACCESS]["id"]
    assurance = {"action": "manual", "service": {"id": access}, "reason": "it fails again and again"}
    item = {"id": "1", "action": "modify", "service": {"id": whole}, "assurance": assurance}
    order_id = await stage.submit({"category": "by-hand", "serviceOrderItem": [item]})
    task = await stage.task(order_id, "manual")
    assert "has failed: it fails again and again" in task["instructions"]
    done = await stage.gateway.post(f"/manual/v1/task/{task['id']}/completion", json={"author": "ada"})
    assert done.is_success, done.text
    order = await stage.ended(order_id)
    assert order["state"] == "completed"
    assert await touched(stage, order_id) == {access}


async def test_a_repair_that_also_changes_values_changes_them_back_in_the_network_where_it_fails(stage: Stage) -> None:
    _, services = await installed(stage)
    whole = services["cfs-internet"]["id"]
    before = await configured(stage, whole)
    faster = [{"name": "downloadSpeed", "value": 1000}, {"name": "uploadSpeed", "value": 200}]
    item = {
        "id": "1",
        "action": "modify",
        "service": {"id": whole, "serviceCharacteristic": faster},
        "assurance": {"action": "repair"},
    }
    await stage.fault(stage.activation, kind="permanent", times=1, match={"operation": "test"})
    order = await stage.ended(await stage.submit({"serviceOrderItem": [item]}))
    await stage.heal()
    assert (order["state"], order.get("residue")) == ("failed", None)
    assert whole in await touched(stage, order["id"])
    assert await configured(stage, whole) == before


async def test_values_that_people_give_in_a_repair_are_changed_back_where_it_fails(
    engine: Client, tmp_path: Path
) -> None:
    async with staged(engine, tmp_path, with_work_in_repairs(tmp_path / "catalogs")) as stage:
        _, services = await installed(stage)
        access = services[ACCESS]["id"]
        before = await configured(stage, access)
        item = {
            "id": "1",
            "action": "modify",
            "service": {"id": services["cfs-internet"]["id"]},
            "assurance": {"action": "repair", "service": {"id": access}},
        }
        match = {"operation": "updateService", "specification": ACCESS}
        await stage.fault(stage.inventory, kind="permanent", times=1, match=match)
        order_id = await stage.submit({"serviceOrderItem": [item]})
        task = await stage.task(order_id, "manual")
        given = {"values": {"ontSerial": "SN-by-hand"}, "author": "ada"}
        done = await stage.gateway.post(f"/manual/v1/task/{task['id']}/completion", json=given)
        assert done.is_success, done.text
        order = await stage.ended(order_id)
        assert (order["state"], order.get("residue")) == ("failed", None)
        assert access in await touched(stage, order_id)
        assert await configured(stage, access) == before
