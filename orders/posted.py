"""The orders that clients post, of any kind."""

from __future__ import annotations

from typing import Any

from orders.lifecycle import OrderKind
from orders.resource_orders import ResourceOrder
from orders.service_orders import ServiceOrder
from orders.tmf import ProductOrder

PostedOrder = ProductOrder | ServiceOrder | ResourceOrder

MODELS: dict[OrderKind, type[PostedOrder]] = {
    OrderKind.PRODUCT: ProductOrder,
    OrderKind.SERVICE: ServiceOrder,
    OrderKind.RESOURCE: ResourceOrder,
}


def posted_order(kind: OrderKind, document: dict[str, Any]) -> PostedOrder:
    """Return an order's document as what it is.

    Raises:
        ValidationError: when it is no order of the kind.
    """
    return MODELS[kind].model_validate(document)


_ABOUT = {OrderKind.PRODUCT: "product", OrderKind.SERVICE: "service", OrderKind.RESOURCE: "resource"}


def paths_of(order: PostedOrder) -> dict[str, str]:
    """Return the JSON path of what each item of an order is about: `productOrderItem[0].product`."""
    return {item.id: f"{path}.{_ABOUT[order.kind]}" for item, _, path in order.items()}


def names_of_items(order: PostedOrder) -> dict[str, str]:
    """Return every item of an order, nested ones too: its id and what it is about."""
    return {item.id: item.subject() for item, _, _ in order.items()}
