"""Planning: from an order and what its customer has, by the catalogs, to the plan."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.http import DownstreamSystem
from activities.installed_base import read_installed_base
from catalogs.catalog_set import CatalogSet
from catalogs.decomposition import DecompositionError, decompose
from catalogs.order_check import check_order
from catalogs.pricing import price_order
from orders.change import OrderChange
from orders.installed import InstalledBase
from orders.lifecycle import OrderKind, OrderState
from orders.model import Model
from orders.plan import OrchestrationPlan, PlanGraph
from orders.tmf import ProductOrder
from orders.violation import Violation
from store.orders import OrderStore
from store.plans import PlanStore


class PlannedOrder(Model):
    """An order with its prices, and its plan, or why there is none."""

    order: ProductOrder
    plan: OrchestrationPlan | None = None
    violations: list[Violation] = []


class PlanRequest(Model):
    order_id: str
    revision: int
    version: int
    """The version under which the order's prices are recorded."""


class PlanAnswer(Model):
    """The graph to run, or every reason for which there is none."""

    graph: PlanGraph = PlanGraph()
    violations: list[Violation] = []


class Planner:
    """Plans orders without executing anything: the gateway's previews and the workflows' plans are the same."""

    def __init__(self, catalogs: CatalogSet, inventory: DownstreamSystem) -> None:
        self._catalogs = catalogs
        self._inventory = inventory

    async def plan(self, order: ProductOrder, revision: int = 1) -> PlannedOrder:
        """Check, price and decompose an order.

        Raises:
            DownstreamError: when inventory cannot say what the customer has.
        """
        installed = await read_installed_base(self._inventory, order)
        on = order.order_date or datetime.now(UTC)
        violations = check_order(order, self._catalogs, installed, on)
        if violations:
            return PlannedOrder(order=order, violations=violations)
        priced = price_order(order, self._catalogs, on, installed)
        try:
            plan = decompose(priced, self._catalogs, installed, revision, on)
        except DecompositionError as error:
            return PlannedOrder(order=order, violations=error.violations)
        _keep_records(plan, installed)
        return PlannedOrder(order=priced, plan=plan)


class PlanningActivities:
    """Planning's part of an order."""

    def __init__(self, planner: Planner, orders: OrderStore, plans: PlanStore) -> None:
        self._planner = planner
        self._orders = orders
        self._plans = plans

    @activity.defn
    async def plan_order(self, request: PlanRequest) -> PlanAnswer:
        """Check and decompose an order; store its prices and its plan; return the plan's graph."""
        document = await self._orders.get(OrderKind.PRODUCT, request.order_id)
        if document is None:
            raise ApplicationError(
                f"order {request.order_id} is not in the order store", type="UnknownOrder", non_retryable=True
            )
        order = ProductOrder.model_validate(document)
        planned = await self._planner.plan(order, request.revision)
        if planned.plan is None:
            return PlanAnswer(violations=planned.violations)
        await self._plans.save(planned.plan)
        await self._orders.record(_prices(planned.order, request))
        stored = await self._plans.graph(request.order_id, request.revision)
        return PlanAnswer(graph=stored)


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


def _prices(order: ProductOrder, request: PlanRequest) -> OrderChange:
    """Return the change that records an order's prices."""
    dumped = order.model_dump(mode="json", include={"order_total_price"}, exclude_none=True)
    return OrderChange(
        kind=OrderKind.PRODUCT,
        order_id=request.order_id,
        version=request.version,
        state=OrderState.ACKNOWLEDGED,
        attributes=dumped,
        items={
            item.id: item.model_dump(mode="json", include={"item_price", "item_total_price"}, exclude_none=True)
            for item, _, _ in order.items()
        },
    )
