"""What a workflow tells the order store of its order."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from orders.lifecycle import OrderKind, OrderState
from orders.model import Model


class OrderChange(Model):
    """A new state of an order, with what else changed in its document.

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
