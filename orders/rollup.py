"""How the states of parts make the state of the whole."""

from __future__ import annotations

from collections.abc import Collection

from orders.lifecycle import OrderState


def order_state(items: Collection[OrderState]) -> OrderState:
    """Return the terminal state of an order all of whose items have ended.

    All completed makes completed, none completed makes failed, some of each makes partial (TMF622 v4).
    """
    completed = sum(state == OrderState.COMPLETED for state in items)
    if completed == len(items):
        return OrderState.COMPLETED
    return OrderState.PARTIAL if completed else OrderState.FAILED


def item_state(*, nodes: int, started: int, done: int, withdrawn: int) -> OrderState:
    """Return the state of an item from how many of its plan's nodes have started, are done, or were withdrawn."""
    if withdrawn:
        return OrderState.FAILED
    if done == nodes:
        return OrderState.COMPLETED
    return OrderState.IN_PROGRESS if started else OrderState.ACKNOWLEDGED


def group_state(*, nodes: int, started: int, done: int, withdrawn: int) -> OrderState:
    """Return the state of an item that only groups others, from those nodes of the plan that are the others'."""
    if done + withdrawn < nodes:
        return OrderState.IN_PROGRESS if started else OrderState.ACKNOWLEDGED
    if done and withdrawn:
        return OrderState.PARTIAL
    return OrderState.FAILED if withdrawn else OrderState.COMPLETED
