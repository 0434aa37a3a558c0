"""A posted order waits for its requested start, for months if need be: in runs whose histories stay short."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from temporalio import workflow

from orders.lifecycle.states import OrderState
from tmf.instants import timestamp
from workflows.parts.assembly import OrderParts
from workflows.posted.dates import Dates
from workflows.posted.next_run import NextRun
from workflows.posted.plan import OrderPlan
from workflows.runtime.waiting import wait_until
from workflows.saga.saga import stop_if_cancelled


class StartDate:
    """The wait of an order for its requested start."""

    def __init__(self, parts: OrderParts[OrderPlan], dates: Dates, next_run: NextRun) -> None:
        self._context = parts.context
        self._holds = parts.holds
        self._plan = parts.structure
        self._saga = parts.saga
        self._dates = dates
        self._next_run = next_run

    async def waited_for(self) -> bool:
        """Wait for the requested start, wherever amendments move it; return whether there was anything to wait for.

        Raises:
            ContinueAsNewError: when the history is long: the order goes on in a new run.
        """
        if self._saga.has_begun or not self._dates.is_early():
            return False
        tracker, holds = self._context.tracker, self._holds
        self._plan.awaits_start = True
        tracker.to(OrderState.HELD if holds.whole else OrderState.PENDING)
        stop_if_cancelled()
        await self._next_run.through(self._until_start())
        self._plan.awaits_start = False
        self._plan.made_at = max(filter(None, (self._plan.made_at, self._dates.requested_start)), default=None)
        tracker.waits()
        if holds.whole:
            await workflow.wait_condition(lambda: not holds.whole)
        tracker.to(OrderState.IN_PROGRESS)
        return True

    async def _until_start(self) -> None:
        while (start := self._dates.requested_start) and self._dates.is_early():
            self._context.tracker.waits(f"its requested start, {timestamp(start)}")
            await wait_until(partial(self._has_moved, start), start - workflow.now(), "requested start date")

    def _has_moved(self, start: datetime) -> bool:
        return self._dates.requested_start != start
