"""The products and deliveries of a plan: what product inventory and billing are to hold, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from catalogs.decomposition.changes import overlaid
from catalogs.decomposition.products import ServiceDraft, relied_products
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.entities import ONCE
from catalogs.model.steps import take_rules
from catalogs.nodes.products import WHOLE_ORDER, ProductNode
from catalogs.nodes.reliance import Reliance
from catalogs.nodes.targets import policy_of
from catalogs.pricing.order_prices import lasting
from catalogs.pricing.product_prices import depend_on_place, product_prices
from orders.model.installed import InstalledProduct
from orders.model.product_orders import Action, Reference
from orders.plan.graph import find_circle, orient
from orders.plan.keys import delivery_key
from orders.plan.parts import Delivery, ProductPlan, ServiceOrderPlan


def plan_products(
    nodes: Sequence[ProductNode],
    drafts: Mapping[ProductNode, list[ServiceDraft]],
    service_orders: set[str],
    reliance: Reliance,
    catalogs: CatalogSet,
    on: datetime | None,
) -> list[ProductPlan]:
    """Return the plan of every product, in the order's sequence."""
    relied = {node.key: [each.key for each in relied_products(node, reliance)] for node in nodes}
    services = {node.key: [each.key for each in drafts[node] if each.key in service_orders] for node in nodes}
    busy = {node.unit for node in nodes if services[node.key]}
    plans = [_product(node, services[node.key], relied[node.key], catalogs, on) for node in nodes]
    after = _after(nodes, relied)
    for node, plan in zip(nodes, plans, strict=True):
        own = [delivery_key(node.unit)] if _is_shared(node) and node.unit in busy else services[node.key]
        plan.depends_on = [*own, *after[node.key]]
    return plans


def deliveries_of(nodes: Sequence[ProductNode], service_orders: Sequence[ServiceOrderPlan]) -> list[Delivery]:
    """Return the delivery of each unit that is all or nothing and has service orders."""
    shared = dict.fromkeys(node.unit for node in nodes if _is_shared(node))
    by_unit: dict[str, list[str]] = {}
    for each in service_orders:
        by_unit.setdefault(each.unit, []).append(each.key)
    return [Delivery(key=delivery_key(unit), unit=unit, depends_on=by_unit[unit]) for unit in shared if unit in by_unit]


def _is_shared(node: ProductNode) -> bool:
    """Return whether a product is delivered together with others: those of its bundle, or the whole order."""
    return node.unit == WHOLE_ORDER or node.parent is not None or bool(node.children)


def _after(nodes: Sequence[ProductNode], relied: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what each product is recorded after: the parts of a bundle, and where it goes, what it relies on."""
    parts = {node.key: [child.key for child in node.children] for node in nodes}
    needs = orient(relied, {node.key: node.action for node in nodes})
    together = {key: list(dict.fromkeys([*parts[key], *needs[key]])) for key in parts}
    return parts if find_circle(together) else together


def _product(
    node: ProductNode, services: list[str], relied: list[str], catalogs: CatalogSet, on: datetime | None
) -> ProductPlan:
    installed = node.installed
    before = installed.characteristics if installed else {}
    previous_prices = installed.prices if installed else []
    plan = ProductPlan(
        key=node.key,
        item_id=node.item_id,
        unit=node.unit,
        action=node.action,
        name=_name(node),
        product_id=installed.id if installed else None,
        offering=_offering(node),
        specification=node.specification.as_specification if node.specification else None,
        place=node.place,
        previous_place=installed.place if installed else None,
        customer_id=node.scope.customer["id"],
        billing_account=node.billing_account,
        components=[child.key for child in node.children],
        services=services,
        relies_on=relied,
        characteristics=before,
        previous=before,
        prices=previous_prices,
        previous_prices=previous_prices,
        policy=policy_of(node.specification.fulfilment.policy if node.specification else None),
    )
    if node.action is Action.DELETE:
        plan.prices = []
    elif node.action is Action.ADD:
        plan.characteristics = overlaid({}, node.scope.product)
        plan.prices = product_prices(node, catalogs, on)
    else:
        _compare(plan, node, catalogs, on)
    take_rules(plan, node.specification.fulfilment if node.specification else None)
    return plan


def _compare(plan: ProductPlan, node: ProductNode, catalogs: CatalogSet, on: datetime | None) -> None:
    """Make a modification what it comes to: new values and prices, or no change at all."""
    installed = node.installed
    recomposed = any(child.action in (Action.ADD, Action.DELETE) for child in node.children)
    if installed is None or (node.action is Action.NO_CHANGE and not recomposed):
        return
    plan.prices = lasting(installed.prices)
    if node.action is Action.NO_CHANGE:
        plan.action = Action.MODIFY  # its parts become others, which product inventory is to show
        return
    characteristics = overlaid(installed.characteristics, node.scope.product)
    moved = node.place != installed.place
    becomes_another = node.offering is not None and node.offering.id != installed.offering_id
    plan.characteristics = characteristics
    if characteristics != installed.characteristics or becomes_another:
        plan.prices = product_prices(node, catalogs, on)
    elif moved:
        now = product_prices(node, catalogs, on)
        once = [each for each in now if each.price_type == ONCE]
        plan.prices = now if depend_on_place(node, catalogs) else [*plan.prices, *once]
    elif not plan.services and not recomposed and not _is_relabelled(plan, installed):
        plan.action, plan.prices = Action.NO_CHANGE, installed.prices


def _is_relabelled(plan: ProductPlan, installed: InstalledProduct) -> bool:
    """Return whether a product gets another name, or is billed to another account."""
    return (plan.name, plan.billing_account) != (installed.name, installed.billing_account)


def _offering(node: ProductNode) -> Reference | None:
    if node.offering:
        return Reference(id=node.offering.id, name=node.offering.name)
    return Reference(id=node.installed.offering_id) if node.installed and node.installed.offering_id else None


def _name(node: ProductNode) -> str:
    if node.item and node.item.product and node.item.product.name:
        return node.item.product.name
    if node.installed:
        return node.installed.name
    named = node.offering or node.specification
    return named.name if named else node.item_id
