"""Listeners that register for the events of orders, and what they were told."""

from __future__ import annotations

from typing import Any

from orders.lifecycle.states import TERMINAL
from tests.listener import Listener
from tests.stage import Stage, customer_of, example
from workflows.contracts.ids import subscription_workflow

PRODUCT_HUB = "/tmf-api/productOrderingManagement/v4/hub"


SERVICE_HUB = "/tmf-api/serviceOrdering/v4/hub"


async def registered(stage: Stage, listener: Listener, hub: str = PRODUCT_HUB, **more: str) -> dict[str, Any]:
    answer = await stage.gateway.post(hub, json={"callback": listener.callback, **more})
    assert answer.status_code == 201, answer.text
    subscription: dict[str, Any] = answer.json()
    return subscription


def mobile() -> dict[str, Any]:
    document = example("mobile")
    customer_of(document)
    return document


def of(order_id: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in events if each["correlationId"] == order_id]


def states(order_id: str, events: list[dict[str, Any]]) -> list[str]:
    """Return the states that a listener saw a product order go through."""
    kinds = ("ProductOrderCreateEvent", "ProductOrderStateChangeEvent")
    return [each["event"]["productOrder"]["state"] for each in of(order_id, events) if each["eventType"] in kinds]


def once(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events without those that came again."""
    return list({each["eventId"]: each for each in events}.values())


async def ended(listener: Listener, *orders: str) -> list[dict[str, Any]]:
    """Wait until a listener knows that orders have ended, and return all that it was told."""
    return await listener.got(
        lambda events: all({*states(order, events)} & {state.value for state in TERMINAL} for order in orders)
    )


async def told(stage: Stage, subscription_id: str) -> dict[str, Any]:
    handle = stage.client.get_workflow_handle(subscription_workflow(subscription_id))
    view: dict[str, Any] = await handle.query("subscription")
    return view


async def has_failed(stage: Stage, subscription_id: str) -> bool:
    return (await told(stage, subscription_id))["error"] is not None
