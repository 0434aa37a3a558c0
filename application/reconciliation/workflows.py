"""The workflows of posted orders, as a reconciliation asks Temporal for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from orders.lifecycle.states import OrderState


class RunStatus(Enum):
    """How the run of a workflow stands."""

    RUNNING = "running"
    ENDED = "ended"
    TERMINATED = "terminated"
    """It was ended from outside, and has undone nothing."""


@dataclass(frozen=True, slots=True)
class RunOfOrder:
    """A posted order's workflow, by what Temporal itself knows of it."""

    order_id: str
    workflow_id: str
    status: RunStatus
    state: OrderState | None = None
    """What it is found by, which is its order's state."""
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderAsRun:
    """An order as its workflow sees it."""

    state: OrderState
    items: Mapping[str, OrderState]
    revision: int
    version: int
    """Of its last change; the next one has the next."""


class Workflows(Protocol):
    """The workflows of posted orders; all raise what the engine's client raises where Temporal cannot answer."""

    def workflow_id(self, order_id: str) -> str:
        """Return the id of a posted order's workflow."""

    async def running(self, order_ids: Collection[str]) -> Mapping[str, RunOfOrder]:
        """Return those of these orders that run, by their ids, as far as search knows them by now."""

    async def find(self, order_id: str) -> RunOfOrder | None:
        """Return an order's workflow; None where Temporal does not know it."""

    async def all_running(self, token: str) -> tuple[list[RunOfOrder], str | None]:
        """Return a page of all that run, and what the next page is asked for by; None at the end."""

    async def ask(self, order_id: str) -> OrderAsRun | None:
        """Return an order as its workflow sees it; None where it does not say."""


async def runs(workflows: Workflows, order_id: str) -> bool:
    """Return whether an order's workflow runs, whatever the order store says of the order."""
    found = await workflows.find(order_id)
    return found is not None and found.status == RunStatus.RUNNING
