"""Decomposes a product order into its orchestration plan: a pure function of order, catalogs and installed base."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from graphlib import TopologicalSorter

from catalogs.catalog_set import CatalogSet
from catalogs.expressions import ExpressionError
from catalogs.modification import PlannedService, plan_service
from catalogs.product_decomposition import ServiceDraft, draft_services, link
from catalogs.product_nodes import ProductNode, product_nodes
from catalogs.product_plans import deliveries_of, plan_products
from catalogs.reliance import Reliance
from catalogs.teardown import removed_items
from orders.graph import find_circle, orient
from orders.installed import InstalledBase
from orders.plan import OrchestrationPlan, ServiceOrderPlan
from orders.tmf import Action, ProductOrder
from orders.violation import Violation


class DecompositionError(Exception):
    """An order cannot be decomposed; `violations` says why, in words for the one who sent it."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(map(str, violations)))
        self.violations = list(violations)


def decompose(
    order: ProductOrder,
    catalogs: CatalogSet,
    installed: InstalledBase,
    revision: int = 1,
    on: datetime | None = None,
) -> OrchestrationPlan:
    """Return all that an order comes down to; nothing is executed, and the same values give the same plan.

    Args:
        on: the moment that decides which versions of offerings and which prices hold; the order's date without it.

    Raises:
        DecompositionError: for a circle, a product that is not installed, or an expression that this order's values
            do not fit.
    """
    moment = on or order.order_date
    nodes = product_nodes(order, catalogs, installed, moment)
    reliance = Reliance(nodes, installed)
    drafts = draft_order(nodes, reliance, catalogs)
    by_key = {draft.key: draft for own in drafts.values() for draft in own}
    planned = _plan(by_key, catalogs)
    service_orders = _service_orders(by_key, planned)
    services = {each.key for each in service_orders}
    products = plan_products(nodes, drafts, services, reliance, catalogs, moment)
    return OrchestrationPlan(
        order_id=order.id or "",
        revision=revision,
        catalog=catalogs.version,
        service_orders=service_orders,
        products=products,
        deliveries=deliveries_of(nodes, service_orders),
    )


def draft_order(
    nodes: Sequence[ProductNode], reliance: Reliance, catalogs: CatalogSet
) -> dict[ProductNode, list[ServiceDraft]]:
    """Return the service orders that the products of an order may need, with what each relies on, free of circles.

    Raises:
        DecompositionError: as `decompose` does.
    """
    _check_installed(nodes)
    drafts = {node: _drafts(node, catalogs) for node in nodes}
    link(drafts, reliance)
    by_key = {draft.key: draft for own in drafts.values() for draft in own}
    if circle := find_circle({key: draft.relies_on for key, draft in by_key.items()}):
        raise DecompositionError([_circle(circle, by_key)])
    return drafts


def _check_installed(nodes: Sequence[ProductNode]) -> None:
    missing = [
        Violation(
            code="productNotFound",
            path=f"productOrderItem[?(@.id=='{node.item_id}')].product.id",
            message=f"item {node.item_id} is to {node.action} a product that is not in inventory",
            item_id=node.item_id,
        )
        for node in nodes
        if node.action is not Action.ADD and node.installed is None
    ]
    if missing:
        raise DecompositionError(missing)


def _drafts(node: ProductNode, catalogs: CatalogSet) -> list[ServiceDraft]:
    try:
        return draft_services(node, catalogs)
    except ExpressionError as error:
        raise DecompositionError(
            [
                Violation(
                    code="catalogExpression",
                    path=f"productOrderItem[?(@.id=='{node.item_id}')].product",
                    message=f"item {node.item_id}: the catalog cannot work out {error}",
                    item_id=node.item_id,
                )
            ]
        ) from error


def _plan(drafts: dict[str, ServiceDraft], catalogs: CatalogSet) -> dict[str, PlannedService]:
    """Return what each service order does, those first that others rely on, so that changes carry over."""
    graph = {key: draft.relies_on for key, draft in drafts.items()}
    planned: dict[str, PlannedService] = {}
    for key in TopologicalSorter(graph).static_order():
        draft = drafts[key]
        if draft.target is None and draft.installed is not None:
            items = removed_items(draft.installed, catalogs, draft.requirement)
            planned[key] = PlannedService(Action.DELETE, items, None)
        elif draft.target is not None:
            inputs = {name: planned[other].changed for name, other in draft.names.items() if _moves(planned[other])}
            planned[key] = plan_service(draft.target, draft.installed, draft.before, inputs, catalogs)
    return planned


def _moves(planned: PlannedService) -> bool:
    return planned.changed is None or bool(planned.changed)


def _service_orders(drafts: dict[str, ServiceDraft], planned: dict[str, PlannedService]) -> list[ServiceOrderPlan]:
    """Return the plans of the service orders that do something, each with what it starts after."""
    moving = {key: draft for key, draft in drafts.items() if planned[key].action is not Action.NO_CHANGE}
    relies_on = {key: [need for need in draft.relies_on if need in moving] for key, draft in moving.items()}
    after = orient(relies_on, {key: planned[key].action for key in moving})
    return [_service_order(draft, planned[key], drafts, moving, after[key]) for key, draft in moving.items()]


def _service_order(
    draft: ServiceDraft,
    planned: PlannedService,
    drafts: dict[str, ServiceDraft],
    moving: dict[str, ServiceDraft],
    after: list[str],
) -> ServiceOrderPlan:
    whole = next(item for item in planned.items if item.customer_facing)
    resting = {name: drafts[key].installed for name, key in draft.names.items() if key not in moving}
    given = {name: service.characteristics for name, service in resting.items() if service}
    return ServiceOrderPlan(
        key=draft.key,
        item_id=draft.node.item_id,
        unit=draft.node.unit,
        action=planned.action,
        specification=whole.specification,
        place=draft.target.place if draft.target else draft.node.place,
        customer_id=draft.node.scope.customer["id"],
        depends_on=after,
        inputs={name: key for name, key in draft.names.items() if key in moving},
        given={**draft.given, **given},
        items=planned.items,
        policy=whole.policy,
    )


def _circle(circle: Sequence[str], drafts: dict[str, ServiceDraft]) -> Violation:
    items = [drafts[key].node.item_id for key in circle]
    around = [each for index, each in enumerate(items) if index == 0 or each != items[index - 1]]
    return Violation(
        code="circularReliance",
        path="productOrderItem",
        message=f"items rely on each other in a circle: {' → '.join(around)} (services {' → '.join(circle)})",
        item_id=items[0],
    )
