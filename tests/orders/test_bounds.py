"""What an order hands on to its plan is bounded, wherever it stands; what is only kept is not."""

from __future__ import annotations

from typing import Any

import pytest

from orders.intake import InvalidBodyError, check_order
from orders.lifecycle import ITEM_LISTS, OrderKind

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
    more = {"description": LARGE * 10, "note": [{"id": "1", "text": LARGE * 10}], "theirOwn": {"blob": LARGE * 10}}
    values = [{"name": f"n{n}", "value": "x" * 1000} for n in range(60)]
    sent = body(OrderKind.PRODUCT, {"productCharacteristic": values, "place": [{"id": "x" * 1000}]}, **more)
    assert check_order(OrderKind.PRODUCT, sent) == sent
