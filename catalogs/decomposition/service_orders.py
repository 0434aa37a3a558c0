"""Decomposes a posted service order into its plan: one service order for each item, as products have them too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from catalogs.decomposition.assurance import mending_of
from catalogs.decomposition.modification import PlannedService, plan_service
from catalogs.decomposition.product_orders import DecompositionError
from catalogs.decomposition.services import Expansion
from catalogs.decomposition.teardown import removed_items
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.entities import ServiceSpecification
from catalogs.model.expressions import ExpressionError
from catalogs.nodes.services import ServiceNode, reliance_of, service_nodes
from catalogs.nodes.targets import ServiceTarget
from orders.bounds import OrderLimits
from orders.model.installed import InstalledBase
from orders.model.product_orders import Action
from orders.model.service_orders import ServiceOrder
from orders.model.violation import Violation
from orders.plan.graph import find_circle, orient
from orders.plan.keys import CUSTOMER_FACING
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ServiceItem, ServiceOrderPlan


def decompose_service_order(
    order: ServiceOrder,
    catalogs: CatalogSet,
    installed: InstalledBase,
    revision: int = 1,
    on: datetime | None = None,
    without: Collection[str] = (),
    most: int = OrderLimits.parts,
) -> OrchestrationPlan:
    """Return all that a service order comes down to; nothing is executed, and the same values give the same plan.

    Args:
        installed: the services that its items name, with all that supports them.
        on: the moment that decides which versions of specifications hold; the order's date without it.
        without: items that are left out, as if the order did nothing about them.
        most: how many services and resources it may come down to.

    Raises:
        DecompositionError: for a circle, or an expression that this order's values do not fit.
        PlanTooLargeError: when it comes down to more.
    """
    nodes = service_nodes(order, catalogs, installed, on or order.order_date)
    kept = [node for node in nodes if node.item.id not in without]
    planned = _planned(kept, Expansion(catalogs, most))
    moving = {node.item.id: (node, each) for node, each in planned if each.action != Action.NO_CHANGE}
    relies_on = reliance_of(nodes, {item_id: node for item_id, (node, _) in moving.items()})
    if circle := find_circle(relies_on):
        raise DecompositionError([circular(circle, "serviceOrderItem")])
    after = orient(relies_on, {item_id: each.action for item_id, (_, each) in moving.items()})
    keys = {item_id: node.key for item_id, (node, _) in moving.items()}
    service_orders = [
        _service_order(node, each, [keys[need] for need in after[item_id]]) for item_id, (node, each) in moving.items()
    ]
    touched = [node.item.service.id for node, _ in moving.values() if node.installed and node.item.service.id]
    return OrchestrationPlan(
        order_id=order.id or "",
        revision=revision,
        catalog=catalogs.version,
        service_orders=service_orders,
        belongs_to=owners_of(touched, installed),
    )


def bare_service_order(node: ServiceNode, specification: ServiceSpecification) -> ServiceOrderPlan:
    """Return a service order of a service alone, for one whose parts cannot be worked out yet."""
    given = {name: value for name, value in node.item.service.characteristics().items() if value is not None}
    item = ServiceItem(
        key=CUSTOMER_FACING,
        action=Action.ADD,
        specification=specification.as_specification,
        place=node.scope.place["id"],
        characteristics=given,
    )
    return _service_order(node, PlannedService(Action.ADD, [item], None), [])


def owners_of(touched: Sequence[str], installed: InstalledBase) -> list[str]:
    """Return what the services or resources with these ids realise or support."""
    return list(dict.fromkeys(owner for each in touched for owner in installed.owners.get(each, [])))


def circular(circle: Sequence[str], path: str) -> Violation:
    """Return the violation of items that rely on each other in a circle."""
    message = f"items rely on each other in a circle: {' → '.join(circle)}"
    return Violation(code="circularReliance", path=path, message=message, item_id=circle[0])


def _planned(nodes: Sequence[ServiceNode], expansion: Expansion) -> Iterator[tuple[ServiceNode, PlannedService]]:
    """Yield what the order of each item does.

    Raises:
        DecompositionError: with every item whose values the catalog cannot work with.
    """
    violations: list[Violation] = []
    planned: list[tuple[ServiceNode, PlannedService]] = []
    for node in nodes:
        if node.item.action is Action.NO_CHANGE:
            continue
        try:
            planned.append((node, _plan(node, expansion)))
        except ExpressionError as error:
            message = f"the catalog cannot work out {error}"
            path = f"{node.path}.service"
            violations.append(Violation(code="catalogExpression", path=path, message=message, item_id=node.item.id))
    if violations:
        raise DecompositionError(violations)
    yield from planned


def _plan(node: ServiceNode, expansion: Expansion) -> PlannedService:
    catalogs = expansion.catalogs
    if node.item.action is Action.DELETE and node.installed:
        return PlannedService(Action.DELETE, removed_items(node.installed, catalogs), None)
    if node.specification is None:
        raise LookupError(f"item {node.item.id} has no specification: the order was not checked")
    target = expansion.service(node.specification, node.characteristics, node.scope)
    before = _before(node, Expansion(catalogs, expansion.most))
    return plan_service(target, node.installed, before, {}, catalogs, mending_of(node, catalogs))


def _before(node: ServiceNode, expansion: Expansion) -> ServiceTarget | None:
    """Return what the catalog makes of the service as it is installed, as far as it still can."""
    if node.installed is None or node.specification is None:
        return None
    try:
        before = expansion.service(node.specification, node.before(), node.scope_before())
    except ExpressionError:
        return None
    return before if node.installed.place else _nowhere(before)


def _nowhere(target: ServiceTarget) -> ServiceTarget:
    """Return a service with its parts of which nobody knows where they are, so that inventory comes to say it."""
    return replace(target, place=None, services=[_nowhere(each) for each in target.services])


def _service_order(node: ServiceNode, planned: PlannedService, after: list[str]) -> ServiceOrderPlan:
    whole = next(item for item in planned.items if item.customer_facing)
    whole.resource_facing = node.specification is not None and not node.specification.customer_facing
    # What is new of an installed service is whose that is: also nobody's, whomever the order names.
    customer = node.installed.customer_id if node.installed else node.scope.customer["id"]
    return ServiceOrderPlan(
        key=node.key,
        item_id=node.item.id,
        unit=node.unit,
        action=planned.action,
        specification=whole.specification,
        place=whole.place,
        customer_id=customer,
        depends_on=after,
        items=planned.items,
        policy=whole.policy,
    )
