"""Checks of single items: can this offering be ordered, and is this product there to be changed?"""

from __future__ import annotations

from collections.abc import Iterator

from catalogs.checks.context import OrderContext
from catalogs.model.entities import ON_SALE, ProductOffering
from catalogs.model.faults import did_you_mean
from catalogs.nodes.products import ProductNode
from orders.model.product_orders import WITH_VALUES, Action
from orders.model.violation import Violation
from tmf.instants import timestamp


def check_offerings(context: OrderContext) -> Iterator[Violation]:
    """Check that what is ordered is known, on sale, and sold in this way."""
    for node in context.nodes.values():
        yield from _check_named_alike(context, node)
        if node.action is Action.ADD and (node.item is None or node.item.product_offering is None):
            yield context.violation(
                node,
                "offeringMissing",
                "productOffering",
                "an item to add names no product offering, nor does its product",
            )
        elif node.item and node.item.product_offering and node.action in WITH_VALUES:
            yield from _check_offering(context, node)


def _check_named_alike(context: OrderContext, node: ProductNode) -> Iterator[Violation]:
    named = node.item.product_offering if node.item else None
    inside = node.item.product.product_offering if node.item and node.item.product else None
    if named and inside and named.id != inside.id:
        message = f"the product is of the offering {inside.id}, its item orders {named.id}; name one, in either place"
        yield context.violation(node, "offeringDiffers", "product.productOffering.id", message)


def _check_offering(context: OrderContext, node: ProductNode) -> Iterator[Violation]:
    reference = node.item.product_offering if node.item else None
    offering = node.offering
    if reference is None:
        return
    if offering is None:
        version = (reference.model_extra or {}).get("version")
        of = f" in version {version}" if version and reference.id in context.catalogs.offerings else ""
        known = did_you_mean(reference.id, context.catalogs.offerings.ids())
        message = f"there is no product offering {reference.id!r}{of}{known if not of else ''}"
        yield context.violation(node, "unknownOffering", "productOffering.id", message)
        return
    if node.installed and node.installed.offering_id == offering.id:
        return
    yield from _check_on_sale(context, node, offering)
    if node.parent is None and node.action is Action.ADD and not offering.is_sellable:
        message = f"{offering.name} ({offering.id}) is sold only as a part of a bundle"
        yield context.violation(node, "offeringNotSellable", "productOffering.id", message)
    if node.installed and _specification(offering) != node.installed.specification_id:
        message = f"{offering.id} is another product than {node.installed.name}: delete the one and add the other"
        yield context.violation(node, "offeringOfOtherProduct", "productOffering.id", message)


def _check_on_sale(context: OrderContext, node: ProductNode, offering: ProductOffering) -> Iterator[Violation]:
    named = f"{offering.name} ({offering.id}, version {offering.version})"
    period = offering.valid_for
    if offering.lifecycle_status not in ON_SALE:
        message = f"{named} is not on sale: it is {offering.lifecycle_status}"
        yield context.violation(node, "offeringNotOnSale", "productOffering.id", message)
    if period and period.start_date_time and period.begins_after(context.on):
        message = f"{named} is on sale only from {timestamp(period.start_date_time)}"
        yield context.violation(node, "offeringNotYetValid", "productOffering.id", message)
    if period and period.end_date_time and period.ended_by(context.on):
        message = f"{named} was on sale until {timestamp(period.end_date_time)}"
        yield context.violation(node, "offeringNoLongerValid", "productOffering.id", message)


def check_products(context: OrderContext) -> Iterator[Violation]:
    """Check that what is changed or ended is there, is the customer's, and is named once."""
    seen: dict[str, str] = {}
    for node in context.nodes.values():
        product_id = node.item.product.id if node.item and node.item.product else None
        if node.action is Action.ADD:
            yield from _check_new(context, node, product_id)
        elif product_id is None or not product_id.strip():
            message = f"an item to {node.action} names no product by its id"
            yield context.violation(node, "productMissing", "product.id", message)
        else:
            yield from _check_installed(context, node, product_id)
            if product_id in seen:
                message = f"product {product_id} is item {seen[product_id]}'s already"
                yield context.violation(node, "productNamedTwice", "product.id", message)
            seen.setdefault(product_id, node.item_id)
        if node.action is not Action.ADD and node.item and (node.item.quantity or 1) > 1:
            message = f"an item to {node.action} is about one product; its quantity is {node.item.quantity}"
            yield context.violation(node, "quantityNotAllowed", "quantity", message)


def _check_new(context: OrderContext, node: ProductNode, product_id: str | None) -> Iterator[Violation]:
    if node.installed:
        message = f"product {product_id} is in inventory already; an item to add makes a new one"
        yield context.violation(node, "productExists", "product.id", message)


def _check_installed(context: OrderContext, node: ProductNode, product_id: str) -> Iterator[Violation]:
    product = node.installed
    if product is None:
        message = f"product {product_id} is not in inventory"
        yield context.violation(node, "productNotFound", "product.id", message)
        return
    customer = context.order.customer_id()
    if product.customer_id != customer and (customer or not context.order.needs_customer):
        who = customer or "nobody: the order names no customer"
        yield context.violation(
            node, "productNotOfCustomer", "product.id", f"product {product_id} is not a product of customer {who}"
        )
    if node.action is Action.MODIFY and product.specification_id and node.specification is None:
        message = f"product {product_id} is of the specification {product.specification_id!r}, which no catalog has"
        yield context.violation(node, "unknownSpecification", "product.id", message)
    if not product.in_use:
        message = f"product {product_id} is {product.status}; only one in use can be ordered to {node.action}"
        yield context.violation(node, "productNotActive", "product.id", message)


def _specification(offering: ProductOffering) -> str | None:
    return offering.product_specification.id if offering.product_specification else None
