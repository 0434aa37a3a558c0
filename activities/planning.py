"""Planning: from an order and what its customer has, by the catalogs, to the plan."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.resource_locks import accepted_at, is_installed, named_subjects, planned_subjects
from application.compression import size_in_temporal
from application.planner import PlannedOrder, Planner
from catalogs.nodes.products import parents_of
from catalogs.planning import TOO_LARGE
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import ITEM_LISTS, OrderKind, OrderState
from orders.model.installed import InstalledBase
from orders.model.order_ids import root_kind
from orders.model.posted import PostedOrder, names_of_items, posted_order
from orders.model.product_orders import ProductOrder
from orders.model.resource_orders import ResourceOrder
from orders.model.service_orders import ServiceOrder
from orders.model.violation import Violation, in_bounds
from orders.model.wishes import AS_LATE_AS_POSSIBLE, SCHEDULING
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.plan_graph import PlanGraph
from store.orders import OrderStore
from store.plans import PlanStore
from store.resource_locks import ResourceLocks
from tmf.bodies import Document
from tmf.instants import UtcDatetime
from tmf.model import Model

LARGEST_ANSWER = 1_900_000
"""Bytes that planning answers a workflow with at most, compressed where they are many: Temporal takes 2 MB."""


class PlanRequest(Model):
    order_id: str
    revision: int
    version: int
    """The version under which the order's prices are recorded."""


class PlanAnswer(Model):
    """The graph to run, or every reason for which the order is rejected, or the orders that go first."""

    names: dict[str, str]
    """Every item of the order, nested ones too: its id and what it is about."""
    graph: PlanGraph = PlanGraph()
    parents: dict[str, str] = {}
    """Item → the item that it is nested in."""
    requested_completion_date: UtcDatetime | None = None
    as_late_as_possible: bool = False
    """Whether the order's parts are to start no sooner than its requested completion makes them."""
    planned_at: UtcDatetime | None = None
    violations: list[Violation] = []
    ahead: list[str] = []
    """The orders that must end before this one can be planned, since both change the same thing."""


class PlanningActivities:
    """Planning's part of an order."""

    def __init__(self, planner: Planner, orders: OrderStore, plans: PlanStore, locks: ResourceLocks) -> None:
        self._planner = planner
        self._orders = orders
        self._plans = plans
        self._locks = locks

    @activity.defn
    async def plan_order(self, request: PlanRequest) -> PlanAnswer:
        """Check and decompose an order; store its prices and its plan; return the plan's graph, if it is possible.

        An order that changes what another is changing is not planned before that one has ended.
        """
        kind = root_kind(request.order_id)
        document = await self._orders.get(kind, request.order_id)
        if document is None:
            raise ApplicationError(
                f"order {request.order_id} is not in the order store", type="UnknownOrder", non_retryable=True
            )
        order = posted_order(kind, document)
        names = names_of_items(order)
        planned = await plan_with_locks(self._planner, self._locks, order, request.revision)
        if isinstance(planned, list):
            return PlanAnswer(names=names, ahead=planned)
        if planned.plan is None:
            return PlanAnswer(names=names, violations=in_bounds(planned.violations))
        answer = PlanAnswer(
            names=names,
            graph=planned.plan.graph(),
            parents=parents_in(order),
            requested_completion_date=order.requested_completion_date,
            planned_at=datetime.now(UTC),
            as_late_as_possible=(order.model_extra or {}).get(SCHEDULING) == AS_LATE_AS_POSSIBLE,
        )
        if violations := too_large(answer, planned.plan):
            return PlanAnswer(names=names, violations=violations)
        await self._plans.save(planned.plan, planned.installed)
        if isinstance(planned.order, ProductOrder):
            await self._orders.record([_prices(planned.order, request)])
        if infeasible := await self._planner.infeasible(order, planned.plan):
            return PlanAnswer(names=names, violations=in_bounds(infeasible))
        graph = await self._plans.graph(request.order_id, request.revision)
        return answer.model_copy(update={"graph": graph})


def too_large(answer: Model, plan: OrchestrationPlan) -> list[Violation]:
    """Return that an order comes down to more than Temporal takes in one answer about its plan, where it does."""
    if size_in_temporal(answer) <= LARGEST_ANSWER:
        return []
    parts = len(plan.graph().nodes)
    message = f"the order comes down to {parts} parts, more than can be run at once; make it several orders"
    return [Violation(code=TOO_LARGE, path=ITEM_LISTS[root_kind(plan.order_id)], message=message)]


async def plan_with_locks(
    planner: Planner,
    locks: ResourceLocks,
    order: PostedOrder,
    revision: int,
    installed: InstalledBase | None = None,
    running: OrchestrationPlan | None = None,
    *,
    queue: bool = True,
) -> PlannedOrder | list[str]:
    """Plan an order when all that it touches is its own to change; return the orders that go first until then.

    Args:
        installed, running: as for `Planner.plan`.
        queue: whether the order takes its place behind those; if not, its locks are as before.
    """
    subjects = set(named_subjects(order))
    ahead = await locks.acquire(order.id or "", accepted_at(order), subjects, queue=queue)
    while not ahead:
        planned = await planner.plan(order, revision, installed, running)
        if planned.plan is None:
            return planned
        more = set(planned_subjects(planned.plan)) - subjects
        subjects |= more
        ahead = await locks.acquire(order.id or "", accepted_at(order), more, queue=queue)
        # What inventory has of something installed may have changed until it was granted; a number is a number.
        if not ahead and not any(map(is_installed, more)):
            return planned
    return ahead


def parents_in(order: PostedOrder) -> dict[str, str]:
    """Return each item's bundle, or the item that it is nested in."""
    match order:
        case ProductOrder():
            return parents_of(order)
        case ServiceOrder():
            return order.parents()
        case ResourceOrder():
            return {}


def total_of(order: ProductOrder) -> Document:
    """Return the total price of a priced order, as its document has it."""
    return order.model_dump(mode="json", include={"order_total_price"}, exclude_none=True)


def prices_of_items(order: ProductOrder) -> dict[str, Document]:
    """Return the prices of each item of a priced order, by its id, as its document has them."""
    return {
        item.id: item.model_dump(mode="json", include={"item_price", "item_total_price"}, exclude_none=True)
        for item, _, _ in order.items()
    }


def _prices(order: ProductOrder, request: PlanRequest) -> OrderChange:
    """Return the change that records an order's prices."""
    return OrderChange(
        kind=OrderKind.PRODUCT,
        order_id=request.order_id,
        version=request.version,
        state=OrderState.ACKNOWLEDGED,
        attributes=total_of(order),
        items=prices_of_items(order),
    )
