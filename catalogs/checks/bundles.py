"""Checks of bundles: their parts belong to them, are neither too few nor too many, and do what goes with the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from catalogs.checks.context import OrderContext
from catalogs.model.entities import ProductOffering
from catalogs.nodes.products import ProductNode
from orders.model.installed import InstalledProduct
from orders.model.product_orders import Action
from orders.model.violation import Violation
from orders.plan.graph import find_circle

_GOES_WITH = {
    Action.ADD: frozenset({Action.ADD}),
    Action.MODIFY: frozenset(Action),
    Action.NO_CHANGE: frozenset(Action),
    Action.DELETE: frozenset({Action.DELETE}),
}
"""What may happen to the parts of a bundle, by what happens to the bundle."""


def check_bundles(context: OrderContext) -> Iterator[Violation]:
    """Check each bundle of the order, as it will be when the order is done."""
    yield from _check_circle(context)
    for node in context.nodes.values():
        yield from _check_whole(context, node)
        for item_id in dict.fromkeys(part.item_id for part in node.children if part.item):
            yield from _check_part(context, node, context.nodes[item_id])
        if node.offering and node.offering.is_bundle and node.action is not Action.DELETE:
            yield from _check_cardinalities(context, node, node.offering)
        if node.action is Action.DELETE and node.installed and node.parent is None:
            yield from _check_left_behind(context, node, node.installed)


def _check_circle(context: OrderContext) -> Iterator[Violation]:
    bundles: dict[str, list[str]] = {}
    for item, parent, _ in context.order.items():
        bundles.setdefault(item.id, [])
        if parent:
            bundles.setdefault(parent.id, []).append(item.id)
        bundles[item.id] += [
            relation.id for relation in item.product_order_item_relationship if relation.relationship_type == "bundles"
        ]
    if circle := find_circle(bundles):
        message = f"items bundle each other in a circle: {' → '.join(circle)}"
        yield context.violation(context.nodes[circle[0]], "circularBundle", "productOrderItemRelationship", message)


def _check_whole(context: OrderContext, node: ProductNode) -> Iterator[Violation]:
    if node.children and node.offering and not node.offering.is_bundle:
        message = f"{node.offering.name} ({node.offering.id}) is no bundle; it has no parts"
        yield context.violation(node, "notABundle", "productOffering.id", message)
    quantity = node.item.quantity or 1 if node.item else 1
    is_bundle = node.children or (node.offering and node.offering.is_bundle)
    if quantity > 1 and is_bundle and node.action is Action.ADD:
        message = f"a bundle is ordered one at a time, not {quantity} in one item"
        yield context.violation(node, "quantityNotAllowed", "quantity", message)


def _check_part(context: OrderContext, bundle: ProductNode, part: ProductNode) -> Iterator[Violation]:
    if part.action not in _GOES_WITH[bundle.action]:
        message = f"item {part.item_id} cannot {part.action} a part of what item {bundle.item_id} is to {bundle.action}"
        yield context.violation(part, "actionsDoNotFit", "action", message)
    if bundle.offering and bundle.offering.is_bundle and part.offering and part.action is Action.ADD:
        offered = {child.id for child in bundle.offering.bundled_product_offering}
        if part.offering.id not in offered:
            message = f"{part.offering.name} ({part.offering.id}) is no part of {bundle.offering.name}"
            yield context.violation(part, "notInBundle", "productOffering.id", message)
    if bundle.installed and part.installed and part.installed.id not in bundle.installed.components:
        message = f"product {part.installed.id} is no part of product {bundle.installed.id}"
        yield context.violation(part, "notInBundle", "product.id", message)


def _check_cardinalities(context: OrderContext, node: ProductNode, offering: ProductOffering) -> Iterator[Violation]:
    counts = _parts_afterwards(context, node)
    touched = {part.offering.id for part in node.children if part.item and part.offering}
    for child in offering.bundled_product_offering:
        if node.action is not Action.ADD and child.id not in touched:
            continue
        least, most = child.option.number_rel_offer_lower_limit, child.option.number_rel_offer_upper_limit
        count = counts[child.id]
        if count < least:
            message = f"{offering.name} needs {_least(least, most)} {child.id}; with this order it has {count}"
            yield context.violation(node, "bundleHasTooFew", "productOrderItem", message)
        if most is not None and count > most:
            message = f"{offering.name} takes at most {most} {child.id}; with this order it has {count}"
            yield context.violation(node, "bundleHasTooMany", "productOrderItem", message)


def _check_left_behind(context: OrderContext, node: ProductNode, deleted: InstalledProduct) -> Iterator[Violation]:
    """Check that a bundle which the order does not name can do without the part that goes."""
    going = context.going()
    named = {each.installed.id for each in context.nodes.values() if each.installed}
    for bundle in context.installed.products.values():
        if deleted.id not in bundle.components or bundle.id in going | named:
            continue
        offering = context.catalogs.offerings.get(bundle.offering_id) if bundle.offering_id else None
        for child in offering.bundled_product_offering if offering else []:
            least, most = child.option.number_rel_offer_lower_limit, child.option.number_rel_offer_upper_limit
            left = [
                part
                for name in bundle.components
                if name not in going and (part := context.installed.products.get(name)) and part.offering_id == child.id
            ]
            if child.id == deleted.offering_id and len(left) < least:
                message = f"{bundle.name} ({bundle.id}) needs {_least(least, most)} {child.id}; delete the whole bundle"
                yield context.violation(node, "bundleHasTooFew", "product.id", message)


def _least(least: int, most: int | None) -> str:
    return f"exactly {least}" if least == most else f"at least {least}"


def _parts_afterwards(context: OrderContext, bundle: ProductNode) -> Counter[str]:
    """Return how many of each offering the bundle has when the order is done."""
    counts: Counter[str] = Counter()
    going = context.going()
    for name in bundle.installed.components if bundle.installed else []:
        part = context.installed.products.get(name)
        if part and part.offering_id and name not in going:
            counts[part.offering_id] += 1
    for child in bundle.children:
        if child.action is Action.ADD and child.offering and child.item:
            counts[child.offering.id] += 1
    return counts
