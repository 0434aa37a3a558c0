"""Cancellations: what came of requests to cancel, kept in the order store by local activities."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from temporalio import activity

from orders.lifecycle.states import OrderKind
from store.cancellations import CancelStore
from tmf.model import Model


class SettleCancellation(Model):
    """A request to cancel that got further."""

    kind: OrderKind
    task: str
    """Its id."""
    state: str
    """`inProgress`, `done` or `terminatedWithError`."""
    attributes: dict[str, Any] = Field(default_factory=dict)
    """What else to set in its document, in the JSON names."""


class CancellationActivities:
    """What workflows tell the order store of the requests to cancel their orders."""

    def __init__(self, cancellations: CancelStore) -> None:
        self._cancellations = cancellations

    @activity.defn
    async def settle_cancellation(self, request: SettleCancellation) -> None:
        """Write what came of a request; one that is further on already, or not in the store, changes nothing."""
        await self._cancellations.settle(request.kind, request.task, request.state, **request.attributes)
