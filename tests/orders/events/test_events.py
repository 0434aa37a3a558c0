"""Which events a change makes, and what they look like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from orders.events import order_events as events
from orders.lifecycle.change import OrderChange, OrderEntries
from orders.lifecycle.states import OrderKind, OrderState

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def order(state: str = "acknowledged", **more: Any) -> dict[str, Any]:
    return {"id": "o1", "state": state, "productOrderItem": [{"id": "1", "action": "add", "state": state}], **more}


def changed(
    before: dict[str, Any],
    after: dict[str, Any],
    passed: tuple[OrderState, ...] = (),
    kind: OrderKind = OrderKind.PRODUCT,
) -> list[events.Event]:
    change = OrderChange(
        kind=kind, order_id="o1", version=7, state=OrderState(after["state"]), passed=list(passed), attributes={}
    )
    return events.changed(change, before, after, "o1", AT)


def test_a_change_of_state_is_one_event_though_attributes_change_with_it() -> None:
    (event,) = changed(order(), order("inProgress", description="new"))

    assert event.type == "ProductOrderStateChangeEvent"
    assert event.document["description"] == "new"


def test_states_that_were_passed_have_events_of_their_own_in_their_order() -> None:
    passed = (OrderState.ASSESSING_CANCELLATION, OrderState.PENDING_CANCELLATION)
    found = changed(order("inProgress"), order("cancelled"), passed)

    assert [each.document["state"] for each in found] == ["assessingCancellation", "pendingCancellation", "cancelled"]
    assert len({each.id for each in found}) == 3


def test_a_change_of_attributes_names_them() -> None:
    (event,) = changed(order(), order(description="new", note=[{"text": "x"}]))

    assert event.type == "ProductOrderAttributeValueChangeEvent"
    assert event.field_path == "description,note"


def test_nothing_changed_makes_no_event() -> None:
    assert changed(order(), order()) == []


def test_entries_from_elsewhere_make_the_events_that_a_change_would_have_made_once() -> None:
    def extended(**appended: Any) -> list[events.Event]:
        told = OrderEntries(kind=OrderKind.PRODUCT, order_id="o1", appended=appended)
        return events.extended(told, order(), order(**appended), "o1", AT)

    reached = extended(note=[{"id": "n"}], milestone=[{"id": "m"}])
    assert [(each.type, each.field_path) for each in reached] == [
        ("ProductOrderAttributeValueChangeEvent", "note"),
        ("ProductOrderMilestoneEvent", "milestone"),
    ]
    assert len({each.id for each in [*reached, *extended(note=[{"id": "other"}])]}) == 3
    assert extended(note=[{"id": "n"}], milestone=[{"id": "m"}]) == reached


def test_a_milestone_has_an_event_of_its_own_beside_that_of_the_state() -> None:
    found = changed(order(), order("inProgress", milestone=[{"name": "designed"}]))

    assert [each.type for each in found] == ["ProductOrderStateChangeEvent", "ProductOrderMilestoneEvent"]


def test_the_same_change_makes_the_same_ids_and_another_version_others() -> None:
    first, again = changed(order(), order("inProgress")), changed(order(), order("inProgress"))
    assert [each.id for each in first] == [each.id for each in again]
    made = events.created(OrderKind.PRODUCT, order(), "o1", AT)
    assert made.id == events.created(OrderKind.PRODUCT, order(), "o1", AT).id
    assert made.id not in {each.id for each in first}


def test_the_envelope_has_the_order_with_its_address() -> None:
    event = events.created(OrderKind.PRODUCT, order(priority="1"), "o1", AT)
    sent = events.envelope(event, "http://gateway")

    assert sent["eventId"] == event.id
    assert sent["eventType"] == "ProductOrderCreateEvent"
    assert sent["eventTime"] == sent["timeOcurred"] == "2026-11-25T12:00:00.000Z"
    assert sent["priority"] == "1"
    assert sent["correlationId"] == "o1"
    href = "http://gateway/tmf-api/productOrderingManagement/v4/productOrder/o1"
    assert sent["href"] == sent["event"]["productOrder"]["href"] == href
    assert sent["title"] != sent["description"]


def test_of_a_deleted_order_only_what_every_order_must_have_is_told() -> None:
    event = events.deleted(OrderKind.PRODUCT, order("completed", relatedParty=[{"name": "Ann"}]), "o1", AT)

    items = [{"id": "1", "action": "add", "state": "completed"}]
    assert event.document == {"id": "o1", "state": "completed", "productOrderItem": items}


@pytest.mark.parametrize("kind", list(OrderKind))
def test_every_event_of_a_kind_is_among_the_types_of_its_hub(kind: OrderKind) -> None:
    known = events.event_types(kind)
    document = {"id": "o1", "state": "acknowledged"}
    made = [
        events.created(kind, document, "o1", AT),
        events.deleted(kind, document, "o1", AT),
        events.information_required(kind, document, "o1", "t1", "1", AT),
        *changed(document, {**document, "state": "inProgress"}, kind=kind),
        *changed(document, {**document, "description": "x"}, kind=kind),
    ]
    assert {each.type for each in made} <= set(known)
    assert len(made) == 5


def test_a_listener_takes_events_where_the_standard_says() -> None:
    assert events.listener_path("ProductOrderCreateEvent") == "listener/productOrderCreateEvent"
