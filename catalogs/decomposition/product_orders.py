"""Decomposes a product order into its orchestration plan: a pure function of order, catalogs and installed base."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from graphlib import TopologicalSorter

from catalogs.decomposition.changes import reads_unguarded
from catalogs.decomposition.modification import PlannedService, plan_service
from catalogs.decomposition.product_plans import deliveries_of, plan_products
from catalogs.decomposition.products import ServiceDraft, draft_services, link
from catalogs.decomposition.services import Expansion
from catalogs.decomposition.teardown import removed_items
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.expressions import ExpressionError
from catalogs.nodes.products import ProductNode, product_nodes
from catalogs.nodes.reliance import Reliance
from orders.bounds import OrderLimits
from orders.change.comparison import Read, reads
from orders.model.installed import InstalledBase
from orders.model.product_orders import Action, ProductOrder
from orders.model.violation import Violation
from orders.plan.graph import find_circle, orient
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ServiceItem, ServiceOrderPlan


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
    without: Collection[str] = (),
    most: int = OrderLimits.parts,
) -> OrchestrationPlan:
    """Return all that an order comes down to; nothing is executed, and the same values give the same plan.

    Args:
        on: the moment that decides which versions of offerings and which prices hold; the order's date without it.
        without: items that are left out, as if the order did nothing about them.
        most: how many services and resources it may come down to.

    Raises:
        DecompositionError: for a circle, a product that is not installed, or an expression that this order's values
            do not fit.
        PlanTooLargeError: when it comes down to more.
    """
    moment = on or order.order_date
    nodes = [each for each in product_nodes(order, catalogs, installed, moment) if each.item_id not in without]
    reliance = Reliance(nodes, installed)
    drafts = draft_order(order, nodes, reliance, Expansion(catalogs, most), whole=not without)
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
    order: ProductOrder, nodes: Sequence[ProductNode], reliance: Reliance, expansion: Expansion, *, whole: bool = True
) -> dict[ProductNode, list[ServiceDraft]]:
    """Return the service orders that the products of an order may need, with what each relies on, free of circles.

    Args:
        whole: whether these are all products of the order; what others would need may be there otherwise.

    Raises:
        DecompositionError, PlanTooLargeError: as `decompose` does.
    """
    paths = {item.id: path for item, _, path in order.items()}
    violations = [each for node in nodes for each in _not_installed(node, paths)]
    drafts: dict[ProductNode, list[ServiceDraft]] = {}
    for node in nodes if not violations else ():
        try:
            drafts[node] = draft_services(node, expansion)
        except ExpressionError as error:
            message = f"the catalog cannot work out {error}"
            violations.append(_violation(node, paths, "catalogExpression", "product", message))
    if violations:
        raise DecompositionError(violations)
    link(drafts, reliance)
    by_key = {draft.key: draft for own in drafts.values() for draft in own}
    if circle := find_circle({key: draft.relies_on for key, draft in by_key.items()}):
        raise DecompositionError([_circle(circle, by_key)])
    if whole and (missing := [each for draft in by_key.values() for each in _missing(draft, paths)]):
        raise DecompositionError(missing)
    return drafts


def _not_installed(node: ProductNode, paths: Mapping[str, str]) -> Iterator[Violation]:
    if node.action is not Action.ADD and node.installed is None:
        message = f"the product to {node.action} is not in inventory"
        yield _violation(node, paths, "productNotFound", "product.id", message)


def _missing(draft: ServiceDraft, paths: Mapping[str, str]) -> Iterator[Violation]:
    """Yield the services of other products that a new service reads, and that are neither ordered nor installed."""
    if draft.target is None or draft.installed is not None:
        return
    for name in draft.target.beyond:
        if name not in draft.names and name not in draft.given and reads_unguarded(draft.target.late, name):
            product, service = name.split("/", 1)
            message = f"{draft.target.specification.name} needs the service {service!r} of a product {product!r}"
            yield _violation(draft.node, paths, "relianceMissing", "product", f"{message}, and there is none")


def _violation(node: ProductNode, paths: Mapping[str, str], code: str, part: str, message: str) -> Violation:
    return Violation(code=code, path=f"{paths[node.item_id]}.{part}", message=message, item_id=node.item_id)


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
    read = {each.name for item in planned.items for each in _late_reads(item) if each.variable == "services"}
    return ServiceOrderPlan(
        key=draft.key,
        item_id=draft.node.item_id,
        unit=draft.node.unit,
        action=planned.action,
        specification=whole.specification,
        place=whole.place,
        customer_id=draft.node.scope.customer["id"],
        depends_on=after,
        inputs={name: key for name, key in draft.names.items() if key in moving and (name in read or None in read)},
        given={**draft.given, **given},
        items=planned.items,
        policy=whole.policy,
    )


def _late_reads(item: ServiceItem) -> Iterator[Read]:
    for late in (item.late, *(each.late for each in item.resources)):
        for text in late.values():
            yield from reads(text)


def _circle(circle: Sequence[str], drafts: dict[str, ServiceDraft]) -> Violation:
    items = [drafts[key].node.item_id for key in circle]
    around = [each for index, each in enumerate(items) if index == 0 or each != items[index - 1]]
    return Violation(
        code="circularReliance",
        path="productOrderItem",
        message=f"items rely on each other in a circle: {' → '.join(around)} (services {' → '.join(circle)})",
        item_id=items[0],
    )
