"""Planning: from an order and what its customer has, by the catalogs, to the plan."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.bounded_planning import BoundedPlanning
from activities.http import DownstreamSystem
from activities.installed_base import named_products, named_resources, named_services, read_installed_base
from activities.qualification import FeasibilityCheck
from activities.resource_locks import accepted_at, is_installed, named_subjects, planned_subjects
from catalogs.catalog_set import CatalogSet
from catalogs.planning import TOO_LARGE
from catalogs.product_nodes import parents_of
from orders.amendment import compare, to_be_done
from orders.change import OrderChange
from orders.identity import root_kind
from orders.installed import InstalledBase
from orders.instants import UtcDatetime
from orders.lifecycle import ITEM_LISTS, OrderKind, OrderState
from orders.model import Model
from orders.orchestration_plan import OrchestrationPlan
from orders.plan_graph import PlanGraph
from orders.posted import PostedOrder, names_of_items, paths_of, posted_order
from orders.resource_orders import ResourceOrder
from orders.service_orders import ServiceOrder
from orders.tmf import ProductOrder
from orders.violation import Violation, in_bounds
from orders.wishes import AS_LATE_AS_POSSIBLE, SCHEDULING
from store.documents import Json
from store.orders import OrderStore
from store.plans import PlanStore
from store.resource_locks import ResourceLocks

LARGEST_ANSWER = 1_900_000
"""Bytes of JSON that planning answers a workflow with at most: Temporal takes 2 MB."""


class PlannedOrder(Model):
    """An order with its prices, and its plan, or why there is none."""

    order: PostedOrder
    plan: OrchestrationPlan | None = None
    installed: InstalledBase | None = None
    """What it was planned against. Products that the order is not about, and does not rely on, have no record."""
    violations: list[Violation] = []


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


class Planner:
    """Plans orders without executing anything: the gateway's previews and the workflows' plans are the same."""

    def __init__(
        self, catalogs: CatalogSet, inventory: DownstreamSystem, planning: BoundedPlanning | None = None
    ) -> None:
        """Make it; without `planning` that of the catalogs, with all limits as they are by default."""
        self._planning = planning or BoundedPlanning(catalogs)
        self._inventory = inventory
        self._feasibility = FeasibilityCheck(inventory)

    async def plan(
        self,
        order: PostedOrder,
        revision: int = 1,
        installed: InstalledBase | None = None,
        running: OrchestrationPlan | None = None,
    ) -> PlannedOrder:
        """Check and decompose an order, and price it where it is one of products.

        Where items break a rule, the others are asked for, too, so that all reasons are told at once.

        Args:
            installed: what an earlier revision was planned against; the new one is planned against the same, and what
                inventory has of the products that it is the first to name.
            running: the plan that the order runs by already.

        Raises:
            DownstreamError: when inventory cannot say what the customer has, or what is possible; or when as many large
                orders are being planned as may be.
        """
        installed = await self._base(order, installed)
        on = order.order_date or datetime.now(UTC)
        planned = await self._planning.plan(order, installed, revision, on)
        if planned.plan is None:
            infeasible = await self.infeasible(order, planned.rest, running) if planned.rest else []
            return PlannedOrder(order=order, violations=[*planned.violations, *infeasible])
        _keep_records(planned.plan, installed)
        return PlannedOrder(order=planned.order, plan=planned.plan, installed=_noted(installed, order))

    async def preview(
        self,
        order: PostedOrder,
        revision: int = 1,
        installed: InstalledBase | None = None,
        running: OrchestrationPlan | None = None,
    ) -> PlannedOrder:
        """Plan an order as `plan` does; what is not possible now has no plan, but the reasons of its rejection.

        Raises:
            DownstreamError: as `plan` does.
        """
        planned = await self.plan(order, revision, installed, running)
        infeasible = await self.infeasible(order, planned.plan, running) if planned.plan else []
        return PlannedOrder(order=planned.order, violations=infeasible) if infeasible else planned

    async def infeasible(
        self, order: PostedOrder, rest: OrchestrationPlan, running: OrchestrationPlan | None = None
    ) -> list[Violation]:
        """Return why what a plan adds to the one that runs is not possible, item by item; nothing is reserved.

        Raises:
            DownstreamError: when inventory cannot say.
        """
        asked = to_be_done(rest, compare(running, rest)) if running else rest
        return await self._feasibility.infeasible(asked, paths_of(order), running)

    async def _base(self, order: PostedOrder, noted: InstalledBase | None) -> InstalledBase:
        if not isinstance(order, ProductOrder):
            return await self._base_of_singles(order, noted)
        known = {key: each for key, each in noted.products.items() if each.record} if noted else {}
        another = noted is not None and noted.customer_id not in (None, order.customer_id())
        if noted and not another and _concerned(order, noted) <= known.keys():
            return noted
        found = await read_installed_base(self._inventory, order)
        if noted is None:
            return found
        if another:
            return InstalledBase(products=found.products | known, customer_id=found.customer_id)
        concerned = {key: found.products[key] for key in _concerned(order, found) if key in found.products}
        return InstalledBase(products=noted.products | concerned | known, customer_id=noted.customer_id)

    async def _base_of_singles(self, order: ServiceOrder | ResourceOrder, noted: InstalledBase | None) -> InstalledBase:
        """Return the services or resources that an order names: as they were noted, or else as inventory has them."""
        if noted is not None and _named(order) <= noted.owners.keys():
            return noted
        found = await read_installed_base(self._inventory, order)
        if noted is None:
            return found
        return InstalledBase(
            single_services=found.single_services | noted.single_services,
            single_resources=found.single_resources | noted.single_resources,
            owners=found.owners | noted.owners,
        )


def plans_alike(one: PlannedOrder, other: PlannedOrder) -> bool:
    """Return whether two versions of an order come to the same, or are impossible for the same reasons."""
    return (one.plan, one.violations) == (other.plan, other.violations)


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
    if len(answer.model_dump_json().encode()) <= LARGEST_ANSWER:
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


def _concerned(order: ProductOrder, installed: InstalledBase) -> set[str]:
    """Return the ids of the products that an order names, and of what those bundle or rely on."""
    concerned: set[str] = set()
    waiting = named_products(order)
    while waiting:
        concerned |= waiting
        known = [installed.products[key] for key in waiting if key in installed.products]
        waiting = {key for product in known for key in (*product.components, *product.relies_on)} - concerned
    return concerned


def _named(order: ServiceOrder | ResourceOrder) -> set[str]:
    return named_services(order) if isinstance(order, ServiceOrder) else named_resources(order)


def parents_in(order: PostedOrder) -> dict[str, str]:
    """Return each item's bundle, or the item that it is nested in."""
    match order:
        case ProductOrder():
            return parents_of(order)
        case ServiceOrder():
            return order.parents()
        case ResourceOrder():
            return {}


def _noted(installed: InstalledBase, order: PostedOrder) -> InstalledBase:
    """Return what to keep of an installed base: products that were read without their services lose their records."""
    if not isinstance(order, ProductOrder):
        return installed
    concerned = _concerned(order, installed)
    return InstalledBase(
        products={
            key: product if key in concerned or product.services else product.model_copy(update={"record": {}})
            for key, product in installed.products.items()
        },
        customer_id=installed.customer_id,
    )


def _keep_records(plan: OrchestrationPlan, installed: InstalledBase) -> None:
    """Put what inventory has of everything installed into the plan, so that its undo can give it back as it was."""
    for product in plan.products:
        if product.product_id in installed.products:
            product.record = installed.products[product.product_id].record
    services = {service.id: service for service in installed.services()}
    holders = {resource.id: resource.reserved_by for service in services.values() for resource in service.resources}
    for item in (item for order in plan.service_orders for item in order.items):
        if item.service_id in services:
            item.record = services[item.service_id].record
        for resource in item.resources:
            resource.reserved_by = holders.get(resource.resource_id or "")


def total_of(order: ProductOrder) -> Json:
    """Return the total price of a priced order, as its document has it."""
    return order.model_dump(mode="json", include={"order_total_price"}, exclude_none=True)


def prices_of_items(order: ProductOrder) -> dict[str, Json]:
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
