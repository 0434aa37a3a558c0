"""The fulfilment of a posted order: its plan run as a saga graph, each node when it may begin."""

from __future__ import annotations

import asyncio

from orders.lifecycle.states import OrderState
from workflows.contracts import policies
from workflows.parts.assembly import OrderParts
from workflows.posted.dates import Dates
from workflows.posted.next_run import NextRun, Realiser
from workflows.posted.plan import OrderPlan
from workflows.saga.saga import Saga, stop_if_cancelled
from workflows.saga.window import Window


class Fulfilment:
    """Runs the plan of a posted order."""

    def __init__(self, parts: OrderParts[OrderPlan], dates: Dates, next_run: NextRun, parts_at_once: int) -> None:
        self._parts = parts
        self._plan = parts.structure
        self._dates = dates
        self._next_run = next_run
        self._window = Window(parts_at_once, policies.CONCURRENT_PARTS)

    async def run(self, realiser: Realiser) -> None:
        """Run the plan, each node as its dependencies, dates and holds allow; failures are kept in the saga.

        Raises:
            ContinueAsNewError: when the history is long: the order goes on in a new run.
        """
        self._next_run.realiser = realiser
        going_on = self._next_run.going_on

        async def do(key: str, saga: Saga) -> None:
            if key in going_on:
                going_on.discard(key)
                self._window.know(key, self._plan.begun[key])
            else:
                await self._may_begin(key)
            try:
                await realiser.realise(self._plan.nodes[key], saga)
            finally:
                self._window.leave(key)

        if self._next_run.recall_running():
            await self._next_run.forget_calls()
        else:
            stop_if_cancelled()
            self._parts.context.tracker.to(OrderState.IN_PROGRESS)
            self._parts.standing.update()
        watch = asyncio.create_task(self._dates.watch())
        try:
            saga = self._parts.saga
            saga.begin(self._plan.graph.dependencies(), do, taken_by_failure=self._plan.taken_by_failure)
            if self._parts.context.being_cancelled:
                raise asyncio.CancelledError
            await self._next_run.through(saga.finished())
        finally:
            watch.cancel()

    async def _may_begin(self, key: str) -> None:
        """Wait until a node may begin, and take note that it does."""
        context, holds = self._parts.context, self._parts.holds
        while True:
            await holds.may_start(key)
            await self._dates.until_due(key)
            await context.goes_on()
            await self._finds_room(key)
            if not (context.pausing or holds.is_on_hold(key)):
                break
            self._window.leave(key)
        self._plan.begins(key)
        self._dates.begins(key)

    async def _finds_room(self, key: str) -> None:
        if len(self._plan.nodes) > policies.FEW_PARTS:
            await self._window.enter(key, self._plan.graph.ranks.get(key, 0))
        else:
            self._window.know(key)
