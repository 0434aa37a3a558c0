"""A product order: its service orders, then its products and what they cost."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from orders.lifecycle.states import OrderKind
from orders.model.product_orders import Action
from orders.plan.outcome import RootOrderOutcome
from orders.plan.plan_graph import NodeKind, PlanNode
from workflows.contracts.carried import RootOrderInput
from workflows.order_workflow import OrderWorkflow
from workflows.posted.posted_order import PostedOrderParts
from workflows.products import Products
from workflows.saga.saga import Saga
from workflows.service_orders import ServiceOrders


@workflow.defn(name="ProductOrder")
class ProductOrderWorkflow(OrderWorkflow):
    """Runs one product order. Completes when the order is completed, partial or rejected; fails when it failed."""

    @workflow.init
    def __init__(self, order: RootOrderInput) -> None:
        self.parts = parts = PostedOrderParts(OrderKind.PRODUCT, order)
        self.service_orders = ServiceOrders(parts)
        self.products = Products(parts, self.service_orders)
        super().__init__(parts)

    @workflow.run
    async def run(self, order: RootOrderInput) -> RootOrderOutcome:
        async def process() -> RootOrderOutcome:
            if not await self.parts.acceptance.passed():
                return await self.parts.ending.end()
            if await self.parts.start_date.waited_for() and (why := await self.parts.acceptance.infeasible()):
                return await self.parts.ending.fail(why)
            await self.parts.fulfilment.run(self)
            await self.products.show_realised()
            return await self.parts.ending.conclude()

        return await self.parts.to_its_end(process())

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        """Do what a node of the plan stands for: a delivery is done when all that it waits for is."""
        match node.kind:
            case NodeKind.SERVICE_ORDER if node.action != Action.NO_CHANGE:
                await self.service_orders.realise(node, saga)
            case NodeKind.PRODUCT:
                await self.products.realise(node, saga)

    def steps(self, key: str) -> list[dict[str, Any]]:
        """Return what was done of a node, for the saga log."""
        return [*self.service_orders.steps(key), *self.products.steps(key)]

    def recall(self, node: PlanNode, steps: list[dict[str, Any]], saga: Saga) -> None:
        """Know again what an earlier run of the workflow did of a node."""
        match node.kind:
            case NodeKind.SERVICE_ORDER:
                self.service_orders.recall(node, steps, saga)
            case NodeKind.PRODUCT:
                self.products.recall(node, steps, saga)
