"""What events carry of large orders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from orders.events import order_events as events
from orders.events import v5_events
from orders.events.order_events import Event
from orders.events.snapshots import MAX_SNAPSHOT
from orders.lifecycle.change import OrderChange, OrderEntries
from orders.lifecycle.states import ITEM_LISTS, OrderKind, OrderState
from store.documents import apply_change, apply_entries

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
KIND = OrderKind.SERVICE
ITEMS = ITEM_LISTS[KIND]


def item(number: int, size: int = 1000) -> dict[str, Any]:
    about = {"id": f"s{number}", "name": "x" * size}
    return {"id": str(number), "action": "add", "state": "acknowledged", "service": about}


def order(items: int, size: int = 1000, **more: Any) -> dict[str, Any]:
    return {"id": "s-1", "state": "inProgress", ITEMS: [item(each, size) for each in range(items)], **more}


def change(before: dict[str, Any], **more: Any) -> list[Event]:
    told = OrderChange(kind=KIND, order_id="s-1", version=3, state=OrderState.IN_PROGRESS, **more)
    return events.changed(told, before, apply_change(before, told), "s-1", AT)


def ids(event: Event) -> list[str]:
    return [each["id"] for each in event.document[ITEMS]]


def test_a_small_order_is_told_whole() -> None:
    (event,) = change(order(3), items={"1": {"state": "inProgress"}})

    assert ids(event) == ["0", "1", "2"]
    assert event.omitted_path is None


def test_of_a_large_order_the_items_that_changed_are_told_whole() -> None:
    (event,) = change(order(400), items={"7": {"state": "inProgress"}, "11": {"state": "completed"}})

    assert ids(event) == ["7", "11"]
    assert event.document[ITEMS][0] == item(7) | {"state": "inProgress"}
    assert (event.field_path, event.omitted_path) == (ITEMS, ITEMS)


def test_a_nested_item_that_changed_is_told_with_the_one_around_it() -> None:
    before = order(400)
    before[ITEMS][5] |= {ITEMS: [item(500)]}
    (event,) = change(before, items={"500": {"state": "inProgress"}})

    assert ids(event) == ["5"]
    assert event.document[ITEMS][0][ITEMS][0]["state"] == "inProgress"


def test_of_a_large_order_whose_items_stay_none_is_told() -> None:
    (event,) = change(order(400), attributes={"description": "new"})

    assert event.document == {"id": "s-1", "state": "inProgress", ITEMS: [], "description": "new"}
    assert (event.field_path, event.omitted_path) == ("description", ITEMS)


def test_of_many_items_that_changed_only_what_they_are_and_how_they_stand_is_told() -> None:
    (event,) = change(order(400), items={str(each): {"state": "inProgress"} for each in range(399)})

    assert len(event.document[ITEMS]) == 399
    assert event.document[ITEMS][0] == {"id": "0", "action": "add", "state": "inProgress", "service": {"id": "s0"}}
    assert event.omitted_path == ITEMS


def test_a_large_order_that_is_new_has_all_its_items_in_short() -> None:
    event = events.created(KIND, order(400), "s-1", AT)

    assert len(event.document[ITEMS]) == 400
    assert event.document[ITEMS][0].keys() == {"id", "action", "state", "service"}
    assert event.omitted_path == ITEMS


@pytest.mark.parametrize("make", [events.created, events.deleted])
def test_items_that_are_too_many_even_in_short_are_left_out(make: Any) -> None:
    event = make(KIND, order(5000), "s-1", AT)

    assert event.document[ITEMS] == []
    assert event.omitted_path == ITEMS
    assert event.document["state"] == "inProgress"


def test_who_waits_for_people_is_told_with_the_item_that_it_waits_for() -> None:
    event = events.information_required(KIND, order(400), "s-1", "t1", "9", AT)

    assert ids(event) == ["9"]


def test_of_long_lists_of_a_large_order_what_is_new_is_told() -> None:
    before = order(400, note=[{"id": str(each), "text": "x" * 1000} for each in range(200)], category="b2b")
    told = OrderEntries(kind=KIND, order_id="s-1", appended={"note": [{"id": "n", "text": "new"}]})
    (event,) = events.extended(told, before, apply_entries(before, told), "s-1", AT)

    assert event.document["note"] == [{"id": "n", "text": "new"}]
    assert event.document["category"] == "b2b"
    assert (event.field_path, event.omitted_path) == ("note", f"note,{ITEMS}")


def test_what_has_an_event_of_its_own_has_it_though_it_is_too_large_to_be_told() -> None:
    (event,) = change(order(1), attributes={"milestone": [{"id": "m", "name": "x" * MAX_SNAPSHOT}]})

    assert event.type == "ServiceOrderMilestoneEvent"
    assert "milestone" not in event.document
    assert event.omitted_path == f"milestone,{ITEMS}"


def test_an_envelope_names_what_is_left_out_in_the_words_of_its_version() -> None:
    large = {"id": "1", "state": "inProgress", "milestone": [{"name": "x" * MAX_SNAPSHOT}], "productOrderItem": []}
    event = events.created(OrderKind.PRODUCT, large, "1", AT)

    assert events.envelope(event, "http://gateway")["omittedPath"] == "milestone"
    assert v5_events.envelope(event, "http://gateway")["omittedPath"] == "productOrderMilestone"


@given(
    items=st.integers(0, 900),
    size=st.sampled_from([0, 100, 5000]),
    texts=st.dictionaries(
        st.sampled_from(["description", "@type", "externalId", "x"]), st.sampled_from([1, 70_000, 10**6])
    ),
    touched=st.sets(st.integers(0, 900)),
)
def test_no_event_has_more_than_the_bound_of_its_order(
    items: int, size: int, texts: dict[str, int], touched: set[int]
) -> None:
    before = order(items, size)
    attributes = {name: "x" * length for name, length in texts.items()}
    (*_, event) = change(
        before, attributes={**attributes, "y": 1}, items={str(each): {"state": "completed"} for each in touched}
    )
    after = before | attributes | {"y": 1}

    assert len(to_json(event.document)) <= MAX_SNAPSHOT
    lacking = {name for name in after if name != ITEMS and name not in event.document}
    assert lacking <= set((event.omitted_path or "").split(","))
