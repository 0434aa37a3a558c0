"""The ways an order can go whose histories are kept: each workflow and each path has one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.replay.long_scenarios import long, long_amended, long_cancelled, long_fallen_out, long_held
from tests.stage import PRODUCT_ORDER, Stage, customer_of, eventually, example
from tmf.instants import timestamp
from workflows.contracts import ids

MOBILE = "mobile"

_CORE = {
    "id": "2",
    "action": "add",
    "service": {
        "serviceSpecification": {"id": "cfs-vpn-core"},
        "serviceCharacteristic": [{"name": "topology", "value": "mesh"}],
    },
}
"""An item of a service order."""


async def added(stage: Stage) -> str:
    """Add: reservations, configuration, activation by monitor, products and charges."""
    return await _ended(stage, _own(example(MOBILE)))


async def added_with_callback(stage: Stage) -> str:
    """Add a whole bundle, TV among it, whose activation ends by callback; all of it before any product."""
    return await _ended(stage, _own(example("fibre-bundle")))


async def modified(stage: Stage) -> str:
    """Modify what is installed."""
    document = example("fibre-bundle")
    customer = customer_of(document)
    await _ended(stage, document)
    change = example("modify-fibre", PRODUCT=await internet_of(stage, customer))
    customer_of(change, customer)
    return await _ended(stage, change)


async def moved(stage: Stage) -> str:
    """Move a VPN site: a new access is set up while the old one works on, and the overlay goes along."""
    document = example("vpn-8-sites")
    customer = customer_of(document)
    document["productOrderItem"][0]["productOrderItem"] = document["productOrderItem"][0]["productOrderItem"][:3]
    await _ended(stage, document)
    products = await stage.products(customer)
    site = next(each["id"] for each in products if each["productOffering"]["id"] == "vpn-spoke-site")
    place = [{"id": "SITE-9", "role": "installation"}]
    move = {"productOrderItem": [{"id": "1", "action": "modify", "product": {"id": site, "place": place}}]}
    customer_of(move, customer)
    return await _ended(stage, move)


async def deleted(stage: Stage) -> str:
    """Delete what is installed."""
    document = example(MOBILE)
    customer = customer_of(document)
    await _ended(stage, document)
    deletion = example("delete-mobile", PRODUCT=(await stage.products(customer))[0]["id"])
    customer_of(deletion, customer)
    return await _ended(stage, deletion)


async def rejected(stage: Stage) -> str:
    """Rejected for its offering."""
    document = _own(example(MOBILE))
    document["productOrderItem"][0]["productOffering"]["id"] = "no-such-offering"
    return await _ended(stage, document)


async def undone(stage: Stage) -> str:
    """TV fails for good: the bundle's finished service orders are undone by compensating ones."""
    await stage.fault(stage.activation, match={"specification": "cfs-iptv"}, kind="asyncFailure")
    order_id = await _ended(stage, _own(example("fibre-bundle")))
    await stage.heal()
    return order_id


async def cancelled_while_pending(stage: Stage) -> str:
    """Cancelled before its start date."""
    document = _own(example(MOBILE))
    document["requestedStartDate"] = timestamp(datetime.now(UTC) + timedelta(days=30))
    order_id = await stage.submit(document)
    await stage.until(lambda order: order["state"] == "pending", order_id)
    return await _cancelled(stage, order_id)


async def cancelled_in_flight(stage: Stage) -> str:
    """Cancelled while activation is tried again and again."""
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="transient")
    order_id = await stage.submit(_own(example(MOBILE)))
    await tried(stage, order_id)
    try:
        return await _cancelled(stage, order_id)
    finally:
        await stage.heal()


async def cancelled_by_a_message(stage: Stage) -> str:
    """Cancelled by a message while it is on hold."""
    order_id = await _trying(stage)
    root = ids.root_workflow(order_id)
    await stage.tell(root, "hold", reason="a pause")
    await stage.until(lambda order: order["state"] == "held", order_id)
    await stage.tell(root, "cancel", reason="no longer wanted")
    await stage.ended(order_id)
    await stage.heal()
    return order_id


async def held_and_resumed(stage: Stage) -> str:
    """On hold with all below it, then resumed."""
    order_id = await _trying(stage)
    root = ids.root_workflow(order_id)
    await stage.tell(root, "hold")
    await stage.until(lambda order: order["state"] == "held", order_id)
    await stage.heal()
    await stage.tell(root, "resume")
    await stage.ended(order_id)
    return order_id


async def fallen_out(stage: Stage) -> str:
    """A step fails for good, is held, and is tried again by a person."""
    await stage.fault(stage.activation, match={"specification": "cfs-vpn-core"}, kind="permanent")
    document = _own(example("vpn-8-sites"))
    document["productOrderItem"][0]["productOrderItem"] = document["productOrderItem"][0]["productOrderItem"][:3]
    order_id = await stage.submit(document)
    task = await stage.task(order_id)
    await stage.until(lambda order: order["state"] == "held", order_id)
    await stage.heal()
    await stage.tell(ids.root_workflow(order_id), "resolve", task=task["id"], action="retry", by="ops")
    await stage.ended(order_id)
    return order_id


async def undo_settled(stage: Stage) -> str:
    """An undo fails for good and is tried again by a person."""
    await stage.fault(stage.billing, match={"operation": "startCharge"}, kind="permanent")
    await stage.fault(stage.inventory, match={"operation": "release", "specification": "imsi"}, kind="permanent")
    order_id = await stage.submit(_own(example(MOBILE)))
    task = await stage.task(order_id)
    await stage.heal()
    await stage.tell(ids.root_workflow(order_id), "resolve", task=task["id"], action="retry")
    await stage.ended(order_id)
    return order_id


async def visited(stage: Stage) -> str:
    """People do a step, past its point of no return, and a cancellation comes too late."""
    order_id = await stage.submit(_own(example("fibre-technician")))
    task = await stage.task(order_id)
    root = ids.root_workflow(order_id)
    await stage.refusal(root, "cancel")
    await stage.tell(root, "complete", task=task["id"], values={"technician": "T-1", "visitReport": "done"})
    await stage.ended(order_id)
    return order_id


async def amended(stage: Stage) -> str:
    """Amended while it runs: one item changed in place, one replaced, one left out."""
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="transient")
    document = _own(example(MOBILE))
    place = [{"id": "BER-1", "role": "installation", "@referredType": "GeographicSite"}]
    for item in ("2", "3"):
        speed = [{"name": "downloadSpeed", "value": 250}]
        product = {"place": place, "productCharacteristic": speed}
        document["productOrderItem"].append(
            {"id": item, "action": "add", "productOffering": {"id": "fibre-internet"}, "product": product}
        )
    order_id = await stage.submit(document)
    await tried(stage, order_id)
    order = await stage.until(
        lambda order: [each["state"] for each in order["productOrderItem"][1:]] == ["completed"] * 2, order_id
    )
    mobile, internet, _ = order["productOrderItem"]
    internet["product"]["productCharacteristic"] = [{"name": "downloadSpeed", "value": 1000}]
    for each in mobile["product"]["productCharacteristic"]:
        if each["name"] == "dataVolumeGb":
            each["value"] = 5
    answer = await stage.gateway.patch(f"{PRODUCT_ORDER}/{order_id}", json={"productOrderItem": [mobile, internet]})
    assert answer.status_code == 200, answer.text
    await stage.heal()
    await stage.ended(order_id)
    return order_id


async def amended_before_its_start(stage: Stage) -> str:
    """Amended again and again before its start, so that new runs go on from where the earlier ones have come to."""
    document = _own(example(MOBILE))
    start = datetime.now(UTC) + timedelta(days=30)
    document["requestedStartDate"] = timestamp(start)
    order_id = await stage.submit(document)
    await stage.until(lambda order: order["state"] == "pending", order_id)
    for day in range(1, 9):
        await _move(stage, order_id, start + timedelta(days=day))
    await _move(stage, order_id, datetime.now(UTC))
    await stage.ended(order_id)
    return order_id


async def waited_for_another(stage: Stage) -> str:
    """Waits for an order that changes the same product."""
    document = example("fibre-bundle")
    customer = customer_of(document)
    await _ended(stage, document)
    change = example("modify-fibre", PRODUCT=await internet_of(stage, customer))
    customer_of(change, customer)
    await stage.fault(stage.activation, match={"specification": "cfs-internet-access"}, kind="transient")
    first = await stage.submit(change)
    await stage.until(lambda order: order["state"] == "inProgress", first)
    second = await stage.submit({**change, "description": "the same again"})
    handle = stage.client.get_workflow_handle(ids.root_workflow(second))

    async def waits() -> bool:
        view = await handle.query("order")
        return any(first in each for each in view["waitingFor"])

    await eventually(waits)
    await stage.heal()
    await stage.ended(first)
    await stage.ended(second)
    return second


async def direct_service_added(stage: Stage) -> str:
    """A posted service order, with an item that waits for another."""
    document = _own(example("service-order-mobile"))
    document["serviceOrderItem"][0]["serviceOrderItemRelationship"] = [
        {"relationshipType": "dependency", "orderItem": {"itemId": "2"}}
    ]
    document["serviceOrderItem"].append(_CORE)
    return await _ended(stage, document)


async def direct_service_cancelled(stage: Stage) -> str:
    """A posted service order, cancelled by a message while one item is done and another runs."""
    document = _own(example("service-order-mobile"))
    document["serviceOrderItem"].append(_CORE)
    await stage.fault(stage.activation, match={"specification": "cfs-vpn-core"}, kind="transient")
    order_id = await stage.submit(document)
    await stage.reached(order_id, {"1:service": "done", "2:service": "running"})
    await stage.tell(ids.root_workflow(order_id), "cancel", reason="no longer wanted")
    await stage.ended(order_id)
    await stage.heal()
    return order_id


async def direct_service_amended(stage: Stage) -> str:
    """A posted service order whose done item an amendment changes in place, and whose other item it takes away."""
    document = _own(example("service-order-mobile"))
    document["serviceOrderItem"].append(_CORE)
    await stage.fault(stage.activation, match={"specification": "cfs-vpn-core"}, kind="transient")
    order_id = await stage.submit(document)
    await stage.reached(order_id, {"1:service": "done", "2:service": "running"})
    mobile = document["serviceOrderItem"][0]
    mobile["service"]["serviceCharacteristic"][1]["value"] = 50
    answer = await stage.amend(order_id, serviceOrderItem=[mobile])
    assert answer.status_code == 200, answer.text
    await stage.heal()
    await stage.ended(order_id)
    return order_id


async def direct_resource_added(stage: Stage) -> str:
    """A posted resource order, with an item that waits for another."""
    return await _ended(stage, _own(example("resource-order-port")))


async def direct_resource_cancelled(stage: Stage) -> str:
    """A posted resource order, cancelled by a message while one item is done and another runs."""
    await stage.fault(stage.activation, match={"specification": "vpn-cpe"}, kind="transient")
    order_id = await stage.submit(_own(example("resource-order-port")))
    await stage.reached(order_id, {"1": "done", "2": "running"})
    await stage.tell(ids.root_workflow(order_id), "cancel", reason="no longer wanted")
    await stage.ended(order_id)
    await stage.heal()
    return order_id


async def _trying(stage: Stage) -> str:
    await stage.fault(stage.activation, match={"specification": "cfs-mobile"}, kind="transient")
    order_id = await stage.submit(_own(example(MOBILE)))
    await tried(stage, order_id)
    return order_id


async def _move(stage: Stage, order_id: str, start: datetime) -> None:
    patch = {"requestedStartDate": timestamp(start)}
    answer = await stage.gateway.patch(f"{PRODUCT_ORDER}/{order_id}", json=patch)
    assert answer.status_code == 200, answer.text


async def tried(stage: Stage, order_id: str) -> None:
    """Wait until the customer-facing service is recorded: its activation comes next."""
    await stage.until(lambda order: order["state"] == "inProgress", order_id)
    collection = f"/tmf-api/serviceOrdering/v4/serviceOrder/{order_id}:1:mobile"

    async def activating() -> bool:
        answer = await stage.gateway.get(collection)
        items = answer.json().get("serviceOrderItem", []) if answer.is_success else []
        return any(item["id"] == "service" and item["state"] == "inProgress" for item in items)

    await eventually(activating)


async def internet_of(stage: Stage, customer: str) -> str:
    """Return the id of a customer's internet product."""
    products = await stage.products(customer)
    return next(str(each["id"]) for each in products if each["productOffering"]["id"] == "fibre-internet")


async def _ended(stage: Stage, document: dict[str, Any]) -> str:
    order_id = await stage.submit(document)
    await stage.ended(order_id)
    return order_id


async def _cancelled(stage: Stage, order_id: str) -> str:
    await stage.client.get_workflow_handle(ids.root_workflow(order_id)).cancel()
    await stage.ended(order_id)
    return order_id


def _own(document: dict[str, Any]) -> dict[str, Any]:
    customer_of(document)
    return document


SCENARIOS: dict[str, tuple[Callable[[Stage], Awaitable[str]], str]] = {
    "added": (added, "completed"),
    "added-with-callback": (added_with_callback, "completed"),
    "modified": (modified, "completed"),
    "moved": (moved, "completed"),
    "deleted": (deleted, "completed"),
    "rejected": (rejected, "rejected"),
    "undone": (undone, "failed"),
    "cancelled-while-pending": (cancelled_while_pending, "cancelled"),
    "cancelled-in-flight": (cancelled_in_flight, "cancelled"),
    "cancelled-by-a-message": (cancelled_by_a_message, "cancelled"),
    "held-and-resumed": (held_and_resumed, "completed"),
    "fallen-out": (fallen_out, "completed"),
    "undo-settled": (undo_settled, "failed"),
    "visited": (visited, "completed"),
    "amended": (amended, "completed"),
    "amended-before-its-start": (amended_before_its_start, "completed"),
    "waited-for-another": (waited_for_another, "completed"),
    "direct-service-added": (direct_service_added, "completed"),
    "direct-service-cancelled": (direct_service_cancelled, "cancelled"),
    "direct-service-amended": (direct_service_amended, "completed"),
    "direct-resource-added": (direct_resource_added, "completed"),
    "direct-resource-cancelled": (direct_resource_cancelled, "cancelled"),
    "long": (long, "completed"),
    "long-cancelled": (long_cancelled, "cancelled"),
    "long-held": (long_held, "completed"),
    "long-amended": (long_amended, "completed"),
    "long-fallen-out": (long_fallen_out, "completed"),
}
"""Name → how to bring an order of that kind to its end, and the state in which it ends."""
