"""Which words of a system end what it was asked to do: the target alone, whatever comes before and behind it."""

from __future__ import annotations

from itertools import permutations

import pytest

from activities.activation import Operation
from workflows.contracts.payloads import SystemEvent
from workflows.parts.callbacks import Callbacks

KEY = "po:x:so:1:tv/service/activate/add/1"
FAILED = SystemEvent(correlation_id=KEY, succeeded=False, state="inactive", message="noSignal: dark")


def said(state: str | None) -> SystemEvent:
    return SystemEvent(correlation_id=KEY, succeeded=True, state=state)


def after(*events: SystemEvent) -> Callbacks:
    callbacks = Callbacks()
    for event in events:
        callbacks.take(event)
    return callbacks


@pytest.mark.parametrize(
    ("operation", "target"),
    [(Operation.ACTIVATE, "active"), (Operation.MODIFY, "active"), (Operation.DEACTIVATE, "terminated")],
)
def test_only_the_target_ends_a_request_in_whatever_order_it_comes(operation: Operation, target: str) -> None:
    states = ["feasibilityChecked", "designed", "reserved", "inactive", "active", "terminated"]
    others = [said(state) for state in states if state != target]
    assert after(*others).end(KEY, operation) is None
    for order in permutations([*others[-3:], said(target), said(target)]):
        assert after(*order).end(KEY, operation) == said(target)


def test_what_is_torn_down_may_have_no_state_any_more() -> None:
    assert after(said("")).end(KEY, Operation.DEACTIVATE) == said("")
    assert after(said("")).end(KEY, Operation.ACTIVATE) is None


@pytest.mark.parametrize("operation", list(Operation))
def test_a_failure_ends_a_request_after_states_on_the_way(operation: Operation) -> None:
    assert after(said("designed"), said("inactive"), FAILED, said("reserved")).end(KEY, operation) == FAILED


def test_of_two_ends_the_first_counts() -> None:
    assert after(said("active"), FAILED).end(KEY, Operation.ACTIVATE) == said("active")
    assert after(FAILED, said("active")).end(KEY, Operation.ACTIVATE) == FAILED


def test_what_a_gateway_of_an_earlier_release_tells_without_a_state_is_the_end() -> None:
    assert after(said(None)).end(KEY, Operation.ACTIVATE) == said(None)


def test_events_of_other_requests_end_nothing() -> None:
    assert after(said("active")).end(f"{KEY}/2", Operation.ACTIVATE) is None
