"""The planner: from an order and what its customer has, by the catalogs, to the plan."""

from __future__ import annotations

from datetime import UTC, datetime

from application.bounded_planning import BoundedPlanning
from application.feasibility import FeasibilityCheck
from application.http import DownstreamSystem
from application.installed_base import named_products, named_resources, named_services, read_installed_base
from catalogs.model.catalog_set import CatalogSet
from orders.change.comparison import compare, to_be_done
from orders.model.installed import InstalledBase
from orders.model.posted import PostedOrder, paths_of
from orders.model.product_orders import ProductOrder
from orders.model.resource_orders import ResourceOrder
from orders.model.service_orders import ServiceOrder
from orders.model.violation import Violation
from orders.plan.orchestration_plan import OrchestrationPlan
from tmf.model import Model


class PlannedOrder(Model):
    """An order with its prices, and its plan, or why there is none."""

    order: PostedOrder
    plan: OrchestrationPlan | None = None
    installed: InstalledBase | None = None
    """What it was planned against. Products that the order is not about, and does not rely on, have no record."""
    violations: list[Violation] = []


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
