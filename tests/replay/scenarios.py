"""The ways an order can go whose histories are kept: each workflow and each path has one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from orders.tmf import timestamp
from tests.stage import Stage, customer_of, eventually, example
from workflows import ids

MOBILE = "mobile"


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
    """TV fails for good: the bundle's finished service orders are undone by reversing ones."""
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


async def tried(stage: Stage, order_id: str) -> None:
    """Wait until the customer-facing service is recorded: its activation comes next."""
    await stage.until(lambda order: order["state"] == "inProgress", order_id)
    family = f"/tmf-api/serviceOrdering/v4/serviceOrder/{order_id}:1:mobile"

    async def activating() -> bool:
        answer = await stage.gateway.get(family)
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
    await stage.client.get_workflow_handle(ids.product_order_workflow(order_id)).cancel()
    await stage.ended(order_id)
    return order_id


def _own(document: dict[str, Any]) -> dict[str, Any]:
    customer_of(document)
    return document


SCENARIOS: dict[str, tuple[Callable[[Stage], Awaitable[str]], str]] = {
    "added": (added, "completed"),
    "added-with-callback": (added_with_callback, "completed"),
    "modified": (modified, "completed"),
    "deleted": (deleted, "completed"),
    "rejected": (rejected, "rejected"),
    "undone": (undone, "failed"),
    "cancelled-while-pending": (cancelled_while_pending, "cancelled"),
    "cancelled-in-flight": (cancelled_in_flight, "cancelled"),
}
"""Name → how to bring an order of that kind to its end, and the state in which it ends."""
