"""Service orders that are posted (TMF641): they complete, cancel and fall out like any other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders.lifecycle.states import OrderKind
from tests.stage import ORDERS, Stage, customer_of, eventually, example
from tmf.instants import timestamp
from workflows.contracts import ids

pytestmark = pytest.mark.anyio

MOBILE = "service-order-mobile"
CHILD = "serviceOrderItem"


def mobile(customer: str | None = None) -> tuple[dict[str, Any], str]:
    """Return an order of a mobile subscription, and its customer."""
    document = example(MOBILE)
    return document, customer_of(document, customer)


def item(item_id: str, specification: str, *, place: str | None = None, **characteristics: Any) -> dict[str, Any]:
    """Return an item that adds a service."""
    service: dict[str, Any] = {
        "serviceSpecification": {"id": specification},
        "serviceCharacteristic": [{"name": name, "value": value} for name, value in characteristics.items()],
    }
    if place:
        service["place"] = [{"id": place, "role": "installation", "@referredType": "GeographicSite"}]
    return {"id": item_id, "action": "add", "service": service}


def change(action: str, service_id: str, customer: str, **characteristics: Any) -> dict[str, Any]:
    """Return an order that modifies or deletes a service."""
    given = [{"name": name, "value": value} for name, value in characteristics.items()]
    document = {CHILD: [{"id": "1", "action": action, "service": {"id": service_id, "serviceCharacteristic": given}}]}
    customer_of(document, customer)
    return document


def characteristics(service: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in service["serviceCharacteristic"]}


async def service(stage: Stage, service_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await stage.inventory.get(f"/tmf-api/serviceInventory/v4/service/{service_id}")).json()
    return found


async def trying(stage: Stage, document: dict[str, Any], specification: str = "cfs-mobile", item_id: str = "1") -> str:
    """Post an order whose service of an item is recorded, and whose activation is tried again and again."""
    await stage.fault(stage.activation, match={"specification": specification}, kind="transient")
    order_id = await stage.submit(document)

    async def activating() -> bool:
        answer = await stage.gateway.get(f"{ORDERS[OrderKind.SERVICE]}/{order_id}:{item_id}:service")
        items = answer.json().get(CHILD, []) if answer.is_success else []
        return any(each["id"] == "service" and each["state"] == "inProgress" for each in items)

    await eventually(activating)
    return order_id


async def test_a_posted_service_order_realises_its_service(stage: Stage) -> None:
    document, customer = mobile()
    order = await stage.done(document)
    assert order["state"] == "completed"
    made = order[CHILD][0]["service"]
    assert characteristics(made).keys() >= {"simType", "dataVolumeGb", "roaming", "msisdn", "imsi", "iccid"}
    assert [each["name"] for each in order["milestone"]] == ["Mobile service works"]
    recorded = await service(stage, made["id"])
    assert (recorded["state"], recorded["category"]) == ("active", "CFS")
    assert characteristics(recorded) == characteristics(made)
    assert recorded["relatedParty"][0]["id"] == customer
    assert recorded["serviceOrderItem"] == [{"serviceOrderId": f"{order['id']}:1:service", "itemId": "service"}]
    assert await stage.products(customer) == []
    assert not {each["requestedBy"] for each in (await stage.audit())["leaked"] if order["id"] in each["requestedBy"]}
    child = (await stage.gateway.get(f"{ORDERS[OrderKind.SERVICE]}/{order['id']}:1:service")).json()
    assert child["orderRelationship"][0]["id"] == order["id"]
    assert child["orderRelationship"][0]["@referredType"] == "ServiceOrder"


async def test_an_order_that_makes_no_sense_is_rejected_with_every_reason(stage: Stage) -> None:
    document, _ = mobile()
    document[CHILD] = [
        item("1", "no-such-service"),
        item("2", "cfs-mobile", simType="sim", colour="red"),
        {"id": "3", "action": "delete", "service": {"id": "nobody"}},
    ]
    order = await stage.done(document)
    assert order["state"] == "rejected"
    assert {each["state"] for each in order[CHILD]} == {"rejected"}
    told = {each["code"]: each for each in order["errorMessage"]}
    assert told.keys() >= {
        "unknownSpecification",
        "unknownCharacteristic",
        "characteristicMissing",
        "serviceNotFound",
    }
    assert told["serviceNotFound"]["serviceOrderItem"] == [{"id": "3"}]
    assert told["serviceNotFound"]["reason"].startswith("serviceOrderItem[2].service.id: ")


async def test_an_order_that_is_not_possible_at_its_place_is_rejected(stage: Stage) -> None:
    document, _ = mobile()
    document[CHILD] = [item("1", "cfs-internet", place="HAM-1", downloadSpeed=1000, uploadSpeed=200)]
    order = await stage.done(document)
    assert order["state"] == "rejected"
    assert [each["code"] for each in order["errorMessage"]] == ["notFeasible"]
    assert "serviceOrderItem[0].service" in order["errorMessage"][0]["reason"]


async def test_a_cancellation_midway_gives_everything_back(stage: Stage) -> None:
    document, customer = mobile()
    order_id = await trying(stage, document)
    assert await stage.taken_resources(order_id)
    path = "/tmf-api/serviceOrdering/v4/cancelServiceOrder"
    answer = await stage.gateway.post(path, json={"serviceOrder": {"id": order_id}, "cancellationReason": "no need"})
    assert answer.status_code == 201, answer.text
    order = await stage.ended(order_id)
    await stage.heal()
    assert order["state"] == "cancelled"
    assert order["cancellationReason"] == "no need"
    assert "residue" not in order
    assert await stage.taken_resources(order_id) == []
    assert [each for each in await stage.services(customer) if each["state"] != "terminated"] == []

    async def done() -> bool:
        return bool((await stage.gateway.get(f"{path}/{answer.json()['id']}")).json()["state"] == "done")

    await eventually(done)


async def test_a_step_that_falls_out_is_tried_again_by_a_person(stage: Stage) -> None:
    document, _ = mobile()
    document[CHILD] = [item("1", "cfs-vpn-core", topology="mesh")]
    await stage.fault(stage.activation, match={"specification": "cfs-vpn-core"}, kind="permanent")
    order_id = await stage.submit(document)
    task = await stage.task(order_id)
    assert task["orderId"] == f"{order_id}:1:service"
    held = await stage.until(lambda order: order["state"] == "held", order_id)
    assert held[CHILD][0]["state"] == "held"
    await stage.heal()
    answer = await stage.gateway.post(f"/fallout/v1/task/{task['id']}/resolution", json={"action": "retry"})
    assert answer.is_success, answer.text
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_an_order_fails_and_is_undone_where_its_service_fails_for_good(stage: Stage) -> None:
    document, customer = mobile()
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="permanent")
    order = await stage.done(document)
    await stage.heal()
    assert order["state"] == "failed"
    assert order["errorMessage"][0]["serviceOrderItem"] == [{"id": "1"}]
    assert await stage.taken_resources(order["id"]) == []
    assert [each for each in await stage.services(customer) if each["state"] != "terminated"] == []


async def test_an_order_is_held_and_resumed(stage: Stage) -> None:
    document, _ = mobile()
    order_id = await trying(stage, document)
    path = f"{ORDERS[OrderKind.SERVICE]}/{order_id}"
    assert (await stage.gateway.post(f"{path}/hold", json={"reason": "a pause"})).status_code == 200
    await stage.until(lambda order: order["state"] == "held", order_id)
    await stage.heal()
    assert (await stage.gateway.post(f"{path}/resume")).status_code == 200
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_an_amendment_changes_what_is_done_in_place(stage: Stage) -> None:
    document, customer = mobile()
    document[CHILD] = [*document[CHILD], item("2", "cfs-vpn-core", topology="mesh")]
    order_id = await trying(stage, document, "cfs-vpn-core", "2")
    await stage.reached(order_id, {"1:service": "done"})
    first, second = document[CHILD]
    first["service"]["serviceCharacteristic"][1]["value"] = 50
    preview = await stage.preview(order_id, serviceOrderItem=[first, second])
    assert {each["key"]: each["action"] for each in preview["changes"]} == {"1:service": "modify", "2:service": "leave"}
    answer = await stage.amend(order_id, serviceOrderItem=[first, second], priority="0")
    assert answer.status_code == 200, answer.text
    await stage.heal()
    order = await stage.ended(order_id)
    assert (order["state"], order["priority"]) == ("completed", "0")
    recorded = [each for each in await stage.services(customer) if each["name"] == "Mobile subscription"]
    assert [characteristics(each)["dataVolumeGb"] for each in recorded] == [50]
    revisions = await stage.revisions(order_id)
    assert [each["state"] for each in revisions] == ["applied", "applied"]
    refused = await stage.amend(order_id, priority="1")
    assert refused.status_code == 409


async def test_an_order_starts_at_its_requested_date(stage: Stage) -> None:
    document, _ = mobile()
    document["requestedStartDate"] = timestamp(datetime.now(UTC) + timedelta(days=30))
    order_id = await stage.submit(document)
    await stage.until(lambda order: order["state"] == "pending", order_id)
    answer = await stage.amend(order_id, requestedStartDate=timestamp(datetime.now(UTC)))
    assert answer.status_code == 200, answer.text
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_what_an_order_has_made_is_modified_and_deleted_by_others(stage: Stage) -> None:
    document, customer = mobile()
    made = (await stage.done(document))[CHILD][0]["service"]
    modified = await stage.done(change("modify", made["id"], customer, dataVolumeGb=50))
    assert modified["state"] == "completed", modified
    recorded = await service(stage, made["id"])
    assert characteristics(recorded) == {**characteristics(made), "dataVolumeGb": 50}
    deleted = await stage.done(change("delete", made["id"], customer))
    assert deleted["state"] == "completed"
    assert deleted[CHILD][0]["service"]["state"] == "terminated"
    assert (await service(stage, made["id"]))["state"] == "terminated"
    taken = {each["id"] for each in (await stage.audit())["resources"]}
    assert not taken & {each["id"] for each in recorded["supportingResource"]}


async def test_where_one_of_two_items_fails_the_order_is_partial_and_the_other_stays(stage: Stage) -> None:
    document, customer = mobile()
    document[CHILD] = [*document[CHILD], item("2", "cfs-internet", place="BER-1", downloadSpeed=250, uploadSpeed=50)]
    await stage.fault(stage.activation, match={"specification": "cfs-internet"}, kind="permanent")
    order = await stage.done(document)
    await stage.heal()
    assert order["state"] == "partial"
    assert [each["state"] for each in order[CHILD]] == ["completed", "failed"]
    active = {each["name"] for each in await stage.services(customer) if each["state"] == "active"}
    assert "Mobile subscription" in active
    assert "Internet access" not in active
    assert {each["requestedBy"].split(":so:")[1][0] for each in await stage.taken_resources(order["id"])} == {"1"}


async def test_an_item_that_groups_others_is_partial_where_one_of_them_fails(stage: Stage) -> None:
    document, _ = mobile()
    nested = [
        item("a", "cfs-vpn-core", topology="mesh"),
        item("b", "cfs-mobile", simType="sim", dataVolumeGb=5, roaming="eu"),
    ]
    document[CHILD] = [{"id": "1", "action": "noChange", "service": {}, CHILD: nested}]
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="permanent")
    order = await stage.done(document)
    await stage.heal()
    group = order[CHILD][0]
    assert (order["state"], group["state"]) == ("partial", "partial")
    assert [each["state"] for each in group[CHILD]] == ["completed", "failed"]


async def test_a_nested_item_is_all_or_nothing_with_the_one_around_it(stage: Stage) -> None:
    document, customer = mobile()
    outer = item("1", "cfs-vpn-core", topology="mesh")
    outer[CHILD] = [item("1.1", "cfs-mobile", simType="sim", dataVolumeGb=5, roaming="eu")]
    document[CHILD] = [outer]
    await stage.fault(stage.activation, match={"specification": "cfs-vpn-core"}, kind="permanent")
    order_id = await stage.submit(document)
    task = await stage.task(order_id)
    await stage.heal()
    answer = await stage.gateway.post(f"/fallout/v1/task/{task['id']}/resolution", json={"action": "fail"})
    assert answer.is_success, answer.text
    order = await stage.ended(order_id)
    assert order["state"] == "failed"
    assert order[CHILD][0][CHILD][0]["state"] == "failed"
    assert [each for each in await stage.services(customer) if each["state"] == "active"] == []


async def test_a_resource_facing_service_is_ordered_by_itself(stage: Stage) -> None:
    document, customer = mobile()
    document[CHILD] = [item("1", "rfs-gpon-access", place="BER-1", lineProfile="gpon-500")]
    order = await stage.done(document)
    assert order["state"] == "completed", order
    (recorded,) = await stage.services(customer)
    assert (recorded["category"], recorded["state"]) == ("RFS", "active")
    assert characteristics(recorded).keys() >= {"oltPort", "ontSerial"}


async def test_dependent_items_start_one_after_the_other(stage: Stage) -> None:
    document, _ = mobile()
    document[CHILD] = [*document[CHILD], item("2", "cfs-vpn-core", topology="mesh")]
    document[CHILD][0]["serviceOrderItemRelationship"] = [
        {"relationshipType": "dependency", "orderItem": {"itemId": "2"}}
    ]
    await stage.fault(stage.activation, match={"specification": "cfs-vpn-core"}, kind="transient")
    order_id = await stage.submit(document)
    await stage.until(lambda order: order[CHILD][1]["state"] == "inProgress", order_id)
    assert (await stage.nodes(order_id))["1:service"] == "waiting"
    await stage.heal()
    assert (await stage.ended(order_id))["state"] == "completed"


async def test_a_service_of_a_product_is_modified_in_turn_with_the_orders_of_the_product(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    await stage.done(document)
    (product,) = await stage.products(customer)
    service_id = product["realizingService"][0]["id"]
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="transient")
    first = await stage.submit(change("modify", service_id, customer, dataVolumeGb=50))
    await stage.until(lambda order: order["state"] == "inProgress", first)
    deletion = example("delete-mobile", PRODUCT=product["id"])
    customer_of(deletion, customer)
    second = await stage.submit(deletion)
    handle = stage.client.get_workflow_handle(ids.root_workflow(second))

    async def waits() -> bool:
        return any(first in each for each in (await handle.query("order"))["waitingFor"])

    await eventually(waits)
    await stage.heal()
    assert (await stage.ended(first))["state"] == "completed"
    assert (await stage.ended(second))["state"] == "completed"
    assert (await service(stage, service_id))["state"] == "terminated"


async def test_a_service_that_a_product_needs_is_not_deleted_under_it(stage: Stage) -> None:
    document = example("mobile")
    customer = customer_of(document)
    await stage.done(document)
    (product,) = await stage.products(customer)
    order = await stage.done(change("delete", product["realizingService"][0]["id"], customer))
    assert order["state"] == "rejected"
    assert f"needed by product {product['id']}" in order["errorMessage"][0]["reason"]


async def test_an_order_that_another_one_has_made_is_amended_by_way_of_that(stage: Stage) -> None:
    document, _ = mobile()
    order_id = await trying(stage, document)
    answer = await stage.gateway.patch(f"{ORDERS[OrderKind.SERVICE]}/{order_id}:1:service", json={"priority": "1"})
    assert answer.status_code == 409
    assert f"amend order {order_id}" in answer.json()["message"]
    await stage.heal()
    await stage.ended(order_id)


async def test_a_posted_order_is_found_by_what_it_is(stage: Stage) -> None:
    document, customer = mobile()
    order = await stage.done(document)
    workflow_id = f"so:{order['id']}"
    await stage.found(f"OrderCustomer = '{customer}' AND WorkflowType = 'DirectServiceOrder'", workflow_id)
