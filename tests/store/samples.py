"""Orders and changes that the store's tests are about."""

from __future__ import annotations

from typing import Any

from orders.lifecycle.change import OrderChange, OrderEntries
from orders.lifecycle.states import OrderKind, OrderState
from store.orders import AcceptedOrder
from tmf.bodies import Document


def product_order(order_id: str, **attributes: Any) -> Document:
    """A product order's document: a bundle `1` with `1.1` in it, and an item `2`."""
    return {
        "id": order_id,
        "href": f"/tmf-api/productOrderingManagement/v4/productOrder/{order_id}",
        "orderDate": "2026-03-01T10:00:00.000Z",
        "state": "acknowledged",
        "relatedParty": [{"id": "customer-1", "role": "Customer"}],
        "productOrderItem": [
            {
                "id": "1",
                "action": "add",
                "state": "acknowledged",
                "productOrderItem": [{"id": "1.1", "action": "add", "state": "acknowledged"}],
            },
            {"id": "2", "action": "add", "state": "acknowledged"},
        ],
    } | attributes


def accepted(order_id: str, digest: str = "digest", **attributes: Any) -> AcceptedOrder:
    return AcceptedOrder(OrderKind.PRODUCT, order_id, product_order(order_id, **attributes), "crm", digest)


def change(
    order_id: str,
    version: int,
    state: OrderState = OrderState.IN_PROGRESS,
    attributes: Document | None = None,
    items: dict[str, Document] | None = None,
    kind: OrderKind = OrderKind.PRODUCT,
) -> OrderChange:
    return OrderChange(
        kind=kind, order_id=order_id, version=version, state=state, attributes=attributes or {}, items=items or {}
    )


def entries(order_id: str, **appended: list[Document]) -> OrderEntries:
    return OrderEntries(kind=OrderKind.PRODUCT, order_id=order_id, appended=appended)
