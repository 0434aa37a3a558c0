"""Reasons of failures, shown on the order's document as soon as there are any: an undo may wait for people for long."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from orders.plan.outcome import Failure
from orders.plan.reasons import reasons_document
from workflows.failures import explain
from workflows.parts.children import Children
from workflows.parts.structure import Structure
from workflows.runtime.context import OrderContext
from workflows.saga.saga_graph import SagaGraph

_SHOWN_AT_ONCE = 100
"""Reasons that an order shows while it runs; where more fails, the rest is shown at its end."""


class Reasons:
    """The failures of an order's nodes, and of what is below them."""

    def __init__(self, context: OrderContext, structure: Structure, saga: SagaGraph, children: Children) -> None:
        self.shown: list[Failure] = []
        """Why something failed so far, here or below, as it is shown."""
        self._context = context
        self._structure = structure
        self._saga = saga
        self._children = children
        self._known = (0, 0)
        """How many failures there were here and below when their reasons were last shown."""

    def show(self) -> None:
        """Show on the order's document what has failed since."""
        below = self._children.failures()
        known = len(self._saga.failures), len(below)
        tracker = self._context.tracker
        if tracker.ended or known == self._known or len(self.shown) >= _SHOWN_AT_ONCE:
            return
        self._known = known
        items = [failure.model_copy(update={"step": self._structure.item_of(key)}) for key, failure in below]
        told = [each.reason() for each in [*self.of_nodes(), *items]]
        if news := [each for each in told if each not in self.shown]:
            self.shown = [*self.shown, *news]
            tracker.set(**self.document(self.shown))

    def of_nodes(self) -> list[Failure]:
        """Return why nodes of the graph failed so far, each under the item that it belongs to."""
        names = self._context.tracker.names
        return [
            failure.model_copy(
                update={"step": self._structure.item_of(key) or key, "at": failure.at or self._saga.failed_at[key]}
            )
            for key, error in self._saga.failures.items()
            for failure in explain(error, names.get(key, key)).each()
        ]

    def document(self, failures: list[Failure]) -> dict[str, Any]:
        """Return the attribute by which the order's document says why something of it failed, or that nothing has."""
        if not failures and not self.shown:
            return {}
        return reasons_document(self._context.kind, failures, self._context.tracker.items, workflow.now())
