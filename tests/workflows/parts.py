"""Parts of an order's workflow to be tried without one."""

from __future__ import annotations

from orders.lifecycle.states import OrderKind
from workflows.runtime.background import Background
from workflows.runtime.calls import Calls
from workflows.runtime.context import OrderContext
from workflows.runtime.tracker import OrderTracker


def context_of(kind: OrderKind, order_id: str) -> OrderContext:
    """Return what the parts of an order's workflow are given, with nobody around."""
    calls = Calls(undoing=False)
    tracker = OrderTracker(kind, order_id, calls)
    return OrderContext(kind, f"po:{order_id}", order_id, False, calls, Background(), tracker, revision=1)
