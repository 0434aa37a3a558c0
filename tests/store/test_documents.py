"""What the store reads from and writes into documents."""

from __future__ import annotations

import copy
import json

import pytest

from orders.lifecycle.change import OrderUpdate
from orders.lifecycle.states import OrderKind, OrderState
from store.documents import (
    WrittenJson,
    apply_change,
    apply_entries,
    as_key,
    changed_columns,
    changes_references,
    indexed_columns,
    read_json,
    references,
    storable,
    unstorable_paths,
    write_json,
)
from tests.store.samples import change, entries, product_order
from tmf.query.values import as_instant


def test_change_sets_state_and_attributes_and_leaves_the_rest() -> None:
    before = product_order("o1", description="two lines", note=[{"text": "mind the dog"}])
    after = apply_change(
        before, change("o1", 1, attributes={"expectedCompletionDate": "2026-03-02T00:00:00.000Z", "description": "one"})
    )
    assert after == before | {
        "state": "inProgress",
        "expectedCompletionDate": "2026-03-02T00:00:00.000Z",
        "description": "one",
    }


def test_change_leaves_the_document_it_was_made_from_as_it_was() -> None:
    before = product_order("o1")
    kept = copy.deepcopy(before)
    apply_change(before, change("o1", 1, items={"1.1": {"state": "held"}, "3": {"action": "add"}}))
    assert before == kept


def test_entries_are_added_at_the_end_of_a_list_and_make_one_where_there_is_none() -> None:
    before = product_order("o1", note=[{"text": "mind the dog"}], milestone="none of ours")
    entries = {"note": [{"text": "and the cat"}], "milestone": [{"name": "\0"}], "jeopardyAlert": [{"id": "1"}]}
    after = apply_change(before, change("o1", 1).model_copy(update={"appended": entries}))
    assert after["note"] == [{"text": "mind the dog"}, {"text": "and the cat"}]
    assert after["milestone"] == [{"name": "\ufffd"}]
    assert after["jeopardyAlert"] == [{"id": "1"}]
    assert before["note"] == [{"text": "mind the dog"}]


def test_only_entries_that_a_list_has_not_yet_are_added_to_it() -> None:
    before = product_order("o1", note=["none of ours", {"id": "1", "text": "a"}], milestone="none of ours")
    told = entries("o1", note=[{"id": "1", "text": "b"}, {"id": "2"}], milestone=[{"id": "1", "name": "\0"}])
    after = apply_entries(before, told)
    assert after["note"] == ["none of ours", {"id": "1", "text": "a"}, {"id": "2"}]
    assert after["milestone"] == [{"id": "1", "name": "\ufffd"}]
    assert apply_entries(after, told) is after
    assert before["note"] == ["none of ours", {"id": "1", "text": "a"}]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (change("o1", 1, attributes={"description": "x"}, items={"2": {"state": "held"}}), False),
        (change("o1", 1, attributes={"relatedParty": []}), True),
        (change("o1", 1, attributes={"productOrderItem": []}), True),
        (change("o1", 1, items={"1.1": {"state": "held", "product": {"id": "p"}}}), True),
        (entries("o1", note=[{"id": "1"}]), False),
        (entries("o1", orderRelationship=[{"id": "1"}]), True),
    ],
)
def test_what_an_order_refers_to_is_looked_at_only_where_a_change_may_have_touched_it(
    told: OrderUpdate, expected: bool
) -> None:
    assert changes_references(told) is expected


def test_columns_that_a_change_gave_other_values_are_told() -> None:
    before = product_order("o1", category="fibre", priority="1")
    after = {
        **before,
        "orderDate": "2027-01-01T00:00:00.000Z",
        "state": "held",
        "completionDate": "2026-03-02T10:00:00Z",
    }
    del after["category"]
    written = {"state": "held", "category": None, "completion_date": "2026-03-02T10:00:00.000Z"}
    assert changed_columns(before, after) == written
    assert changed_columns(after, after) == {}


def test_json_is_read_as_it_was_written_however_deep_it_nests() -> None:
    value: object = {"text": 'é\u0007"', "numbers": [1, 2.5, 10**30, True, None]}
    for _ in range(220):
        value = {"in": value}
    assert read_json(write_json(value)) == value
    assert write_json(WrittenJson("[1]")) == "[1]"
    assert read_json(write_json([float("nan"), float("inf")])) == ["NaN", "Infinity"]


def test_none_removes_an_attribute_of_order_and_item() -> None:
    before = product_order("o1", description="two lines", category=None)
    after = apply_change(before, change("o1", 1, attributes={"description": None}, items={"2": {"action": None}}))
    assert "description" not in after
    assert after["category"] is None
    assert after["productOrderItem"][1] == {"id": "2", "state": "acknowledged"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (OrderKind.PRODUCT, "productOrderItem"),
        (OrderKind.SERVICE, "serviceOrderItem"),
        (OrderKind.RESOURCE, "orderItem"),
    ],
)
def test_items_are_found_at_any_depth_under_the_name_that_the_kind_has_for_them(kind: OrderKind, name: str) -> None:
    before = {"id": "o1", name: [{"id": "1", name: [{"id": "1.1", name: [{"id": "1.1.1"}]}]}, {"id": "2"}]}
    items = {"1.1.1": {"state": "failed"}, "2": {"state": "completed"}}
    after = apply_change(before, change("o1", 1, items=items, kind=kind))
    assert after[name] == [
        {"id": "1", name: [{"id": "1.1", name: [{"id": "1.1.1", "state": "failed"}]}]},
        {"id": "2", "state": "completed"},
    ]


def test_item_that_the_document_lacks_is_added_behind_the_others() -> None:
    after = apply_change(product_order("o1"), change("o1", 1, items={"9": {"action": "delete", "state": "pending"}}))
    assert [item["id"] for item in after["productOrderItem"]] == ["1", "2", "9"]
    assert after["productOrderItem"][2] == {"id": "9", "action": "delete", "state": "pending"}


def test_change_never_renames_an_order_and_its_own_state_wins() -> None:
    after = apply_change(
        product_order("o1"), change("o1", 1, OrderState.HELD, attributes={"id": "o2", "state": "completed"})
    )
    assert (after["id"], after["state"]) == ("o1", "held")


def test_columns_hold_dates_as_utc_and_priority_as_text() -> None:
    columns = indexed_columns({"state": "held", "priority": 1, "orderDate": "2026-03-01T12:00:00+02:00"})
    assert columns == {
        "state": "held",
        "external_id": None,
        "category": None,
        "priority": "1",
        "order_date": "2026-03-01T10:00:00.000Z",
        "requested_start_date": None,
        "requested_completion_date": None,
        "expected_completion_date": None,
        "completion_date": None,
    }


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:00.123456Z", "2026-03-01T10:00:00.123Z"),
        ("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T12:00:00+0200", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T12:00+02:00", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:00.000Z"),
        ("0001-01-01T00:00:00+02:00", None),
        ("2026-13-01T10:00:00Z", None),
        ("2026-02-29T10:00:00Z", None),
        ("2026-03-01T24:00:00Z", None),
        ("2026-03-01T10:00:00+19:00", None),
        ("2026-03-01T12:00:00 02:00", None),
        ("2026-03-01", "2026-03-01T00:00:00.000Z"),
        ("20260301", None),
        ("0000-01-01", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("today", None),
    ],
)
def test_times_are_compared_as_instants(text: str, instant: str | None) -> None:
    assert as_instant(text) == instant


def test_references_are_found_wherever_they_are_and_pass_over_what_is_none() -> None:
    parties = [{"id": "a"}, {"id": 7}, {"role": "Customer"}, "b", {"id": {"id": "c"}}]
    items = [{"product": {"id": "p"}, "productOffering": {"id": "o"}}, {"product": {"id": "p"}}, {"product": "q"}]
    assert references({"relatedParty": parties, "productOrderItem": items, "orderRelationship": {"id": "r"}}) == {
        ("relatedParty", "a"),
        ("relatedParty", "7"),
        ("product", "p"),
        ("productOffering", "o"),
        ("orderRelationship", "r"),
    }
    assert references({"relatedParty": "nobody"}) == set()


def test_a_key_is_the_text_itself_unless_no_index_could_hold_it() -> None:
    assert as_key("é" * 500) == "é" * 500
    long = as_key("x" * 1001)
    assert long.startswith("x" * 100 + "#")
    assert len(long) == 165
    assert as_key("x" * 1002) != long


def test_unstorable_values_are_named_by_path_and_replaceable() -> None:
    document = json.loads(
        '{"note": [{"text": "a\\u0000b"}, {"text": "\\ud800"}], "k\\u0000": 1, "n": NaN, "ok": "é😀"}'
    )
    assert list(unstorable_paths(document)) == ["note[0].text", "note[1].text", "the document", "n"]
    assert storable(document) == {
        "note": [{"text": "a\ufffdb"}, {"text": "\ufffd"}],
        "k\ufffd": 1,
        "n": "nan",
        "ok": "é😀",
    }
