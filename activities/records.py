"""The order store's part of an order: millisecond work on our own tables, run as local activities."""

from __future__ import annotations

from temporalio import activity
from temporalio.exceptions import ApplicationError

from orders.change.compensation import undo_resources, undo_service_order
from orders.change.redo import modified_service_order
from orders.lifecycle.change import OrderChange, OrderUpdate
from orders.lifecycle.states import TERMINAL, OrderKind
from orders.model.order_ids import root_kind
from orders.model.posted import names_of_items, posted_order
from orders.plan import order_documents as documents
from orders.plan.outcome import AssignedResource, Redo, ServiceOrderOutcome
from orders.plan.parts import ProductPlan, ResourceOrderPlan, ServiceOrderPlan
from orders.plan.plan_graph import PlanGraph
from store.begun_calls import END, BegunCalls
from store.orders import OrderStore
from store.plans import PlanStore
from store.recording import Recorded
from store.resource_locks import ResourceLocks
from tmf.bodies import Document
from tmf.model import Model


class OpenOrder(Model):
    """A service or resource order that begins: where its plan is, and what it is to be called."""

    order_id: str
    parent_id: str
    root_id: str
    revision: int
    service_order: str
    """The key of the service order in the plan."""
    order_date: str
    redo: Redo | None = None
    """What the service order had done under an earlier revision, when it is to be changed to what this one wants."""
    undo: ServiceOrderOutcome | None = None
    """What the service order did, when its plan is to be taken the other way."""


class OpenResourceOrder(OpenOrder):
    item: str
    """The key of the service order's item that needs the resources, or of the resource that is ordered by itself."""
    undo_resources: dict[str, AssignedResource] | None = None
    """What the resource order did, when its plan is to be taken the other way."""


class LoadProduct(Model):
    order_id: str
    revision: int
    key: str


class LoadGraph(Model):
    order_id: str
    revision: int


class EndOrder(Model):
    """A posted order that has come to its end, and what is still to be written."""

    order_id: str
    workflow_id: str
    updates: list[OrderUpdate]


class RecordActivities:
    """What workflows read from the order store and tell it."""

    def __init__(self, orders: OrderStore, plans: PlanStore, locks: ResourceLocks, begun: BegunCalls) -> None:
        self._orders = orders
        self._plans = plans
        self._locks = locks
        self._begun = begun

    @activity.defn
    async def record(self, updates: list[OrderUpdate]) -> list[str] | None:
        """Write what has changed of orders; a state that is older than what is there changes nothing.

        An order that the store has lost goes on all the same: its workflow owns the truth, and has effects to see to.

        Returns:
            the ids of orders of which later versions are known that have not ended; None where there is none. Those
            were told by a workflow task that was lost since, and perhaps not of all that its repeat has to tell.
        """
        return await self._record(updates) or None

    @activity.defn
    async def end_order(self, end: EndOrder) -> list[str]:
        """Write the last of a posted order, and release its locks; return the orders that wait, first accepted first.

        That it ends is noted before: if the workflow task that ends it is lost, the next one must end it, too. All else
        that its workflows noted as begun is forgotten.
        """
        await self._begun.note(end.workflow_id, END)
        await self._record(end.updates)
        return await self._locks.release(end.order_id)

    @activity.defn
    async def begun_calls(self, workflow_id: str) -> list[str]:
        """Return the keys of the effects that a workflow may have had by local calls, known to its history or not."""
        return await self._begun.of(workflow_id)

    @activity.defn
    async def item_names(self, order_id: str) -> dict[str, str]:
        """Return every item of a posted order, nested ones too: its id and what it is about."""
        kind = root_kind(order_id)
        document = await self._orders.get(kind, order_id)
        if document is None:
            raise ApplicationError(
                f"order {order_id} is not in the order store", type="UnknownOrder", non_retryable=True
            )
        return names_of_items(posted_order(kind, document))

    @activity.defn
    async def open_service_order(self, request: OpenOrder) -> ServiceOrderPlan:
        """Load a service order's part of the plan, and give the order its place among the stored orders."""
        plan = await self._service_order(request)
        document = documents.service_order(plan, request.order_id, request.parent_id, request.order_date)
        await self._open(OrderKind.SERVICE, request, document)
        return plan

    @activity.defn
    async def open_resource_order(self, request: OpenResourceOrder) -> ResourceOrderPlan:
        """Load a resource order's part of the plan, and give the order its place among the stored orders."""
        plan = await self._resource_order(request)
        if request.undo_resources is not None:
            undoing = undo_resources(plan.resources, request.undo_resources)
            plan = plan.model_copy(update={"resources": undoing})
        document = documents.resource_order(plan, request.order_id, request.parent_id, request.order_date)
        await self._open(OrderKind.RESOURCE, request, document)
        return plan

    @activity.defn
    async def load_graph(self, request: LoadGraph) -> PlanGraph:
        """Load the graph of a plan."""
        return await self._plans.graph(request.order_id, request.revision)

    @activity.defn
    async def load_product(self, request: LoadProduct) -> ProductPlan:
        """Load a product's part of the plan."""
        return await self._plans.product(request.order_id, request.revision, request.key)

    async def _record(self, updates: list[OrderUpdate]) -> list[str]:
        """Write changes; return the ids of the orders of which later versions were known."""
        outdated = []
        for update, recorded in zip(updates, await self._orders.record(updates), strict=True):
            if recorded == Recorded.UNKNOWN:
                activity.logger.error("order not in the store", extra={"order": update.order_id})
            elif recorded == Recorded.OUTDATED and isinstance(update, OrderChange) and update.state not in TERMINAL:
                outdated.append(update.order_id)
        return outdated

    async def _service_order(self, request: OpenOrder) -> ServiceOrderPlan:
        plan = await self._plans.service_order(request.root_id, request.revision, request.service_order)
        if request.redo is not None:
            plan = await self._changed(request, request.redo, plan)
        return plan if request.undo is None else undo_service_order(plan, request.undo)

    async def _resource_order(self, request: OpenResourceOrder) -> ResourceOrderPlan:
        if root_kind(request.root_id) != OrderKind.RESOURCE:
            return (await self._service_order(request)).resource_order(request.item)
        single = await self._plans.resource_order(request.root_id, request.revision, request.item)
        return single.resource_order()

    async def _changed(self, request: OpenOrder, redo: Redo, plan: ServiceOrderPlan) -> ServiceOrderPlan:
        old = await self._plans.service_order(request.root_id, redo.revision, request.service_order)
        try:
            return modified_service_order(old, redo.done, plan, redo.changed_inputs)
        except ValueError as error:
            raise ApplicationError(str(error), type="NotChangeable", non_retryable=True) from error

    async def _open(self, kind: OrderKind, request: OpenOrder, document: Document) -> None:
        await self._orders.open(kind, request.order_id, document, request.parent_id, request.root_id, request.revision)
