"""From a posted order of any kind to its plan, or to every rule that it breaks: pure functions, one for each kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from catalogs.catalog_set import CatalogSet
from catalogs.decomposition import DecompositionError, decompose
from catalogs.order_check import check_order
from catalogs.pricing import price_order
from catalogs.resource_orders import check_resource_order, decompose_resource_order
from catalogs.service_order_check import check_service_order
from catalogs.service_orders import decompose_service_order
from orders.installed import InstalledBase
from orders.plan import OrchestrationPlan
from orders.posted import PostedOrder
from orders.resource_orders import ResourceOrder
from orders.service_orders import ServiceOrder
from orders.tmf import ProductOrder
from orders.violation import Violation


@dataclass(frozen=True, slots=True)
class Planned:
    """An order, priced where it is one of products, with its plan, or with every rule that it breaks."""

    order: PostedOrder
    plan: OrchestrationPlan | None = None
    violations: list[Violation] = field(default_factory=list)


def plan_posted(
    order: PostedOrder, catalogs: CatalogSet, installed: InstalledBase, revision: int, on: datetime
) -> Planned:
    """Check and decompose an order at the moment `on`, and price it where it is one of products."""
    try:
        match order:
            case ProductOrder():
                return _products(order, catalogs, installed, revision, on)
            case ServiceOrder():
                if violations := check_service_order(order, catalogs, installed, on):
                    return Planned(order, violations=violations)
                return Planned(order, decompose_service_order(order, catalogs, installed, revision, on))
            case ResourceOrder():
                if violations := check_resource_order(order, catalogs, installed, on):
                    return Planned(order, violations=violations)
                return Planned(order, decompose_resource_order(order, catalogs, installed, revision, on))
    except DecompositionError as error:
        return Planned(order, violations=error.violations)


def _products(
    order: ProductOrder, catalogs: CatalogSet, installed: InstalledBase, revision: int, on: datetime
) -> Planned:
    if violations := check_order(order, catalogs, installed, on):
        return Planned(order, violations=violations)
    plan = decompose(order, catalogs, installed, revision, on)
    return Planned(price_order(order, plan), plan)
