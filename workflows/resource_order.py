"""A resource order: the resources of one service, each reserved, configured and installed, or the undo of that."""

from __future__ import annotations

from temporalio import workflow

from activities.records import OpenResourceOrder, RecordActivities
from orders.documents import resource_order_item
from orders.instants import timestamp
from orders.lifecycle import OrderKind, OrderState
from orders.outcome import ResourceOrderOutcome
from orders.plan import ResourceOrderPlan
from workflows import ids
from workflows.all_or_nothing import AllOrNothing
from workflows.messages import Ended, ResourceOrderInput
from workflows.order_workflow import OrderWorkflow
from workflows.parts import OrderParts
from workflows.resources import Resources
from workflows.saga import Saga, stop_if_cancelled
from workflows.structure import PlainItems


@workflow.defn(name="ResourceOrder")
class ResourceOrderWorkflow(OrderWorkflow):
    """Runs one resource order and answers with the resources as they came to be."""

    @workflow.init
    def __init__(self, order: ResourceOrderInput) -> None:
        undoing = order.undo is not None or order.reverse_service_order is not None
        self.parts = parts = OrderParts(OrderKind.RESOURCE, order.revision, PlainItems, undoing=undoing)
        self.fulfilment = AllOrNothing(parts)
        self.resources = Resources(parts, self.fulfilment, order)
        self.plan: ResourceOrderPlan
        super().__init__(parts)

    @workflow.run
    async def run(self, order: ResourceOrderInput) -> Ended[ResourceOrderOutcome]:
        async def process() -> ResourceOrderOutcome:
            self.plan = await self._opened(order)
            await self.fulfilment.run({item.key: item.depends_on for item in self.plan.resources}, self._realise)
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
        plan = await context.calls.local(RecordActivities.open_resource_order, request, "load the plan")
        context.tracker.follow({item.key: item.specification.name for item in plan.resources})
        return plan

    async def _realise(self, key: str, saga: Saga) -> None:
        """Realise one resource, and show on its item what came of that."""
        item, tracker = self.plan.item(key), self.parts.context.tracker
        if not self.parts.context.undoing:
            await self.parts.holds.may_start(key)
        tracker.item_to(key, OrderState.IN_PROGRESS)
        with self.parts.overruns.watched(key, item.specification.name, item.duration):
            await self.resources.realise(item, saga)
        stop_if_cancelled()
        done = self.resources.assigned[key]
        document = resource_order_item(item, OrderState.COMPLETED, done.id, done.value, done.characteristics)
        tracker.item_to(key, OrderState.COMPLETED, resource=document["resource"])
