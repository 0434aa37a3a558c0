"""A resource order that was posted by itself, by a network team: a resource order below it for each of its items."""

from __future__ import annotations

from temporalio import workflow

from orders.lifecycle.states import OrderKind
from orders.plan.outcome import RootOrderOutcome
from workflows.contracts.carried import RootOrderInput
from workflows.order_workflow import OrderWorkflow
from workflows.posted.posted_order import PostedOrderParts
from workflows.resource_orders import ResourceOrders


@workflow.defn(name="DirectResourceOrder")
class DirectResourceOrderWorkflow(OrderWorkflow):
    """Runs one posted resource order. Completes when it is completed, partial or rejected; fails when it failed."""

    @workflow.init
    def __init__(self, order: RootOrderInput) -> None:
        self.parts = parts = PostedOrderParts(OrderKind.RESOURCE, order)
        self.resource_orders = ResourceOrders(parts)
        super().__init__(parts)

    @workflow.run
    async def run(self, order: RootOrderInput) -> RootOrderOutcome:
        async def process() -> RootOrderOutcome:
            if not await self.parts.acceptance.passed():
                return await self.parts.ending.end()
            if await self.parts.start_date.waited_for() and (why := await self.parts.acceptance.infeasible()):
                return await self.parts.ending.fail(why)
            await self.parts.fulfilment.run(self.resource_orders)
            await self.resource_orders.show_realised()
            return await self.parts.ending.conclude()

        return await self.parts.to_its_end(process())
