"""A product order: its service orders, then its products and what they cost."""

from __future__ import annotations

from temporalio import workflow

from orders.lifecycle import OrderKind
from orders.outcome import RootOrderOutcome
from orders.plan_graph import NodeKind, PlanNode
from orders.tmf import Action
from workflows.messages import RootOrderInput
from workflows.products import Products
from workflows.saga import Saga


@workflow.defn(name="ProductOrder")
class ProductOrderWorkflow(Products):
    """Runs one product order. Completes when the order is completed, partial or rejected; fails when it failed."""

    @workflow.init
    def __init__(self, order: RootOrderInput) -> None:
        super().__init__(OrderKind.PRODUCT, order)

    @workflow.run
    async def run(self, order: RootOrderInput) -> RootOrderOutcome:
        return await self.to_its_end()

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        match node.kind:
            case NodeKind.SERVICE_ORDER if node.action != Action.NO_CHANGE:
                await self.service_order(node, saga)
            case NodeKind.PRODUCT:
                await self.product(node, saga)
