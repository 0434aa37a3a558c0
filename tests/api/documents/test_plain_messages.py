"""No message for a person is in the words of Python, whatever was sent."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.events.event_forms import check_event_query
from api.schemas.kinds import ANSWERS, CREATES
from catalogs.checks.characteristics import faults_of_value
from catalogs.model.entities import CharacteristicSpecification, CharacteristicValue, ValueType
from orders.events.hubs import HUBS
from orders.intake import check_order
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from tests.python_words import check_plain
from tests.thorough import examples
from tmf.bodies import InvalidBodyError, parse_json
from tmf.patches import apply_operations
from tmf.query.query import QueryError, parse_list_query

several = settings(max_examples=examples(100, 2000), deadline=None)

NAMES = st.sampled_from(
    [
        "id", "action", "state", "quantity", "priority", "externalId", "relatedParty", "requestedStartDate", "product",
        "productOrderItem", "productOrderItemRelationship", "productOffering", "productCharacteristic", "value", "name",
        "place", "note", "text", "date", "service", "resource", "isBundle", "billingAccount", "@type", "x",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from("xy1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)
SIGNS = st.sampled_from(["=", "!=", ">", ">=", "<", "<=", "*=", "==", ".regex=", ".lt=", ".like=", ";x="])
TEXTS = st.sampled_from(["", "x", "1", "true", "held", "2026-03-01", '"open', "(a", "a,b", "held;state=lost", "None"])
POINTERS = st.sampled_from(["", "/", "/id", "/x/0", "/x/-", "/x/9", "/none/a", "x", "/~2", "/id/a"]) | VALUES


def check_faults(error: InvalidBodyError) -> None:
    for fault in error.faults:
        check_plain(str(fault))


@pytest.mark.parametrize("kind", OrderKind)
@several
@given(st.data())
def test_of_a_body(kind: OrderKind, data: st.DataObject) -> None:
    body = data.draw(VALUES | st.dictionaries(NAMES | st.just(ITEM_LISTS[kind]), VALUES, max_size=5))
    items = data.draw(st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=2))
    for each in (body, {**body, ITEM_LISTS[kind]: items} if isinstance(body, dict) else items):
        try:
            check_order(kind, each, CREATES[kind])
        except InvalidBodyError as error:
            check_faults(error)


@several
@given(st.binary(max_size=20) | st.text(max_size=20).map(str.encode))
def test_of_bytes_that_are_no_json(raw: bytes) -> None:
    try:
        parse_json(raw)
    except InvalidBodyError as error:
        # What JSON's reader says of a place is its own.
        check_faults(error)


@several
@given(
    st.lists(
        st.fixed_dictionaries(
            {}, optional={"op": st.sampled_from(["add", "test", "move", "copy", "explode"]) | VALUES, "path": POINTERS,
                          "from": POINTERS, "value": VALUES}
        ) | VALUES,
        max_size=4,
    ) | VALUES
)  # fmt: skip
def test_of_operations(operations: Any) -> None:
    try:
        apply_operations({"id": "a", "x": [1, {"y": True}]}, operations, 10_000)
    except InvalidBodyError as error:
        check_faults(error)


@pytest.mark.parametrize("kind", OrderKind)
@several
@given(path=PATHS, sign=SIGNS, text=TEXTS)
def test_of_a_query(kind: OrderKind, path: str, sign: str, text: str) -> None:
    written = f"{path}{sign}".partition("=")
    try:
        parse_list_query([(written[0], f"{written[2]}{text}")], model=ANSWERS[kind])
    except QueryError as error:
        check_plain(error.message.replace(f'"{text}"', ""))
    with suppress(ValueError):
        try:
            check_event_query(HUBS[kind.value], f"event.{kind.value}.{path}{sign}{text}")
        except QueryError as error:
            check_plain(error.message.replace(f'"{text}"', ""))


@pytest.mark.parametrize("value_type", ValueType)
@several
@given(value=VALUES)
def test_of_a_characteristic(value_type: ValueType, value: Any) -> None:
    allowed = [CharacteristicValue(value=each) for each in (True, 1, "a", None)]
    rule = CharacteristicSpecification(name="colour", value_type=value_type, values=allowed, regex="[a-z]+")
    for _, message in faults_of_value(rule, value):
        check_plain(message)
