"""The form that an order must have, and what it starts as."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.intake import accept, check_order, derived_id, fingerprint, order_id_from
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.model.server_set import ITEMS_SERVER_SET, SERVER_SET
from tmf.bodies import InvalidBodyError


def _faults(body: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidBodyError) as refused:
        check_order(OrderKind.PRODUCT, body)
    return [(fault.path, fault.message) for fault in refused.value.faults]


def test_each_fault_is_told_once() -> None:
    body = {"productOrderItem": [{"id": "1", "action": "add"}, "x"], "requestedStartDate": "soon"}
    assert [path for path, _ in _faults(body)] == ["requestedStartDate", "productOrderItem[1]"]


def test_relations_and_ids_are_checked_beside_faults_of_type() -> None:
    relation = {"id": "9", "relationshipType": "reliesOn"}
    body = {
        "productOrderItem": [
            {"id": "1", "productOrderItemRelationship": [relation]},
            {"id": "2", "action": "add", "productOrderItem": [{"id": "1", "action": "add"}]},
        ]
    }
    assert _faults(body) == [
        ("productOrderItem[0].action", "is missing; there is id, productOrderItemRelationship"),
        ("productOrderItem[1].productOrderItem[0].id", '"1" is the id of productOrderItem[0] already'),
        ("productOrderItem[0].productOrderItemRelationship[0].id", 'the order has no item "9"'),
    ]


def test_items_may_relate_across_all_levels() -> None:
    outer = {"id": "2.1", "relationshipType": "reliesOn"}
    inner = {"id": "1", "relationshipType": "anything"}
    body = {
        "productOrderItem": [
            {"id": "1", "action": "add", "productOrderItemRelationship": [outer]},
            {
                "id": "2",
                "action": "add",
                "productOrderItem": [{"id": "2.1", "action": "add", "productOrderItemRelationship": [inner]}],
            },
        ]
    }
    assert check_order(OrderKind.PRODUCT, body) == body


@pytest.mark.parametrize("kind", list(OrderKind))
def test_what_only_the_orchestrator_sets_is_left_out_at_every_level(kind: OrderKind) -> None:
    items = ITEM_LISTS[kind]
    subject: dict[str, Any] = {"service": {}, "resource": {}}
    forged_item = dict.fromkeys(ITEMS_SERVER_SET[kind], "mine")
    inner = {"id": "2", "action": "add", **subject}
    outer = {"id": "1", "action": "add", **subject}
    body = {items: [{**outer, **forged_item, items: [{**inner, **forged_item}]}], **dict.fromkeys(SERVER_SET[kind], 7)}
    assert check_order(kind, body) == {items: [{**outer, items: [inner]}]}


def test_prices_are_the_catalogs() -> None:
    price = [{"priceType": "recurring", "price": {"dutyFreeAmount": {"unit": "EUR", "value": 0.01}}}]
    item = {"id": "1", "action": "add", "itemPrice": price, "itemTotalPrice": price, "quoteItem": {"id": "q"}}
    assert check_order(OrderKind.PRODUCT, {"orderTotalPrice": price, "productOrderItem": [item]}) == {
        "productOrderItem": [{"id": "1", "action": "add", "quoteItem": {"id": "q"}}]
    }


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (OrderKind.PRODUCT, "orderItem"),
        (OrderKind.PRODUCT, "serviceOrderItem"),
        (OrderKind.PRODUCT, "productOfferingQualificationItem"),
        (OrderKind.SERVICE, "orderItem"),
        (OrderKind.SERVICE, "productOrderItem"),
        (OrderKind.RESOURCE, "resourceOrderItem"),
        (OrderKind.RESOURCE, "productOrderItem"),
    ],
)
def test_items_under_the_name_of_another_api_are_named(kind: OrderKind, sent: str) -> None:
    with pytest.raises(InvalidBodyError) as refused:
        check_order(kind, {sent: [{"id": "1", "action": "add"}]})
    wanted = ITEM_LISTS[kind]
    assert [str(fault) for fault in refused.value.faults] == [
        f"{sent}: is not read here: name it {wanted}",
        f"{wanted}: is missing; there is {sent}",
    ]


def test_a_list_of_another_name_beside_the_items_is_kept() -> None:
    body = {"productOrderItem": [{"id": "1", "action": "add"}], "items": ["mine"]}
    assert check_order(OrderKind.PRODUCT, body) == body


@pytest.mark.parametrize("kind", list(OrderKind))
def test_drafts_are_not_taken(kind: OrderKind) -> None:
    body = {"state": "draft", ITEM_LISTS[kind]: [{"id": "1", "action": "add", "service": {}, "resource": {}}]}
    with pytest.raises(InvalidBodyError, match="state: drafts are not taken"):
        check_order(kind, body)


def test_a_long_list_of_faults_is_cut_in_words_and_kept_whole() -> None:
    with pytest.raises(InvalidBodyError) as refused:
        check_order(OrderKind.PRODUCT, {"productOrderItem": [{"id": str(n)} for n in range(150)]})
    assert len(refused.value.faults) == 150
    assert str(refused.value).endswith("; and 50 more")


def test_a_checked_body_is_left_as_it_was() -> None:
    body = {"id": "mine", "productOrderItem": [{"id": "1", "action": "add", "state": "held"}]}
    document = check_order(OrderKind.PRODUCT, body)
    accept(document, "abcdefghij", datetime(2026, 11, 23, tzinfo=UTC))
    assert body == {"id": "mine", "productOrderItem": [{"id": "1", "action": "add", "state": "held"}]}
    assert document == {"productOrderItem": [{"id": "1", "action": "add"}]}


def test_an_accepted_order_is_acknowledged_down_to_its_last_item() -> None:
    document = {"productOrderItem": [{"id": "1", "action": "add", "productOrderItem": [{"id": "2", "action": "add"}]}]}
    assert accept(document, "abcdefghij", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)) == {
        "id": "abcdefghij",
        "state": "acknowledged",
        "orderDate": "2026-11-23T09:30:00.000Z",
        "productOrderItem": [
            {
                "id": "1",
                "action": "add",
                "state": "acknowledged",
                "productOrderItem": [{"id": "2", "action": "add", "state": "acknowledged"}],
            }
        ],
    }


def test_derived_ids_are_the_same_each_time_and_apart_by_client_kind_and_key() -> None:
    ids = {
        derived_id(*parts)
        for parts in [("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c"), ("x", "b", "c"), ("ab", "", "c")]
    }
    assert len(ids) == 5
    assert derived_id("a", "b", "c") == derived_id("a", "b", "c")


@given(st.binary(min_size=7, max_size=32))
def test_order_ids_are_ten_characters_of_base32(entropy: bytes) -> None:
    made = order_id_from(entropy)
    assert len(made) == 10
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_a_fingerprint_is_of_what_is_said_not_of_how() -> None:
    assert fingerprint({"a": 1, "b": {"c": 1, "d": 2}}) == fingerprint({"b": {"d": 2, "c": 1}, "a": 1})
    assert fingerprint({"a": [1, 2]}) != fingerprint({"a": [2, 1]})
    assert fingerprint({"a": "1"}) != fingerprint({"a": 1})
