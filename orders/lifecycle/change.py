"""Changes of orders, as workflows tell them to the order store."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from orders.lifecycle.states import TERMINAL, TRANSITIONS, OrderKind, OrderState
from tmf.model import Model


class OrderChange(Model):
    """A new state of an order, with what else changed in its document; told by the order's own workflow.

    `version` rises with each change of one order, so that a late or repeated write never takes a state back.
    """

    kind: OrderKind
    order_id: str
    version: int
    state: OrderState
    revision: int | None = None
    """The revision that the order is at from now on; None leaves it as it is."""
    attributes: dict[str, Any] = Field(default_factory=dict)
    """Top-level attributes of the document to set, in their JSON names."""
    items: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Item id → attributes of that item to set, `state` among them."""
    appended: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """Top-level lists of the document (`note`, `milestone`, `jeopardyAlert`) → entries to add at their end."""
    passed: list[OrderState] = Field(default_factory=list)
    """The states that the order was in on its way here, since the change before."""
    again: bool = False
    """Whether some of it was told before under a version that was taken, by a workflow task that was lost."""

    def from_state(self, known: str) -> OrderChange:
        """Return the change for an order of which states are known that this one repeats, by steps of its life cycle.

        What is not ahead of the known state leaves that as it is; an end is always reached.
        """
        legal, current, passed = TRANSITIONS[self.kind], OrderState(known), list[OrderState]()
        for state in (*self.passed, self.state):
            if state in legal[current]:
                current = state
                passed.append(state)
        if self.state in TERMINAL and current != self.state:
            if OrderState.IN_PROGRESS in legal[current]:
                passed.append(OrderState.IN_PROGRESS)
            current = self.state
            passed.append(current)
        return self.model_copy(update={"state": current, "passed": passed[:-1]})


class OrderEntries(Model):
    """Entries for lists of an order that another workflow tells of: a milestone that a child reached, say.

    They have no version, and leave the order's state as it is. An entry whose `id` its list has already is not added
    again, however late and often it is told.
    """

    kind: OrderKind
    order_id: str
    appended: dict[str, list[dict[str, Any]]]
    """Top-level lists of the document → entries to add at their end, each with an `id`."""

    @model_validator(mode="after")
    def _have_ids(self) -> Self:
        if any("id" not in entry for entries in self.appended.values() for entry in entries):
            raise ValueError("an entry without an id could be added twice")
        return self


OrderUpdate = OrderChange | OrderEntries
"""Anything that the order store is told of an order."""
