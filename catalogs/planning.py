"""From a posted order of any kind to its plan, or to every rule that it breaks: pure functions, one for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from catalogs.checks.product_orders import check_order, within_bounds
from catalogs.checks.resource_orders import check_resource_order
from catalogs.checks.service_orders import check_service_order
from catalogs.decomposition.product_orders import DecompositionError, decompose
from catalogs.decomposition.resource_orders import decompose_resource_order
from catalogs.decomposition.service_orders import decompose_service_order
from catalogs.decomposition.services import PlanTooLargeError
from catalogs.model.catalog_set import CatalogSet
from catalogs.nodes.products import depth_of
from catalogs.pricing.order_prices import price_order
from orders.bounds import OrderLimits
from orders.lifecycle.states import ITEM_LISTS
from orders.model.installed import InstalledBase
from orders.model.posted import PostedOrder
from orders.model.product_orders import ProductOrder
from orders.model.resource_orders import ResourceOrder
from orders.model.service_orders import ServiceOrder
from orders.model.violation import Violation, blamed
from orders.plan.orchestration_plan import OrchestrationPlan

TOO_LARGE = "orderTooLarge"
"""The code of the reason that an order asks for, or comes down to, more than one order may."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An order, priced where it is one of products, with its plan, or with every rule that it breaks."""

    order: PostedOrder
    plan: OrchestrationPlan | None = None
    violations: list[Violation] = field(default_factory=list)
    rest: OrchestrationPlan | None = None
    """What the items that break no rule come down to, where others do; to be asked for, and never to be executed."""


@dataclass(frozen=True, slots=True)
class PlanningJob:
    """What planning an order takes beside the catalogs."""

    order: PostedOrder
    installed: InstalledBase
    revision: int
    on: datetime
    """The moment that decides which versions and prices hold."""
    limits: OrderLimits = field(default_factory=OrderLimits)


def plan_posted(
    order: PostedOrder, catalogs: CatalogSet, installed: InstalledBase, revision: int, on: datetime
) -> Planned:
    """Check and decompose an order at the moment `on`, and price it where it is one of products."""
    return planned(PlanningJob(order, installed, revision, on), catalogs)


def planned(job: PlanningJob, catalogs: CatalogSet) -> Planned:
    """Return what comes of a job; of an order that asks for more than it may nothing else is worked out."""
    try:
        return planned_within(job, catalogs)
    except PlanTooLargeError as error:
        return Planned(job.order, violations=[too_large(job.order, str(error))])


def planned_within(job: PlanningJob, catalogs: CatalogSet) -> Planned:
    """Return what comes of a job, as `planned` does.

    Raises:
        PlanTooLargeError: when the order comes down to more parts than the limits allow.
    """
    if crowded := list(crowding(job.order, job.limits)):
        return Planned(job.order, violations=crowded)
    try:
        done = _planned(job, catalogs)
    except DecompositionError as error:
        return Planned(job.order, violations=error.violations)
    if done.plan and done.plan.parts() > job.limits.parts:
        raise PlanTooLargeError(job.limits.parts)
    if done.plan and (widest := done.plan.widest()) > job.limits.nodes:
        why = f"the order comes down to {widest} parts that run side by side; at most {job.limits.nodes}"
        return Planned(job.order, violations=[too_large(job.order, why)])
    return done


def too_large(order: PostedOrder, why: str) -> Violation:
    """Return the reason that an order is too large for one, and what to do about it."""
    message = f"{why}; make it several orders"
    return Violation(code=TOO_LARGE, path=ITEM_LISTS[order.kind], message=message)


def crowding(order: PostedOrder, limits: OrderLimits) -> Iterator[Violation]:
    """Yield that an order has more items, or orders more products, than one may, before any of them is looked at.

    An order that is posted now is refused for that; one that came in under other limits, or bundles its items by
    relations, is not.
    """
    items = sum(1 for _ in order.items())
    if items > limits.items:
        yield too_large(order, f"the order has {items} items, nested ones counted; at most {limits.items}")
    if not isinstance(order, ProductOrder):
        return
    # What a single item has too many of is told by the check of the order.
    quantities = [item.quantity or 1 for item, _, _ in order.items()]
    instances = sum(each if each <= limits.quantity else 1 for each in quantities)
    if instances > limits.instances:
        yield too_large(order, f"the items order {instances} products by their quantities; at most {limits.instances}")
    if (depth := depth_of(order)) > limits.depth:
        yield too_large(order, f"items are nested {depth} levels deep; at most {limits.depth}")


def _planned(job: PlanningJob, catalogs: CatalogSet) -> Planned:
    order, about, most = job.order, (catalogs, job.installed), job.limits.parts
    match order:
        case ProductOrder():
            return _products(order, job, catalogs)
        case ServiceOrder():
            if violations := check_service_order(order, *about, job.on):
                rest = partial(decompose_service_order, order, *about, job.revision, job.on, most=most)
                return Planned(order, violations=violations, rest=_rest(rest, violations))
            return Planned(order, decompose_service_order(order, *about, job.revision, job.on, most=most))
        case ResourceOrder():
            if violations := check_resource_order(order, *about, job.on):
                rest = partial(decompose_resource_order, order, *about, job.revision, job.on)
                return Planned(order, violations=violations, rest=_rest(rest, violations))
            return Planned(order, decompose_resource_order(order, *about, job.revision, job.on))


def _products(order: ProductOrder, job: PlanningJob, catalogs: CatalogSet) -> Planned:
    about, limits = (catalogs, job.installed, job.revision, job.on), job.limits
    if violations := check_order(order, catalogs, job.installed, job.on, limits):
        rest = partial(decompose, within_bounds(order, limits.quantity), *about, most=limits.parts)
        return Planned(order, violations=violations, rest=_rest(rest, violations))
    plan = decompose(order, *about, most=limits.parts)
    return Planned(price_order(order, plan), plan)


def _rest(decomposed: Callable[..., OrchestrationPlan], violations: Sequence[Violation]) -> OrchestrationPlan | None:
    """Return the plan of all items that no violation is of; None where even that cannot be made."""
    try:
        return decomposed(without=blamed(violations))
    except DecompositionError:
        return None
