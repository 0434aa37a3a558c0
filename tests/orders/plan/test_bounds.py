"""What an order hands on to its plan is bounded, wherever it stands; what is only kept is not."""

from __future__ import annotations

from typing import Any

import pytest

from orders.bounds import OrderLimits
from orders.intake import check_order
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from tmf.bodies import InvalidBodyError

LONG, LARGE = "x" * 1001, "x" * 65_536


def body(kind: OrderKind, subject: dict[str, Any], **more: Any) -> dict[str, Any]:
    name = kind.value.removesuffix("Order")
    about = {"productOffering": {"id": "a"}} if kind == OrderKind.PRODUCT else {}
    return {ITEM_LISTS[kind]: [{"id": "1", "action": "add", **about, name: subject}], **more}


@pytest.mark.parametrize("kind", OrderKind)
@pytest.mark.parametrize(
    ("subject", "part", "told"),
    [
        ({"place": [{"id": LONG, "role": "installation"}]}, "place[0].id", "has 1001 characters; at most 1000"),
        ({"C": [{"name": "a", "value": LARGE}]}, "C", "takes 65561 bytes of JSON; at most 65536"),
        ({"C": [{"name": LARGE, "value": {"a": []}}]}, "C", "bytes of JSON; at most 65536"),
    ],
    ids=["a place", "a value", "a name"],
)
def test_what_is_too_large_for_a_plan_is_refused_with_its_path_and_its_bound(
    kind: OrderKind, subject: dict[str, Any], part: str, told: str
) -> None:
    name = kind.value.removesuffix("Order")
    characteristic = f"{name}Characteristic"
    sent = {attribute.replace("C", characteristic): value for attribute, value in subject.items()}
    with pytest.raises(InvalidBodyError) as refused:
        check_order(kind, body(kind, sent))
    message = str(refused.value)
    assert f"{ITEM_LISTS[kind]}[0].{name}.{part.replace('C', characteristic)}: " in message
    assert told in message
    assert len(message) < 2000


@pytest.mark.parametrize(
    "more", [{"billingAccount": {"id": LONG}}, {"relatedParty": [{"id": LONG, "role": "customer"}]}]
)
def test_so_is_an_id_anywhere_else(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidBodyError, match=r"id: has 1001 characters; at most 1000"):
        check_order(OrderKind.PRODUCT, body(OrderKind.PRODUCT, {}, **more))


def test_what_is_only_kept_may_be_as_large_as_a_request() -> None:
    text = "x" * 10_000
    more = {"note": [{"id": str(n), "text": text} for n in range(300)], "theirOwn": {"list": [text] * 50}}
    values = [{"name": f"n{n}", "value": "x" * 1000} for n in range(60)]
    sent = body(OrderKind.PRODUCT, {"productCharacteristic": values, "place": [{"id": "x" * 1000}]}, **more)
    assert check_order(OrderKind.PRODUCT, sent) == sent


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"description": "x" * 10_001}, "description"),
        ({"note": [{"id": "1", "text": "x" * 10_001}]}, "note[0].text"),
        ({"theirOwn": {"list": ["", "x" * 10_001]}}, "theirOwn.list[1]"),
        ({"relatedParty": [{"id": "1", "role": "customer", "name": "x" * 10_001}]}, "relatedParty[0].name"),
    ],
)
def test_a_text_has_a_bound_wherever_it_is(more: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidBodyError) as refused:
        check_order(OrderKind.PRODUCT, body(OrderKind.PRODUCT, {}, **more))
    assert str(refused.value) == f"{path}: has 10001 characters; at most 10000"


def test_the_texts_of_characteristics_have_that_of_all_of_them() -> None:
    value = {"name": "configuration", "value": {"lines": ["x" * 30_000]}, "note": "x" * 20_000}
    sent = body(OrderKind.PRODUCT, {"productCharacteristic": [value]})
    assert check_order(OrderKind.PRODUCT, sent) == sent


def nested(kind: OrderKind, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"productOffering": {"id": "a"}} if kind == OrderKind.PRODUCT else {kind.value.removesuffix("Order"): {}}
    return {"action": "add", **about, **({ITEM_LISTS[kind]: list(parts)} if parts else {}), **more}


@pytest.mark.parametrize("kind", OrderKind)
def test_an_order_has_so_many_items_and_no_more(kind: OrderKind) -> None:
    items = [nested(kind, id=str(number)) for number in range(7)]
    limits = OrderLimits(items=7)
    assert check_order(kind, {ITEM_LISTS[kind]: items}, limits=limits)
    with pytest.raises(InvalidBodyError, match=f"^{ITEM_LISTS[kind]}: has 8 items, nested ones counted; at most 7: "):
        check_order(kind, {ITEM_LISTS[kind]: [*items, nested(kind, id="7")]}, limits=limits)


@pytest.mark.parametrize("kind", [OrderKind.PRODUCT, OrderKind.SERVICE])
def test_nested_items_are_counted_and_so_are_their_levels(kind: OrderKind) -> None:
    whole = {ITEM_LISTS[kind]: [nested(kind, nested(kind, nested(kind, id="3"), id="2"), id="1")]}
    assert check_order(kind, whole, limits=OrderLimits(items=3, depth=3))
    with pytest.raises(InvalidBodyError, match="has 3 items, nested ones counted; at most 2"):
        check_order(kind, whole, limits=OrderLimits(items=2))
    with pytest.raises(InvalidBodyError, match=r"^\w+\[0\]\.\w+\[0\]\.\w+: is nested 3 levels deep; at most 2$"):
        check_order(kind, whole, limits=OrderLimits(depth=2))


def test_quantities_are_bounded_for_each_item_and_for_all_together() -> None:
    def ordered(*quantities: Any) -> dict[str, Any]:
        items = [nested(OrderKind.PRODUCT, id=str(n), quantity=each) for n, each in enumerate(quantities)]
        return {"productOrderItem": items}

    limits = OrderLimits(quantity=10, instances=25)
    assert check_order(OrderKind.PRODUCT, ordered(10, 10, None, 4), limits=limits)
    with pytest.raises(
        InvalidBodyError, match=r"^productOrderItem\[1\]\.quantity: is 11; at most 10 of one product in "
    ):
        check_order(OrderKind.PRODUCT, ordered(1, 11), limits=limits)
    with pytest.raises(InvalidBodyError, match=r"^productOrderItem: orders 26 products by the quantities of its items"):
        check_order(OrderKind.PRODUCT, ordered(10, 10, 6), limits=limits)


def test_item_ids_that_no_plan_could_carry_are_refused() -> None:
    items = [nested(OrderKind.PRODUCT, id=f"{number}".ljust(100, "😀")) for number in range(2000)]
    with pytest.raises(InvalidBodyError, match=r"has item ids of \d+ bytes of JSON; at most 524288 together"):
        check_order(OrderKind.PRODUCT, {"productOrderItem": items})


def test_of_what_is_too_large_nothing_else_is_looked_at() -> None:
    with pytest.raises(InvalidBodyError) as refused:
        check_order(OrderKind.PRODUCT, {"productOrderItem": [1, 2, {"action": "no such"}]}, limits=OrderLimits(items=2))
    assert len(refused.value.faults) == 1
