"""A service order that was posted by itself, by another BSS: a service order below it for each of its items."""

from __future__ import annotations

from temporalio import workflow

from orders.lifecycle.states import OrderKind
from orders.model.product_orders import Action
from orders.plan.order_documents import characteristic_list
from orders.plan.outcome import RootOrderOutcome
from workflows.contracts.carried import RootOrderInput
from workflows.order_workflow import OrderWorkflow
from workflows.posted.posted_order import PostedOrderParts
from workflows.service_orders import ServiceOrders


@workflow.defn(name="DirectServiceOrder")
class DirectServiceOrderWorkflow(OrderWorkflow):
    """Runs one posted service order. Completes when it is completed, partial or rejected; fails when it failed."""

    @workflow.init
    def __init__(self, order: RootOrderInput) -> None:
        self.parts = parts = PostedOrderParts(OrderKind.SERVICE, order)
        self.service_orders = ServiceOrders(parts)
        super().__init__(parts)

    @workflow.run
    async def run(self, order: RootOrderInput) -> RootOrderOutcome:
        async def process() -> RootOrderOutcome:
            if not await self.parts.acceptance.passed():
                return await self.parts.ending.end()
            if await self.parts.start_date.waited_for() and (why := await self.parts.acceptance.infeasible()):
                return await self.parts.ending.fail(why)
            await self.parts.fulfilment.run(self.service_orders)
            await self._show_realised()
            return await self.parts.ending.conclude()

        return await self.parts.to_its_end(process())

    async def _show_realised(self) -> None:
        """Show on the order's items the services as they are now."""
        await self.parts.saga.sagas.remember(self.parts.saga.done)
        plan = self.parts.plan
        for key, outcome in self.service_orders.outcomes.items():
            if not plan.is_done(key):
                continue
            node, service = plan.nodes[key], outcome.customer_facing()
            shown: dict[str, object] = {"id": service.id, "state": "terminated"}
            if node.action != Action.DELETE:
                characteristics = characteristic_list(service.characteristics)
                shown |= {"state": "active", "serviceCharacteristic": characteristics}
            self.parts.context.tracker.item_set(node.item_id, service=shown)
