"""Checks of relations: between items of the order, and between offerings that require or exclude each other."""

from __future__ import annotations

from collections.abc import Iterator

from catalogs.checks.context import OrderContext
from catalogs.model.entities import ProductOffering
from catalogs.nodes.products import ProductNode
from catalogs.nodes.reliance import RELIES_ON
from orders.model.product_orders import Action
from orders.model.violation import Violation
from orders.plan.graph import find_circle


def check_relations(context: OrderContext) -> Iterator[Violation]:
    """Check that relations lead to items of the order, and that no items rely on each other in a circle."""
    relies_on: dict[str, list[str]] = {item_id: [] for item_id in context.nodes}
    for item_id, node in context.nodes.items():
        for index, relation in enumerate(node.item.product_order_item_relationship if node.item else []):
            if relation.id not in context.nodes:
                message = f"the order has no item {relation.id!r}"
                part = f"productOrderItemRelationship[{index}].id"
                yield context.violation(node, "unknownItem", part, message)
            elif relation.relationship_type in RELIES_ON:
                relies_on[item_id].append(relation.id)
    if circle := find_circle(relies_on):
        message = f"items rely on each other in a circle: {' → '.join(circle)}"
        yield context.violation(context.nodes[circle[0]], "circularReliance", "productOrderItemRelationship", message)


def check_requirements(context: OrderContext) -> Iterator[Violation]:
    """Check that what an offering requires is ordered with it or there, and stays there while it is needed."""
    going = context.going()
    present = _present(context)
    for node in _added(context):
        for required in _related(node.offering, "requires"):
            if required not in present:
                message = f"{_named(node)} requires {required}, which the customer neither has nor orders"
                yield context.violation(node, "requirementMissing", "productOffering.id", message)
    for node in context.nodes.values():
        if node.action is not Action.DELETE or node.installed is None:
            continue
        lost = {part.offering_id for part in context.with_parts(node.installed)} - present.keys()
        for other in context.installed.of_customer(context.order.customer_id()):
            offering = context.catalogs.offerings.get(other.offering_id) if other.offering_id else None
            if other.id in going or other.status != "active":
                continue
            for required in (each for each in _related(offering, "requires") if each in lost):
                message = f"product {other.id} ({other.name}) still requires {required}"
                yield context.violation(node, "stillRequired", "product.id", message)


def check_exclusions(context: OrderContext) -> Iterator[Violation]:
    """Check that nothing is added that excludes, or is excluded by, what the customer has or orders."""
    present = _present(context)
    for node in _added(context):
        for other_id, where in present.items():
            if node.offering is None or other_id == node.offering.id:
                continue
            other = context.catalogs.offerings.get(other_id)
            if other_id in _related(node.offering, "excludes") or node.offering.id in _related(other, "excludes"):
                message = f"{_named(node)} and {other_id} exclude each other; {other_id} is {where}"
                yield context.violation(node, "offeringExcluded", "productOffering.id", message)


def _added(context: OrderContext) -> Iterator[ProductNode]:
    """Yield the products that come to be, or come to be of another offering."""
    for node in context.nodes.values():
        changes = node.installed and node.offering and node.installed.offering_id != node.offering.id
        if node.action is Action.ADD or (node.action is Action.MODIFY and changes):
            yield node


def _present(context: OrderContext) -> dict[str, str]:
    """Return the offerings that the customer has when the order is done, and where each comes from."""
    replaced = {
        node.installed.id
        for node in context.nodes.values()
        if node.installed and node.action is Action.MODIFY and node.offering
    }
    gone = context.going() | replaced
    present = {
        product.offering_id: f"product {product.id}"
        for product in context.installed.of_customer(context.order.customer_id())
        if product.offering_id and product.id not in gone and product.status == "active"
    }
    for node in context.nodes.values():
        if node.offering and node.action is not Action.DELETE:
            present.setdefault(node.offering.id, f"item {node.item_id}")
    return present


def _related(offering: ProductOffering | None, kind: str) -> list[str]:
    relations = offering.product_offering_relationship if offering else []
    return [relation.id for relation in relations if relation.relationship_type == kind]


def _named(node: ProductNode) -> str:
    return node.offering.id if node.offering else node.item_id
