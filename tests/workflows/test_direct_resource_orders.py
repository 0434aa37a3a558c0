"""Resource orders that are posted (TMF652): they complete, cancel and fall out like any other."""

from __future__ import annotations

from typing import Any

import pytest

from embedded.audit import Holdings, audit
from orders.lifecycle.states import OrderKind
from tests.stage import ORDERS, Stage, customer_of, eventually, example

pytestmark = pytest.mark.anyio

PORT = "resource-order-port"
ROUTER = "vpn-cpe"


def ports() -> dict[str, Any]:
    """Return an order of an access port, and of a router after it."""
    document = example(PORT)
    customer_of(document)
    return document


def change(action: str, resource_id: str, **characteristics: Any) -> dict[str, Any]:
    """Return an order that modifies or deletes a resource."""
    given = [{"name": name, "value": value} for name, value in characteristics.items()]
    resource = {"id": resource_id, "resourceCharacteristic": given}
    return {"orderItem": [{"id": "1", "action": action, "resource": resource}]}


def characteristics(resource: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in resource["resourceCharacteristic"]}


async def resource(stage: Stage, resource_id: str) -> dict[str, Any]:
    path = f"/tmf-api/resourceInventoryManagement/v4/resource/{resource_id}"
    found: dict[str, Any] = (await stage.inventory.get(path)).json()
    return found


async def trying(stage: Stage) -> str:
    """Post an order whose port is installed, and whose router is tried to be configured again and again."""
    await stage.fault(stage.activation, match={"specification": ROUTER}, kind="transient")
    order_id = await stage.submit(ports())
    await stage.reached(order_id, {"1": "done", "2": "running"})
    return order_id


async def settle(stage: Stage, task: dict[str, Any], action: str) -> None:
    answer = await stage.gateway.post(f"/fallout/v1/task/{task['id']}/resolution", json={"action": action})
    assert answer.is_success, answer.text


async def leaks(stage: Stage, order_id: str) -> list[str]:
    """Return what the audit says is held by nothing, of what an order has made."""
    held, network = await stage.audit(), (await stage.activation.get("/audit")).json()
    mine = [each for each in held["leaked"] if order_id in (each["requestedBy"] or "")]
    holdings = Holdings({**held, "leaked": mine}, network, {"charges": []})
    return next(check.wrong for check in audit(holdings, []) if check.question == "resources held by no active service")


async def test_a_posted_resource_order_reserves_configures_and_installs(stage: Stage) -> None:
    order = await stage.done(ports())
    assert order["state"] == "completed", order
    assert [each["state"] for each in order["orderItem"]] == ["completed", "completed"]
    port, router = (each["resource"] for each in order["orderItem"])
    assert port["value"].startswith("pe-ber1/")
    assert (await resource(stage, port["id"]))["usageState"] == "active"
    assert characteristics(await resource(stage, router["id"])) == {"siteName": "Berlin"}
    configured = [each for each in await stage.log(stage.activation, order["id"]) if each["target"] == router["id"]]
    assert configured
    assert await leaks(stage, order["id"]) == []
    path = f"{ORDERS[OrderKind.RESOURCE]}/{order['id']}:1"
    assert (await stage.gateway.get(path)).json()["orderRelationship"][0]["id"] == order["id"]


async def test_a_member_that_is_chosen_is_the_one_that_is_reserved(stage: Stage) -> None:
    document = {
        "orderItem": [
            {
                "id": "1",
                "action": "add",
                "resource": {"value": "+4915020100077"},
                "resourceSpecification": {"id": "msisdn"},
            }
        ]
    }
    order = await stage.done(document)
    assert order["state"] == "completed"
    assert order["orderItem"][0]["resource"]["value"] == "+4915020100077"
    again = await stage.done({**document, "description": "the same number"})
    assert again["state"] == "rejected"
    assert [each["code"] for each in again["errorMessage"]] == ["noCapacity"]


async def test_an_order_that_makes_no_sense_is_rejected_with_every_reason(stage: Stage) -> None:
    order = await stage.done(
        {
            "orderItem": [
                {"id": "1", "action": "add", "resource": {}},
                {"id": "2", "action": "delete", "resource": {"id": "nobody"}},
            ]
        }
    )
    assert order["state"] == "rejected"
    assert {each["code"] for each in order["errorMessage"]} == {"specificationMissing", "resourceNotFound"}
    assert [each["orderItem"] for each in order["errorMessage"]] == [[{"id": "1"}], [{"id": "2"}]]


async def test_a_cancellation_midway_gives_everything_back(stage: Stage) -> None:
    order_id = await trying(stage)

    async def both_taken() -> bool:
        return len(await stage.taken_resources(order_id)) == 2

    await eventually(both_taken)
    path = "/tmf-api/resourceOrdering/v4/cancelResourceOrder"
    answer = await stage.gateway.post(path, json={"resourceOrder": {"id": order_id}})
    assert answer.status_code == 201, answer.text
    order = await stage.ended(order_id)
    await stage.heal()
    assert order["state"] == "cancelled"
    assert "residue" not in order
    assert await stage.taken_resources(order_id) == []

    async def done() -> bool:
        return bool((await stage.gateway.get(f"{path}/{answer.json()['id']}")).json()["state"] == "done")

    await eventually(done)


async def test_a_step_that_falls_out_is_tried_again_by_a_person(stage: Stage) -> None:
    await stage.fault(stage.activation, match={"specification": ROUTER}, kind="permanent")
    order_id = await stage.submit(ports())
    task = await stage.task(order_id)
    held = await stage.until(lambda order: order["state"] == "held", order_id)
    assert [each["state"] for each in held["orderItem"]] == ["completed", "held"]
    await stage.heal()
    await settle(stage, task, "retry")
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_an_amendment_gives_back_what_the_new_version_does_without(stage: Stage) -> None:
    order_id = await trying(stage)
    _, second = (await stage.order(order_id))["orderItem"]
    del second["orderItemRelationship"]
    answer = await stage.amend(order_id, orderItem=[second])
    assert answer.status_code == 200, answer.text
    await stage.heal()
    order = await stage.ended(order_id)
    assert order["state"] == "completed"
    assert [each["id"] for each in order["orderItem"]] == ["2"]
    assert [each["specification"] for each in await stage.taken_resources(order_id)] == [ROUTER]


async def test_an_order_is_held_and_resumed(stage: Stage) -> None:
    order_id = await trying(stage)
    path = f"{ORDERS[OrderKind.RESOURCE]}/{order_id}"
    assert (await stage.gateway.post(f"{path}/hold")).status_code == 200
    await stage.until(lambda order: order["state"] == "held", order_id)
    await stage.heal()
    assert (await stage.gateway.post(f"{path}/resume")).status_code == 200
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_an_undo_that_falls_out_is_settled_by_a_person(stage: Stage) -> None:
    document = ports()
    document["allOrNothing"] = True
    await stage.fault(stage.activation, match={"specification": ROUTER}, kind="permanent")
    await stage.fault(stage.inventory, match={"operation": "release", "specification": "access-port"}, kind="permanent")
    order_id = await stage.submit(document)
    failed = await stage.task(order_id)
    assert failed["orderId"] == f"{order_id}:2"
    await stage.until(lambda order: order["state"] == "held", order_id)
    await settle(stage, failed, "fail")
    task = await stage.task(order_id, after=failed["id"])
    assert task["orderId"] == f"{order_id}:1:undo"
    await stage.heal()
    await settle(stage, task, "retry")
    order = await stage.ended(order_id)
    assert order["state"] == "failed"
    assert order["errorMessage"][0]["orderItem"] == [{"id": "2"}]
    assert "residue" not in order
    assert await stage.taken_resources(order_id) == []


async def test_what_an_order_has_made_is_modified_and_deleted_by_others(stage: Stage) -> None:
    made = await stage.done(ports())
    port, router = (each["resource"]["id"] for each in made["orderItem"])
    modified = await stage.done(change("modify", router, siteName="Potsdam"))
    assert modified["state"] == "completed", modified
    assert characteristics(await resource(stage, router)) == {"siteName": "Potsdam"}
    assert characteristics(modified["orderItem"][0]["resource"]) == {"siteName": "Potsdam"}
    for each in (router, port):
        deleted = await stage.done(change("delete", each))
        assert deleted["state"] == "completed", deleted
    assert await stage.taken_resources(made["id"]) == []


async def test_a_modification_that_fails_leaves_the_resource_as_it_was(stage: Stage) -> None:
    made = await stage.done(ports())
    router = made["orderItem"][1]["resource"]["id"]
    await stage.fault(stage.activation, match={"specification": ROUTER}, kind="permanent")
    order_id = await stage.submit(change("modify", router, siteName="Potsdam"))
    task = await stage.task(order_id)
    await stage.heal()
    await settle(stage, task, "fail")
    assert (await stage.ended(order_id))["state"] == "failed"
    assert characteristics(await resource(stage, router)) == {"siteName": "Berlin"}


async def test_a_resource_that_a_service_needs_is_modified_but_not_deleted(stage: Stage) -> None:
    document = example("service-order-mobile")
    customer = customer_of(document)
    await stage.done(document)
    services = await stage.services(customer)
    owner = next(each for each in services if each["name"] == "Subscriber identity")
    profile = next(each["id"] for each in owner["supportingResource"] if each["name"] == "esim")
    order = await stage.done(change("delete", profile))
    assert order["state"] == "rejected"
    assert f"needed by service {owner['id']}" in order["errorMessage"][0]["reason"]
