"""The rollup of states: how those of the parts make that of the whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orders.lifecycle.states import OrderState


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


@dataclass
class _Counts:
    """How many nodes count for an item, and how far they are."""

    nodes: int
    started: int = 0
    done: int = 0
    withdrawn: int = 0


class RollUp:
    """The states of an order's items, kept up to date as their nodes go on, at the cost of the nodes that do."""

    def __init__(self, items: Mapping[str, Collection[str]], groups: Mapping[str, Collection[str]]) -> None:
        """Take a plan none of whose nodes has begun.

        Args:
            items: item → the keys of its nodes.
            groups: item that only groups others → the keys of their nodes.
        """
        self._groups = groups
        self._counts = {item: _Counts(nodes=len(keys)) for item, keys in {**items, **groups}.items()}
        self._items_of: dict[str, list[str]] = {}
        for item, keys in {**items, **groups}.items():
            for key in keys:
                self._items_of.setdefault(key, []).append(item)
        self._progress: dict[str, tuple[bool, bool, bool]] = {}

    def update(self, key: str, *, started: bool, done: bool, withdrawn: bool) -> list[str]:
        """Take how far a node is now; return the items that it counts for."""
        before, now = self._progress.get(key, (False, False, False)), (started, done, withdrawn)
        self._progress[key] = now
        items = self._items_of.get(key, [])
        for counts in (self._counts[item] for item in items):
            counts.started += now[0] - before[0]
            counts.done += now[1] - before[1]
            counts.withdrawn += now[2] - before[2]
        return items

    def state(self, item: str) -> OrderState:
        """Return the state that an item's nodes make."""
        counts = self._counts.get(item, _Counts(nodes=0))
        make = group_state if item in self._groups else item_state
        return make(nodes=counts.nodes, started=counts.started, done=counts.done, withdrawn=counts.withdrawn)
