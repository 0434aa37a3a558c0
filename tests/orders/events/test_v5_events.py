"""Events as TMF622 v5 sends them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from orders.events import order_events as events
from orders.events.hubs import HUBS, PRODUCT_ORDER_V5
from orders.events.order_events import Event, event_types
from orders.events.v5_events import envelope
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from tests.orders.model.test_v5 import ORDER, PUBLISHED, faults_of
from tmf.paths import TMF622_V5

KIND = OrderKind.PRODUCT
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
GATEWAY = "http://gateway"
STORED = {name: value for name, value in ORDER.items() if name != "href"}
CANCELLATION = {"id": "c1", "productOrder": {"id": "o1"}, "state": "acknowledged"}


def all_events() -> Iterator[Event]:
    """Yield events of all types that are made of product orders."""
    yield events.created(KIND, STORED, "o1", NOW)
    yield events.deleted(KIND, STORED, "o1", NOW)
    yield events.information_required(KIND, STORED, "o1", "t1", "1", NOW)
    marks = ("milestone", "jeopardyAlert", "productOrderErrorMessage")
    before = {name: value for name, value in STORED.items() if name not in marks}
    running = OrderChange(kind=KIND, order_id="o1", version=2, state=OrderState.IN_PROGRESS)
    yield from events.changed(running, before, STORED, "o1", NOW)
    yield from events.changed(running, {**STORED, "orderDate": "x", "note": []}, STORED, "o1", NOW)
    yield from events.changed(running, {**STORED, "state": "acknowledged"}, STORED, "o1", NOW)
    yield events.cancellation_created(KIND, CANCELLATION, "o1", NOW)
    yield events.cancellation_changed(KIND, {**CANCELLATION, "state": "done"}, "o1", NOW)


EVENTS = {event.type: event for event in all_events()}


def test_all_types_of_events_but_one_are_made() -> None:
    assert set(event_types(KIND)) - EVENTS.keys() == {"CancelProductOrderInformationRequiredEvent"}
    assert HUBS[PRODUCT_ORDER_V5].types == set(event_types(KIND))


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_events_say_what_they_are_and_when_they_came_about(event: Event) -> None:
    told = envelope(event, GATEWAY)
    resource = told["event"][event.resource]
    assert told["@type"] == told["eventType"] == event.type
    assert told["timeOccurred"] == told["eventTime"] == "2026-11-23T09:00:00.000Z"
    assert "timeOcurred" not in told
    assert told["eventId"] == event.id
    assert told["href"] == resource["href"] == f"{GATEWAY}{TMF622_V5}/{event.resource}/{event.subject_id}"
    if PUBLISHED.is_file():
        assert faults_of(told, event.type) == []


def payload(event_type: str) -> dict[str, Any]:
    """Return the resource of an event of a type."""
    event = EVENTS[event_type]
    resource: dict[str, Any] = envelope(event, GATEWAY)["event"][event.resource]
    return resource


def test_resources_are_in_the_shape_of_version_5() -> None:
    assert payload("ProductOrderCreateEvent")["creationDate"] == ORDER["orderDate"]
    assert payload("ProductOrderMilestoneEvent")["productOrderMilestone"][0]["status"] == "Completed"
    assert payload("CancelProductOrderCreateEvent")["productOrder"] == {
        "@type": "ProductOrderRef",
        "id": "o1",
        "href": f"{GATEWAY}{TMF622_V5}/productOrder/o1",
    }


def test_where_something_is_asked_for_the_order_is_referred_to() -> None:
    assert payload("ProductOrderInformationRequiredEvent") == {
        "@type": "ProductOrderRef",
        "@referredType": "ProductOrder",
        "id": "o1",
        "href": f"{GATEWAY}{TMF622_V5}/productOrder/o1",
    }


def test_what_has_changed_is_named_as_version_5_names_it() -> None:
    assert envelope(EVENTS["ProductOrderAttributeValueChangeEvent"], GATEWAY)["fieldPath"] == "note,creationDate"
    assert envelope(EVENTS["ProductOrderMilestoneEvent"], GATEWAY)["fieldPath"] == "productOrderMilestone"
