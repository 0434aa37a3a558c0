"""The parts of a posted order's workflow: acceptance, dates, fulfilment, amendments, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from temporalio.exceptions import FailureError, is_cancelled_exception

from orders.lifecycle.states import OrderKind
from orders.plan.outcome import RootOrderOutcome
from workflows.contracts.carried import RootOrderInput
from workflows.parts.assembly import OrderParts
from workflows.parts.order_process import supervised
from workflows.posted.acceptance import Acceptance
from workflows.posted.amendments import Amendments
from workflows.posted.dates import Dates
from workflows.posted.ending import Ending
from workflows.posted.fulfilment import Fulfilment
from workflows.posted.next_run import NextRun
from workflows.posted.plan import OrderPlan
from workflows.posted.start_date import StartDate


class PostedOrderParts(OrderParts[OrderPlan]):
    """The parts of a posted order's workflow."""

    def __init__(self, kind: OrderKind, order: RootOrderInput) -> None:
        super().__init__(kind, order.revision, OrderPlan, parts_at_once=order.parts_at_once)
        context, saga = self.context, self.saga
        self.plan = plan = self.structure
        amending = asyncio.Lock()
        self.dates = dates = Dates(context, plan, saga)
        dates.requested_start = order.requested_start_date
        self.next_run = next_run = NextRun(self, dates, order)
        self.ending = Ending(self, amending, next_run)
        self.acceptance = Acceptance(context, plan, dates, self.ending, self.tasks, amending)
        self.start_date = StartDate(self, dates, next_run)
        self.fulfilment = Fulfilment(self, dates, next_run, order.parts_at_once)
        self.amendments = Amendments(self, dates, amending)
        # Before the standing is shown: what is held depends on the states of the items.
        context.observe_first(plan.nodes_changed, dates.nodes_changed)
        if order.carried is not None:
            next_run.go_on_from(order.carried)

    async def to_its_end(self, process: Coroutine[Any, Any, RootOrderOutcome]) -> RootOrderOutcome:
        """Run the order's process to its end, or undo what it did where it is cancelled; return how the order ended.

        Raises:
            ApplicationError: when the order failed, or its undo left something behind.
            CancelledError: when the workflow itself was cancelled, and all of it is undone.
        """
        try:
            return await supervised(self.context, self.cancellation, self._undone_when_cancelled(process))
        except asyncio.CancelledError:
            if self.cancellation.by_temporal:
                raise
            return self.ending.outcome()

    async def _undone_when_cancelled(self, process: Coroutine[Any, Any, RootOrderOutcome]) -> RootOrderOutcome:
        try:
            return await process
        except (asyncio.CancelledError, FailureError) as error:
            if not is_cancelled_exception(error):
                raise
            self.saga.stop()
            await asyncio.shield(asyncio.create_task(self.ending.cancelled()))
            raise asyncio.CancelledError from error
