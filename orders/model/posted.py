"""The orders that clients post, of any kind."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from orders.lifecycle.states import OrderKind
from orders.model.product_orders import ProductOrder
from orders.model.resource_orders import ResourceOrder
from orders.model.service_orders import ServiceOrder

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


_LARGEST_NAMES = 512 * 1024
"""Bytes of JSON that the names of an order's items take at most; their ids take as many."""

_ABOUT = {OrderKind.PRODUCT: "product", OrderKind.SERVICE: "service", OrderKind.RESOURCE: "resource"}


def paths_of(order: PostedOrder) -> dict[str, str]:
    """Return the JSON path of what each item of an order is about: `productOrderItem[0].product`."""
    return {item.id: f"{path}.{_ABOUT[order.kind]}" for item, _, path in order.items()}


def names_of_items(order: PostedOrder) -> dict[str, str]:
    """Return every item of an order, nested ones too: its id and what it is about.

    Where that is more than goes through Temporal with an order, each name is cut to its share.
    """
    names = {item.id: item.subject() for item, _, _ in order.items()}
    if len(to_json(list(names.values()))) <= _LARGEST_NAMES:
        return names
    return {item_id: _cut(name, _LARGEST_NAMES // len(names)) for item_id, name in names.items()}


def _cut(name: str, most: int) -> str:
    """Return the beginning of a text that takes so many bytes of JSON at most."""
    while (size := len(to_json(name)[1:-1])) > most:
        name = name[: len(name) * most // size]
    return name
