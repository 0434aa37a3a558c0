"""What an order asks of the way in which it is carried out means something, or the order is refused."""

from __future__ import annotations

from typing import Any

import pytest

from api.schemas.kinds import CREATES
from orders.intake import check_order
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from tmf.bodies import InvalidBodyError

KINDS = pytest.mark.parametrize("kind", list(OrderKind))


def order(kind: OrderKind, **more: Any) -> dict[str, Any]:
    return {ITEM_LISTS[kind]: [{"id": "1", "action": "add", "service": {}, "resource": {}}], **more}


def faults(kind: OrderKind, **more: Any) -> list[str]:
    told = []
    for form in (None, CREATES[kind]):
        with pytest.raises(InvalidBodyError) as refused:
            check_order(kind, order(kind, **more), form)
        told.append([str(fault) for fault in refused.value.faults])
    offline, online = told
    assert offline == online
    return online


@KINDS
@pytest.mark.parametrize("sent", ["true", "", 1, 0, [], {}, "yes"])
def test_all_or_nothing_is_true_or_false(kind: OrderKind, sent: Any) -> None:
    assert faults(kind, allOrNothing=sent) == ["allOrNothing: must be true or false, without quotes"]


@KINDS
@pytest.mark.parametrize("sent", [1, True, "", "asap", "aslateaspossible", ["asLateAsPossible"]])
def test_scheduling_is_a_word_that_there_is(kind: OrderKind, sent: Any) -> None:
    assert faults(kind, scheduling=sent) == [
        'scheduling: must be "asLateAsPossible", or left out for an order that starts as soon as it can'
    ]


@pytest.mark.parametrize("kind", [OrderKind.PRODUCT, OrderKind.SERVICE])
@pytest.mark.parametrize("sent", ["urgent", "-7", "5", "04", "", "4 ", "٣", 2, True, ["1"]])
def test_a_priority_is_a_digit_in_quotes(kind: OrderKind, sent: Any) -> None:
    assert faults(kind, priority=sent) == ['priority: must be a digit in quotes, from "0", the highest, to "4"']


@pytest.mark.parametrize("sent", ["urgent", "1", -1, 5, 1.5, True, [1]])
def test_the_priority_of_a_resource_order_is_a_number(sent: Any) -> None:
    assert faults(OrderKind.RESOURCE, priority=sent) == ["priority: must be a whole number, from 0, the highest, to 4"]


@KINDS
@pytest.mark.parametrize("name", ["allOrNothing", "scheduling", "priority"])
def test_nothing_may_be_asked_for(kind: OrderKind, name: str) -> None:
    body = order(kind, **{name: None})
    assert check_order(kind, body, CREATES[kind]) == body


@KINDS
def test_what_means_something_is_kept(kind: OrderKind) -> None:
    priority = 0 if kind == OrderKind.RESOURCE else "0"
    body = order(kind, allOrNothing=True, scheduling="asLateAsPossible", priority=priority)
    assert check_order(kind, body, CREATES[kind]) == body
