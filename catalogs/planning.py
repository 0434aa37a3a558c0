"""From a posted order of any kind to its plan, or to every rule that it breaks: pure functions, one for each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from catalogs.catalog_set import CatalogSet
from catalogs.decomposition import DecompositionError, decompose
from catalogs.order_check import check_order, within_bounds
from catalogs.pricing import price_order
from catalogs.resource_orders import check_resource_order, decompose_resource_order
from catalogs.service_order_check import check_service_order
from catalogs.service_orders import decompose_service_order
from orders.installed import InstalledBase
from orders.orchestration_plan import OrchestrationPlan
from orders.posted import PostedOrder
from orders.resource_orders import ResourceOrder
from orders.service_orders import ServiceOrder
from orders.tmf import ProductOrder
from orders.violation import Violation, blamed


@dataclass(frozen=True, slots=True)
class Planned:
    """An order, priced where it is one of products, with its plan, or with every rule that it breaks."""

    order: PostedOrder
    plan: OrchestrationPlan | None = None
    violations: list[Violation] = field(default_factory=list)
    rest: OrchestrationPlan | None = None
    """What the items that break no rule come down to, where others do; to be asked for, and never to be executed."""


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
                    rest = partial(decompose_service_order, order, catalogs, installed, revision, on)
                    return Planned(order, violations=violations, rest=_rest(rest, violations))
                return Planned(order, decompose_service_order(order, catalogs, installed, revision, on))
            case ResourceOrder():
                if violations := check_resource_order(order, catalogs, installed, on):
                    rest = partial(decompose_resource_order, order, catalogs, installed, revision, on)
                    return Planned(order, violations=violations, rest=_rest(rest, violations))
                return Planned(order, decompose_resource_order(order, catalogs, installed, revision, on))
    except DecompositionError as error:
        return Planned(order, violations=error.violations)


def _products(
    order: ProductOrder, catalogs: CatalogSet, installed: InstalledBase, revision: int, on: datetime
) -> Planned:
    if violations := check_order(order, catalogs, installed, on):
        rest = partial(decompose, within_bounds(order), catalogs, installed, revision, on)
        return Planned(order, violations=violations, rest=_rest(rest, violations))
    plan = decompose(order, catalogs, installed, revision, on)
    return Planned(price_order(order, plan), plan)


def _rest(decomposed: Callable[..., OrchestrationPlan], violations: Sequence[Violation]) -> OrchestrationPlan | None:
    """Return the plan of all items that no violation is of; None where even that cannot be made."""
    try:
        return decomposed(without=blamed(violations))
    except DecompositionError:
        return None
