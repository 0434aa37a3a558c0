"""The life cycles, cell by cell: what the state diagrams of TMF622, TMF641 and TMF652 v4 say, and what is ours."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress

import pytest

from orders.lifecycle.states import (
    TERMINAL,
    TRANSITIONS,
    IllegalTransitionError,
    OrderKind,
    OrderState,
    item_transition,
    transition,
)

Step = Callable[[OrderKind, OrderState, OrderState], OrderState]

ALL_THREE = {
    "inProgress": "pending held assessingCancellation completed failed partial",
    "pending": "inProgress assessingCancellation cancelled",
    "held": "inProgress assessingCancellation cancelled",
    "pendingCancellation": "cancelled",
    "rejected": "",
    "cancelled": "",
    "completed": "",
    "failed": "",
    "partial": "",
}
DIAGRAMS = {
    "productOrder": {
        **ALL_THREE,
        "acknowledged": "inProgress pending",
        "assessingCancellation": "inProgress pending held pendingCancellation",
    },
    "serviceOrder": {
        **ALL_THREE,
        "acknowledged": "inProgress rejected assessingCancellation cancelled",
        "inProgress": f"{ALL_THREE['inProgress']} cancelled",
        "assessingCancellation": "acknowledged inProgress pending held pendingCancellation",
    },
    "resourceOrder": {
        **ALL_THREE,
        "acknowledged": "inProgress rejected assessingCancellation",
        "assessingCancellation": "acknowledged inProgress pending held pendingCancellation",
    },
}
OURS = {
    ("acknowledged", "rejected"): "found infeasible after it was acknowledged",
    ("acknowledged", "pending"): "waits for its start date",
    ("acknowledged", "assessingCancellation"): "cancelled before it began",
    ("acknowledged", "cancelled"): "cancelled before it began",
    ("assessingCancellation", "acknowledged"): "its cancellation is denied, and it is what it was",
}
ROWS = list(itertools.product(OrderKind, OrderState))


def drawn(kind: OrderKind, current: OrderState) -> set[str]:
    """The states that one row of the tables leads to."""
    return {*DIAGRAMS[kind][current].split(), *(target for state, target in OURS if state == current)}


def reached(step: Step, kind: OrderKind, current: OrderState) -> set[str]:
    """The states that the code lets an order or an item take next, tried one by one."""
    found = set()
    for target in OrderState:
        with suppress(IllegalTransitionError):
            found.add(step(kind, current, target).value)
    return found


def test_the_tables_name_every_kind_and_every_state() -> None:
    assert set(DIAGRAMS) == {kind.value for kind in OrderKind} == {kind.value for kind in TRANSITIONS}
    for kind in OrderKind:
        assert set(DIAGRAMS[kind]) == {state.value for state in OrderState}
        assert set(TRANSITIONS[kind]) == set(OrderState)


@pytest.mark.parametrize(("kind", "current"), ROWS)
def test_an_order_goes_where_its_life_cycle_leads_and_nowhere_else(kind: OrderKind, current: OrderState) -> None:
    assert reached(transition, kind, current) == {current.value} | drawn(kind, current)


@pytest.mark.parametrize(("kind", "current"), ROWS)
def test_an_item_goes_the_ways_of_its_order_and_those_out_of_what_is_done(kind: OrderKind, current: OrderState) -> None:
    expected = {current.value} | drawn(kind, current)
    if current in ("completed", "partial"):
        expected |= {"assessingCancellation", "failed", "inProgress"}
    if kind != "serviceOrder":
        expected -= {"partial"}
    assert reached(item_transition, kind, current) == expected


def test_nothing_leads_out_of_a_terminal_state() -> None:
    assert {state.value for state in TERMINAL} == {"rejected", "cancelled", "completed", "failed", "partial"}
    assert all(not TRANSITIONS[kind][state] for kind in OrderKind for state in TERMINAL)


@pytest.mark.parametrize("kind", OrderKind)
def test_every_state_that_is_not_terminal_leads_to_an_end(kind: OrderKind) -> None:
    def ends(state: OrderState, seen: frozenset[OrderState]) -> bool:
        return state in TERMINAL or any(ends(each, seen | {state}) for each in TRANSITIONS[kind][state] - seen)

    assert all(ends(state, frozenset()) for state in OrderState)


def test_an_illegal_step_says_from_where_to_where() -> None:
    with pytest.raises(IllegalTransitionError, match="a productOrder in state held cannot become failed") as caught:
        transition(OrderKind.PRODUCT, OrderState.HELD, OrderState.FAILED)
    assert (caught.value.kind, caught.value.current, caught.value.target) == ("productOrder", "held", "failed")


@pytest.mark.parametrize("kind", OrderKind)
def test_a_held_order_fails_only_by_way_of_in_progress(kind: OrderKind) -> None:
    assert "failed" not in reached(transition, kind, OrderState.HELD)
    assert "inProgress" in reached(transition, kind, OrderState.HELD)
    assert "failed" in reached(transition, kind, OrderState.IN_PROGRESS)
