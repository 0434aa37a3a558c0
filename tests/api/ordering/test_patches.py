"""What a PATCH makes of an order: merge patches, operations, and what cannot be patched."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.patches import amended, amendment
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from tmf.bodies import InvalidBodyError
from tmf.patches import MAX_OPERATIONS, apply_operations, merge_patch

LIMIT = 10_000

CURRENT: dict[str, Any] = {
    "id": "abc",
    "href": "http://gateway.test/abc",
    "state": "inProgress",
    "orderDate": "2026-11-23T09:00:00.000Z",
    "description": "Fibre",
    "externalId": "crm-1",
    "orderTotalPrice": [{"priceType": "recurring"}],
    "requestedStartDate": "2026-12-24T09:00:00.000Z",
    "x": {"y": [1, True]},
    "productOrderItem": [
        {
            "id": "1",
            "action": "add",
            "state": "inProgress",
            "itemPrice": [{"priceType": "recurring"}],
            "productOrderItem": [{"id": "1.tv", "action": "add", "state": "completed"}],
        }
    ],
}


@pytest.mark.parametrize(
    ("patch", "changes"),
    [
        ({}, {}),
        ({"description": "Fibre"}, {}),
        ({"externalId": "crm-1", "requestedStartDate": "2026-12-24t10:00:00+01:00"}, {}),
        ({"requestedStartDate": "2026-12-24t10:00:00z"}, {"requestedStartDate": "2026-12-24T10:00:00.000Z"}),
        ({"description": "New"}, {"description": "New"}),
        ({"description": None}, {"description": None}),
        ({"nothing": None}, {}),
        ({"x": {"y": None, "z": 1}}, {"x": {"z": 1}}),
        ({"x": {"y": [1, 1]}}, {"x": {"y": [1, 1]}}),
        ({"state": "inProgress", "id": "abc"}, {}),
        ({"productOrderItem": CURRENT["productOrderItem"]}, {}),
        (
            {"productOrderItem": [{"id": "2", "action": "add"}]},
            {"productOrderItem": [{"id": "2", "action": "add"}]},
        ),
    ],
)
def test_a_merge_patch_comes_down_to_what_it_changes(patch: Any, changes: Any) -> None:
    assert amendment(CURRENT, merge_patch(CURRENT, patch)) == changes


def test_operations_come_down_to_what_they_change() -> None:
    operations = [
        {"op": "test", "path": "/state", "value": "inProgress"},
        {"op": "add", "path": "/productOrderItem/0/quantity", "value": 2},
        {"op": "remove", "path": "/description"},
        {"op": "copy", "from": "/x/y/0", "path": "/priority2"},
        {"op": "move", "from": "/x", "path": "/z"},
    ]
    before = deepcopy(CURRENT)
    changes = amendment(CURRENT, apply_operations(CURRENT, operations, LIMIT))
    assert before == CURRENT
    assert changes == {
        "description": None,
        "x": None,
        "z": {"y": [1, True]},
        "priority2": 1,
        "productOrderItem": [
            {"id": "1", "action": "add", "quantity": 2, "productOrderItem": [{"id": "1.tv", "action": "add"}]}
        ],
    }
    assert amended(CURRENT, changes).keys() == CURRENT.keys() - {"description", "x"} | {"z", "priority2"}


@pytest.mark.parametrize(
    ("patch", "named"),
    [
        ({"id": "other"}, "id: "),
        ({"id": None}, "id: "),
        ({"href": "http://elsewhere"}, "href: "),
        ({"state": "completed"}, "state: "),
        ({"orderDate": None}, "orderDate: "),
        ({"completionDate": "2026-11-24T09:00:00.000Z"}, "completionDate: "),
        ({"expectedCompletionDate": "2026-11-24T09:00:00.000Z"}, "expectedCompletionDate: "),
        ({"cancellationDate": "2026-11-24T09:00:00.000Z"}, "cancellationDate: "),
        ({"residue": []}, "residue: "),
        ({"productOrderItem": []}, "productOrderItem: "),
        ({"productOrderItem": None}, "productOrderItem: "),
        ({"productOrderItem": [{"id": "1"}]}, "productOrderItem[0].action: "),
        ({"requestedStartDate": "soon"}, "requestedStartDate: "),
        ({"requestedStartDate": "20261224"}, "requestedStartDate: «20261224» is no date and time"),
        ({"priority": 1}, "priority: "),
        ({"priority": "urgent"}, 'priority: must be a digit in quotes, from "0", the highest, to "4"'),
        ({"allOrNothing": "true"}, "allOrNothing: must be true or false, without quotes"),
        ({"scheduling": 1}, 'scheduling: must be "asLateAsPossible", or left out'),
        ({"cancellationReason": "none"}, "cancellationReason: is set by the orchestrator"),
        ({"orderTotalPrice": []}, "orderTotalPrice: is set by the orchestrator"),
        ({"externalId": "other"}, "externalId: names the order to whoever sent it"),
        ({"externalId": None}, "externalId: names the order to whoever sent it"),
        ({"orderItem": [{"id": "1", "action": "add"}]}, "orderItem: is not read here"),
    ],
)
def test_what_cannot_be_patched_is_named(patch: Any, named: str) -> None:
    with pytest.raises(InvalidBodyError) as refused:
        amendment(CURRENT, merge_patch(CURRENT, patch))
    assert named in str(refused.value)


@pytest.mark.parametrize("operation", [{"op": "replace", "value": "other"}, {"op": "remove"}])
def test_operations_cannot_change_the_key_of_an_order(operation: dict[str, Any]) -> None:
    patched = apply_operations(CURRENT, [{**operation, "path": "/externalId"}], LIMIT)
    with pytest.raises(InvalidBodyError, match="externalId: names the order"):
        amendment(CURRENT, patched)


@pytest.mark.parametrize("kind", list(OrderKind))
@pytest.mark.parametrize("key", ["other", None])
def test_the_key_of_an_order_of_any_kind_stays(kind: OrderKind, key: str | None) -> None:
    items = [{"id": "1", "action": "add", "service": {}, "resource": {}}]
    current = {"id": "abc", "state": "inProgress", "externalId": "crm-1", ITEM_LISTS[kind]: items}
    with pytest.raises(InvalidBodyError, match="externalId: names the order"):
        amendment(current, merge_patch(current, {"externalId": key}), kind)


def test_an_order_without_a_key_is_not_given_one() -> None:
    current = {name: value for name, value in CURRENT.items() if name != "externalId"}
    with pytest.raises(InvalidBodyError, match="externalId: names the order"):
        amendment(current, merge_patch(current, {"externalId": "new"}))


@pytest.mark.parametrize(
    "stored", ["2026-12-24T10:00:00+01:00", "2026-12-24t09:00:00z", "2026-12-24T09:00:00", "20261224"]
)
def test_a_date_that_was_kept_as_it_was_sent_is_changed_by_no_other_patch(stored: str) -> None:
    current = {**CURRENT, "requestedStartDate": stored}
    patch = {"description": "New", "requestedStartDate": "2026-12-24T09:00:00Z"}
    changed = amendment(current, merge_patch(current, patch))
    assert changed.keys() == {"description"} | ({"requestedStartDate"} if stored == "20261224" else set())


def test_the_states_that_items_had_when_they_were_read_change_nothing() -> None:
    parts = [{"id": "1.tv", "action": "add", "state": "inProgress"}]
    stale = [{"id": "1", "action": "add", "state": "acknowledged", "productOrderItem": parts}]
    assert amendment(CURRENT, merge_patch(CURRENT, {"productOrderItem": stale})) == {}


@pytest.mark.parametrize(
    ("operations", "named"),
    [
        ({}, "must be a list of operations, not {}"),
        ([1], '[0]: an operation must be an object such as {"op": "remove", "path": "/note"}, not 1'),
        ([[]], "[0]: an operation must be an object"),
        ([{}], '[0]: op is missing: "add", "remove"'),
        ([{"op": "explode", "path": "/state"}], '[0]: explode /state: op must be "add", "remove", "replace", "move", '),
        ([{"op": None, "path": "/state"}], 'or "test", not null'),
        ([{"op": ["add"], "path": "/state"}], 'not ["add"]'),
        ([{"op": "add", "path": "/x"}], "[0]: add /x: value is missing"),
        ([{"op": "add", "value": 1}], "[0]: add: path is missing"),
        ([{"op": "copy", "path": "/x"}], "[0]: copy /x: from is missing"),
        ([{"op": "add", "path": "state", "value": 1}], '[0]: add state: path must be a text such as "/product'),
        ([{"op": "add", "path": "/a~2", "value": 1}], 'not "/a~2"'),
        ([{"op": "add", "path": 5, "value": 1}], "[0]: add: path must be a text"),
        (
            [{"op": "add", "path": "/x", "value": 1}, {"op": "remove", "path": "/none"}],
            '[1]: remove /none: the document has no attribute "none"',
        ),
        ([{"op": "remove", "path": ""}], "the whole document cannot be removed"),
        ([{"op": "replace", "path": "/x/z", "value": 1}], '[0]: replace /x/z: /x has no attribute "z"'),
        ([{"op": "add", "path": "/x/y/z", "value": 1}], '/x/y is a list: "z" is no place in it'),
        ([{"op": "add", "path": "/x/y/3", "value": 1}], "/x/y has 2 entries, and none at 3"),
        ([{"op": "replace", "path": "/x/y/2", "value": 1}], "/x/y has 2 entries, and none at 2"),
        ([{"op": "add", "path": "/state/deep", "value": 1}], '/state is "inProgress", which has no parts'),
        ([{"op": "add", "path": "/x/y/1/z", "value": 1}], "/x/y/1 is true, which has no parts"),
        ([{"op": "copy", "from": "/none", "path": "/x"}], "[0]: copy /none /x: the document has no attribute"),
        ([{"op": "copy", "from": "/x/y/-", "path": "/z"}], '"-" is no place in it'),
        ([{"op": "move", "from": "/x", "path": "/x/y/0"}], "nothing can be moved into itself"),
        ([{"op": "test", "path": "/state", "value": "held"}], '[0]: test /state: is "inProgress", and not "held"'),
        ([{"op": "test", "path": "/x/y/1", "value": 1}], "[0]: test /x/y/1: is true, and not 1"),
        ([{"op": "test", "path": "/none", "value": None}], 'the document has no attribute "none"'),
        ([{"op": "test", "path": "", "value": {}}], '[0]: test: is {"id": "abc", "href"'),
        ([{"op": "test", "path": "", "value": 1}] * (MAX_OPERATIONS + 1), f"{MAX_OPERATIONS} operations"),
    ],
)
def test_operations_that_cannot_be_done_are_named(operations: Any, named: str) -> None:
    with pytest.raises(InvalidBodyError) as refused:
        apply_operations(CURRENT, operations, LIMIT)
    assert named in str(refused.value)


def test_copies_of_copies_end_at_the_limit() -> None:
    operations = [{"op": "add", "path": "/a", "value": ["x" * 100]}]
    operations += [{"op": "copy", "from": "/a", "path": "/a/-"}] * 60
    with pytest.raises(InvalidBodyError, match="copies more than an order may have"):
        apply_operations(CURRENT, operations, LIMIT)


def test_copies_cannot_nest_an_order_too_deeply() -> None:
    operations: list[Any] = [{"op": "add", "path": "/a", "value": {}}]
    operations += [{"op": "copy", "from": "/a", "path": "/a" + "/b" * depth} for depth in range(1, 120)]
    with pytest.raises(InvalidBodyError, match="deep"):
        amendment(CURRENT, apply_operations(CURRENT, operations, 10_000_000))


def test_operations_that_make_the_order_no_object_are_refused() -> None:
    with pytest.raises(InvalidBodyError, match="must be a JSON object"):
        amendment(CURRENT, apply_operations(CURRENT, [{"op": "replace", "path": "", "value": []}], LIMIT))


_PATHS = st.sampled_from(
    ["", "/", "/id", "/x", "/x/y", "/x/y/0", "/x/y/-", "/x/y/9", "/none/a", "x", "/~2", "/state/a"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
_OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", 1]), "path": _PATHS | _VALUES},
    optional={"from": _PATHS | _VALUES, "value": _VALUES},
)


@given(st.lists(_OPERATIONS | _VALUES, max_size=5))
def test_any_operations_are_done_or_named(operations: list[Any]) -> None:
    before = deepcopy(CURRENT)
    changes: dict[str, Any] = {}
    with suppress(InvalidBodyError):
        changes = amendment(CURRENT, apply_operations(CURRENT, operations, LIMIT))
    assert not changes.keys() & {"id", "href", "state", "orderDate"}
    assert before == CURRENT


@given(_VALUES)
def test_any_merge_patch_is_done_or_named(patch: Any) -> None:
    changes: dict[str, Any] = {}
    with suppress(InvalidBodyError):
        changes = amendment(CURRENT, merge_patch(CURRENT, patch))
    after = amended(CURRENT, changes)
    assert amendment(after, after) == {}
