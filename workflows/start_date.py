"""A posted order waits for its requested start, for months if need be: in runs whose histories stay short."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from temporalio import workflow

from orders.instants import timestamp
from orders.lifecycle import OrderState
from workflows.dates import Dates
from workflows.messages import Carried, RootOrderInput
from workflows.parts import OrderParts
from workflows.plan import OrderPlan
from workflows.saga import stop_if_cancelled
from workflows.waiting import wait_until

_TIMELINE_CARRIED = 100
"""Lines of the timeline that a new run begins with."""


class StartDate:
    """The wait of an order for its requested start."""

    def __init__(self, parts: OrderParts[OrderPlan], dates: Dates) -> None:
        self._parts = parts
        self._context = parts.context
        self._plan = parts.structure
        self._dates = dates

    async def waited_for(self) -> bool:
        """Wait for the requested start, wherever amendments move it; return whether there was anything to wait for.

        Raises:
            ContinueAsNewError: when the history is long: the order goes on in a new run.
        """
        if not self._dates.is_early():
            return False
        tracker, holds = self._context.tracker, self._parts.holds
        self._plan.awaits_start = True
        tracker.to(OrderState.HELD if holds.whole else OrderState.PENDING)
        while (start := self._dates.requested_start) and self._dates.is_early():
            stop_if_cancelled()
            tracker.waits(f"its requested start, {timestamp(start)}")
            await wait_until(partial(self._has_moved, start), start - workflow.now(), "requested start date")
            if _history_is_long():
                await self._continue_in_a_new_run()
        self._plan.awaits_start = False
        self._plan.made_at = max(filter(None, (self._plan.made_at, self._dates.requested_start)), default=None)
        tracker.waits()
        if holds.whole:
            await workflow.wait_condition(lambda: not holds.whole)
        tracker.to(OrderState.IN_PROGRESS)
        return True

    def go_on_from(self, carried: Carried) -> None:
        """Go on where an earlier run has come to; the plan is still to be loaded."""
        parts, dates = self._parts, self._dates
        self._context.tracker.carry_on(carried)
        self._plan.parents, self._plan.made_at = carried.parents, carried.made_at
        self._plan.awaits_start = True
        dates.requested_completion = carried.requested_completion
        dates.as_late_as_possible = carried.as_late_as_possible
        dates.is_late = carried.is_late
        if carried.priority:
            self._context.calls.priority = replace(workflow.info().priority, priority_key=carried.priority)
        parts.holds.whole, parts.holds.items = carried.all_held, set(carried.items_held)
        for command in carried.to_cancel:
            parts.cancellation.at_its_date(command)

    async def _continue_in_a_new_run(self) -> None:
        """Go on in a new run, which takes along all that this one was told, up to its last moment."""
        self._parts.cancellation.interrupted = True
        while True:
            await self._context.background.settled()
            await self._context.tracker.flushed()
            stop_if_cancelled()
            if workflow.all_handlers_finished():
                workflow.continue_as_new(self._input_of_next_run())

    def _input_of_next_run(self) -> RootOrderInput:
        tracker, dates, parts = self._context.tracker, self._dates, self._parts
        priority = self._context.calls.priority
        return RootOrderInput(
            order_id=self._context.order_id,
            revision=self._context.revision,
            requested_start_date=dates.requested_start,
            carried=Carried(
                state=tracker.state,
                version=tracker.version,
                items=tracker.items,
                names=tracker.names,
                parents=self._plan.parents,
                made_at=self._plan.made_at,
                timeline=tracker.timeline(_TIMELINE_CARRIED),
                requested_completion=dates.requested_completion,
                as_late_as_possible=dates.as_late_as_possible,
                priority=priority.priority_key if priority else None,
                all_held=parts.holds.whole,
                items_held=sorted(parts.holds.items),
                to_cancel=parts.cancellation.later,
                is_late=dates.is_late,
            ),
        )

    def _has_moved(self, start: datetime) -> bool:
        return self._dates.requested_start != start or _history_is_long()


def _history_is_long() -> bool:
    """Return whether it is time for a new run, and nothing stands in its way."""
    return workflow.info().is_continue_as_new_suggested() and workflow.all_handlers_finished()
