"""The structure of an order, as the parts of its workflow ask: items, what is around them, and what runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from orders.lifecycle.states import OrderState
from workflows.runtime.context import OrderContext
from workflows.saga.saga_graph import SagaGraph


class Structure(Protocol):
    """How the keys of an order's saga graph belong to its items."""

    def item_of(self, key: str) -> str | None:
        """Return the order's item that a node or item of the graph belongs to."""

    def around(self, item: str) -> list[str]:
        """Return an item and the bundles around it."""

    def running(self) -> Iterable[str]:
        """Return the keys that have begun, and neither ended nor were withdrawn."""

    def state_when_not_held(self) -> OrderState:
        """Return the state of the order when nobody holds it."""


class PlainItems:
    """The structure of a service or resource order: each item is a node of its graph."""

    def __init__(self, context: OrderContext, _saga: SagaGraph) -> None:
        self._tracker = context.tracker

    def item_of(self, key: str) -> str | None:
        return key

    def around(self, item: str) -> list[str]:
        return [item]

    def running(self) -> Iterable[str]:
        return [item for item, state in self._tracker.items.items() if state == OrderState.IN_PROGRESS]

    def state_when_not_held(self) -> OrderState:
        return OrderState.IN_PROGRESS
