"""A service order: the resource-facing services that realise a customer-facing one, and that one itself."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from activities.records import OpenOrder, RecordActivities
from orders.change.redo import merged_outcome
from orders.lifecycle.states import OrderKind, OrderState
from orders.plan.order_documents import service_order_item
from orders.plan.outcome import ServiceOrderOutcome
from orders.plan.parts import ServiceItem, ServiceOrderPlan
from tmf.instants import timestamp
from workflows.all_or_nothing import AllOrNothing
from workflows.contracts.payloads import Ended, ServiceOrderInput
from workflows.order_workflow import OrderWorkflow
from workflows.parts.assembly import OrderParts
from workflows.parts.structure import PlainItems
from workflows.saga.saga import Saga
from workflows.services import Services


@workflow.defn(name="ServiceOrder")
class ServiceOrderWorkflow(OrderWorkflow):
    """Runs one service order and answers with the services as they came to be."""

    @workflow.init
    def __init__(self, order: ServiceOrderInput) -> None:
        self.parts = parts = OrderParts(OrderKind.SERVICE, order.revision, PlainItems, undoing=order.undo is not None)
        self.fulfilment = AllOrNothing(parts)
        self.plan: ServiceOrderPlan
        self.services: Services
        super().__init__(parts)

    @workflow.run
    async def run(self, order: ServiceOrderInput) -> Ended[ServiceOrderOutcome]:
        async def process() -> ServiceOrderOutcome:
            self.plan = await self._opened(order)
            self.services = Services(self.parts, self.fulfilment, self.plan, order)
            await self.fulfilment.run(self.plan.items, self._realise)
            return self._outcome(order)

        return await self.fulfilment.to_its_end(process())

    async def _opened(self, order: ServiceOrderInput) -> ServiceOrderPlan:
        """Load the order's part of the plan, and give the order its place among the stored orders."""
        context = self.parts.context
        request = OpenOrder(
            order_id=context.order_id,
            parent_id=order.order_id,
            root_id=order.order_id,
            revision=order.revision,
            service_order=order.key,
            order_date=timestamp(workflow.now()),
            undo=order.undo,
            redo=order.redo,
        )
        return await context.calls.local(RecordActivities.open_service_order, request, "load the plan")

    async def _realise(self, item: ServiceItem, saga: Saga) -> dict[str, Any]:
        """Realise one service, and return what its item shows then."""
        await self.services.realise(item, saga)
        done, place = self.services.realised[item.key], self.plan.place_of(item)
        document = service_order_item(item, place, OrderState.COMPLETED, done.id, done.characteristics)
        return {"service": document["service"]}

    def _outcome(self, order: ServiceOrderInput) -> ServiceOrderOutcome:
        outcome = ServiceOrderOutcome(services=self.services.realised)
        if order.redo is None or order.undo is not None:
            return outcome
        standing = merged_outcome(order.redo.done, self.plan, outcome).services
        return outcome.model_copy(update={"standing": standing})
