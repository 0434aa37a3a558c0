"""How a posted order is fulfilled: its plan run as a saga graph, each node when it may begin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from orders.lifecycle import OrderState
from orders.plan_graph import PlanNode
from workflows.dates import Dates
from workflows.parts import OrderParts
from workflows.plan import OrderPlan
from workflows.saga import Saga, stop_if_cancelled

Realise = Callable[[PlanNode, Saga], Coroutine[Any, Any, None]]
"""Does what a node of the plan stands for, and registers its undo with the saga."""


class Fulfilment:
    """Runs the plan of a posted order."""

    def __init__(self, parts: OrderParts[OrderPlan], dates: Dates) -> None:
        self._parts = parts
        self._plan = parts.structure
        self._dates = dates

    async def run(self, realise: Realise) -> None:
        """Run the plan, each node as its dependencies, dates and holds allow; failures are kept in the saga."""

        async def do(key: str, saga: Saga) -> None:
            await self._parts.holds.may_start(key)
            await self._dates.until_due(key)
            self._plan.begins(key)
            self._dates.begins(key)
            await realise(self._plan.nodes[key], saga)

        stop_if_cancelled()
        self._parts.context.tracker.to(OrderState.IN_PROGRESS)
        self._parts.standing.update()
        watch = asyncio.create_task(self._dates.watch())
        try:
            await self._parts.saga.run(
                self._plan.graph.dependencies(), do, taken_by_failure=self._plan.taken_by_failure
            )
        finally:
            watch.cancel()
