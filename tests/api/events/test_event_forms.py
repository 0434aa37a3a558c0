"""Which queries a hub takes: those that can match an event that it sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.events.event_forms import check_event_query
from orders.events.hubs import HUBS, Hub
from orders.events.order_events import Event
from tests.thorough import examples
from tmf.query.matching import admits
from tmf.query.query import QueryError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RESOURCES = {
    "productOrder": {"productOrder": ["acknowledged", "held"], "cancelProductOrder": ["acknowledged", "done"]},
    "serviceOrder": {"serviceOrder": ["acknowledged", "held"], "cancelServiceOrder": ["accepted", "done"]},
    "resourceOrder": {"resourceOrder": ["acknowledged", "held"], "cancelResourceOrder": ["acknowledged", "done"]},
    "productOfferingQualification": {"productOfferingQualification": ["acknowledged", "done"]},
    "serviceQualification": {
        "checkServiceQualification": ["accepted", "done"],
        "queryServiceQualification": ["accepted", "done"],
    },
}
"""What the events of each API tell of, in two of the states that there are."""


def events_of(hub: Hub) -> list[dict[str, Any]]:
    """Return an event of each type that a hub sends, for each state."""
    found = []
    for kind, resource in product(sorted(hub.types), RESOURCES[hub.events_of]):
        if kind.startswith(resource[0].upper() + resource[1:]):
            for state in RESOURCES[hub.events_of][resource]:
                document: dict[str, Any] = {"id": "o1", "state": state}
                if hub.events_of in ("productOrder", "serviceOrder", "resourceOrder") and resource.startswith("cancel"):
                    document |= {hub.events_of: {"id": "o1"}}
                event = Event(
                    id="e1",
                    type=kind,
                    api=hub.events_of,
                    resource=resource,
                    subject_id="o1",
                    root_id="o1",
                    at=NOON,
                    title="t",
                    document=document,
                )
                found.append(hub.envelope(event, "https://gateway.example"))
    return found


def accepts(hub: Hub, text: str) -> bool:
    try:
        check_event_query(hub, text)
    except QueryError:
        return False
    return True


FILTERS = st.one_of(
    st.builds(
        "eventType{}{}".format,
        st.sampled_from(["=", "!=", ".eq="]),
        st.sampled_from(sorted({each for hub in HUBS.values() for each in hub.types})),
    ),
    st.builds("domain={}".format, st.sampled_from(sorted(RESOURCES))),
    st.builds(
        "event.{}.state={}".format,
        st.sampled_from(sorted({name for each in RESOURCES.values() for name in each})),
        st.sampled_from(["acknowledged", "accepted", "held", "done"]),
    ),
    st.builds("{}=x".format, st.sampled_from(["foo", "state", "event.productOrder.descripton", "event.title"])),
)


@pytest.mark.parametrize("key", sorted(set(HUBS) - {"productOrderV5"}))
@settings(max_examples=examples(60, 1000), deadline=None)
@given(st.data())
def test_a_hub_takes_exactly_the_queries_that_can_match_one_of_its_events(key: str, data: st.DataObject) -> None:
    hub = HUBS[key]
    clauses = data.draw(st.lists(FILTERS, min_size=1, max_size=3))
    # The standards' alternatives are told apart in the reader's own tests: here each filter stands for itself.
    text = "&".join(clauses)
    if accepts(hub, text):
        query = check_event_query(hub, text)
        assert any(admits(query.filters, event) for event in events_of(hub))
    elif all(accepts(hub, each) for each in clauses):
        query_filters = [each for clause in clauses for each in check_event_query(hub, clause).filters]
        assert not any(admits(query_filters, event) for event in events_of(hub))


def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for name, each in value.items() for leaf in leaves(each, f"{path}.{name}" if path else name)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in leaves(each, path)]
    return [(path, value)]


@pytest.mark.parametrize("key", sorted(HUBS))
def test_whatever_an_event_says_can_be_asked_for(key: str) -> None:
    for event in events_of(HUBS[key]):
        for path, value in leaves(event):
            query = check_event_query(HUBS[key], f"{path}={json.dumps(value)}")
            assert admits(query.filters, event), path


@pytest.mark.parametrize(
    ("key", "query", "message"),
    [
        ("productOrder", "foo=bar", "foo: Event has no attribute foo; it has correlationId, description, domain"),
        ("productOrder", "event.serviceOrder.state=held", "event.serviceOrder"),
        ("productOrder", "event.productOrder.stat=held", "did you mean event.productOrder.state?"),
        ("productOrder", "eventType=ProductOrderMilestoneEvent", '"ProductOrderMilestoneEvent" is not one of'),
        ("productOrder", "domain=serviceOrder", '"serviceOrder" is not one of productOrder'),
        ("productOrder", "event.productOrder.state=bogus", '"bogus" is not one of acknowledged, rejected'),
        ("productOrder", "eventTime.gte=yesterday", '"yesterday" is no date'),
        ("productOrder", "event=x", "name one of its attributes, such as event.productOrder"),
        ("productOrder", "sort=id", "sort: id is nothing that this list can be sorted by"),
        ("productOrder", "limit=5", "limit: is for lists"),
        ("productOrder", "eventType=ProductOrderCreateEvent&event.cancelProductOrder.state=done", "no event can match"),
        ("productOrderV5", "event.productOrder.orderDate.gte=2026-03-01", "has no attribute orderDate"),
        ("serviceOrder", "event.cancelServiceOrder.state=acknowledged", "accepted, inProgress, done"),
    ],
)
def test_a_query_that_no_event_can_match_is_refused_with_what_there_is(key: str, query: str, message: str) -> None:
    with pytest.raises(QueryError) as refused:
        check_event_query(HUBS[key], query)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "query",
    [
        "eventType=ProductOrderCreateEvent;eventType=CancelProductOrderCreateEvent",
        "eventType=ProductOrderCreateEvent;event.cancelProductOrder.state=done",
        "eventType=CancelProductOrderCreateEvent&event.productOrder.state!=held",
        "correlationId=o1&fields=state,anything",
        "eventTime>=2026-03-01T13:00:00+01:00",
    ],
)
def test_a_query_that_some_event_can_match_is_taken(query: str) -> None:
    assert accepts(HUBS["productOrder"], query)
