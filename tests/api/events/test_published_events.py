"""Events fit the published TM Forum files, where these are at hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from orders.events import order_events as events
from orders.events.order_events import Event, envelope
from orders.events.qualification_events import CREATE, DELETE, STATE, qualification_events
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from orders.qualification.results import QualificationKind
from tests.api.documents.test_published_specifications import SPECS, assert_fits

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason=f"the published TM Forum files are not at {SPECS}")

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
FILES = {
    OrderKind.PRODUCT: "TMF622-v4.0.0.swagger.json",
    OrderKind.SERVICE: "TMF641-v4.1.0.swagger.json",
    OrderKind.RESOURCE: "TMF652-v4.0.0.swagger.json",
}
QUESTIONS: dict[QualificationKind, dict[str, Any]] = {
    QualificationKind.OFFERING: {"productOfferingQualificationItem": [{"id": "1"}]},
    QualificationKind.SERVICE_CHECK: {"serviceQualificationItem": [{"id": "1", "service": {}}]},
    QualificationKind.SERVICE_QUERY: {"searchCriteria": {"service": {}}},
}
ITEMS: dict[OrderKind, dict[str, Any]] = {
    OrderKind.PRODUCT: {"productOrderItem": [{"id": "1", "action": "add", "product": {"id": "p-1"}}]},
    OrderKind.SERVICE: {"serviceOrderItem": [{"id": "1", "action": "add", "service": {"id": "s-1"}}]},
    OrderKind.RESOURCE: {
        "orderItem": [{"id": "1", "action": "add", "state": "held", "resource": {"id": "r-1", "href": "http://r/r-1"}}]
    },
}


def told_of(kind: OrderKind) -> list[Event]:
    """Return an event of each type that orders of a kind make under v4."""
    document = {"id": "o1", "state": "acknowledged", "orderDate": "2026-11-25T09:00:00.000Z", **ITEMS[kind]}
    milestone = {"id": "m", "name": "on site", "description": "on site", "milestoneDate": "2026-11-25T09:00:00.000Z"}
    alert = {"id": "a", "name": "late", "jeopardyType": "late", "alertDate": "2026-11-25T09:00:00.000Z", "message": "m"}
    running = {**document, "state": "inProgress"}
    marked = {**running, "description": "x", "milestone": [milestone], "jeopardyAlert": [alert]}
    cancel = {"id": "c1", "state": "done", kind.value: {"id": "o1"}}
    change = OrderChange(kind=kind, order_id="o1", version=2, state=OrderState.IN_PROGRESS)
    found = [
        events.created(kind, document, "o1", NOW),
        *events.changed(change, document, running, "o1", NOW),
        *events.changed(change, running, marked, "o1", NOW),
        events.information_required(kind, running, "o1", "o1:1!1", "1", NOW),
        events.deleted(kind, {**running, "state": "completed"}, "o1", NOW),
        events.cancellation_created(kind, cancel, "o1", NOW),
        events.cancellation_changed(kind, cancel, "o1", NOW),
    ]
    known = events.event_types(kind, marks=kind == OrderKind.SERVICE)
    return [each for each in found if each.type in known]


@pytest.mark.parametrize("kind", list(OrderKind))
def test_each_event_of_an_order_fits_its_published_definition(kind: OrderKind) -> None:
    told = told_of(kind)
    for event in told:
        assert_fits(envelope(event, "http://gateway"), FILES[kind], event.type)
    missing = set(events.event_types(kind, marks=kind == OrderKind.SERVICE)) - {event.type for event in told}
    assert {each for each in missing if "InformationRequired" not in each} == set()


@pytest.mark.parametrize("kind", list(QualificationKind))
@pytest.mark.parametrize("what", [CREATE, STATE, DELETE])
def test_each_event_of_a_qualification_fits_its_published_definition(kind: QualificationKind, what: str) -> None:
    (event,) = qualification_events(kind, what, {"id": "q1", "state": "done", **QUESTIONS[kind]}, NOW)
    offering = kind == QualificationKind.OFFERING
    file = "TMF679-v4.0.0.swagger.json" if offering else "TMF645-v4.0.1.swagger.json"
    assert_fits(envelope(event, "http://gateway"), file, event.type)
