"""A resource order: the resources of one service, each reserved, configured and installed, or the undo of that."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from activities.records import OpenResourceOrder, RecordActivities
from orders.lifecycle.states import OrderKind, OrderState
from orders.plan.order_documents import resource_order_item
from orders.plan.outcome import ResourceOrderOutcome
from orders.plan.parts import ResourceItem, ResourceOrderPlan
from tmf.instants import timestamp
from workflows.all_or_nothing import AllOrNothing
from workflows.contracts import ids
from workflows.contracts.payloads import Ended, ResourceOrderInput
from workflows.order_workflow import OrderWorkflow
from workflows.parts.assembly import OrderParts
from workflows.parts.structure import PlainItems
from workflows.resources import Resources
from workflows.saga.saga import Saga


@workflow.defn(name="ResourceOrder")
class ResourceOrderWorkflow(OrderWorkflow):
    """Runs one resource order and answers with the resources as they came to be."""

    @workflow.init
    def __init__(self, order: ResourceOrderInput) -> None:
        undoing = order.undo is not None or order.reverse_service_order is not None
        self.parts = parts = OrderParts(OrderKind.RESOURCE, order.revision, PlainItems, undoing=undoing)
        self.fulfilment = AllOrNothing(parts)
        self.resources = Resources(parts, self.fulfilment, order)
        super().__init__(parts)

    @workflow.run
    async def run(self, order: ResourceOrderInput) -> Ended[ResourceOrderOutcome]:
        async def process() -> ResourceOrderOutcome:
            plan = await self._opened(order)
            await self.fulfilment.run(plan.resources, self._realise)
            return ResourceOrderOutcome(resources=self.resources.assigned)

        return await self.fulfilment.to_its_end(process())

    async def _opened(self, order: ResourceOrderInput) -> ResourceOrderPlan:
        """Load the order's part of the plan, and give the order its place among the stored orders."""
        context = self.parts.context
        request = OpenResourceOrder(
            order_id=context.order_id,
            parent_id=ids.order_id(ids.parent(context.workflow_id)),
            root_id=order.order_id,
            revision=order.revision,
            service_order=order.service_order,
            item=order.item,
            order_date=timestamp(workflow.now()),
            undo=order.reverse_service_order,
            redo=order.redo,
            undo_resources=order.undo,
        )
        return await context.calls.local(RecordActivities.open_resource_order, request, "load the plan")

    async def _realise(self, item: ResourceItem, saga: Saga) -> dict[str, Any]:
        """Realise one resource, and return what its item shows then."""
        await self.resources.realise(item, saga)
        done = self.resources.assigned[item.key]
        document = resource_order_item(item, OrderState.COMPLETED, done.id, done.value, done.characteristics)
        return {"resource": document["resource"]}
