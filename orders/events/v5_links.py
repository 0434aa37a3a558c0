"""How product orders and their cancellations leave the gateway by TMF622 v5: in its shape, with its addresses."""

from __future__ import annotations

from urllib.parse import quote

from orders.events.links import cancellation_name, with_cancellation_links, with_links
from orders.lifecycle.states import OrderKind
from orders.model.v5 import CANCELLATION, to_v5
from tmf.bodies import Document
from tmf.paths import TMF622_V5

_ORDERS = OrderKind.PRODUCT.value
_CANCELLATIONS = cancellation_name(OrderKind.PRODUCT)


def order_in_v5(base_url: str, document: Document) -> Document:
    """Return a product order, kept in v4's shape, as v5 shows it; the orders that it has made keep their addresses."""
    order = to_v5(with_links(base_url, OrderKind.PRODUCT, document))
    return {**order, "href": _href(base_url, _ORDERS, document["id"])}


def cancellation_in_v5(base_url: str, document: Document) -> Document:
    """Return a cancellation, kept in v4's shape, as v5 shows it."""
    if (order := document.get(_ORDERS)) is not None:
        named = {"id": order["id"], "href": _href(base_url, _ORDERS, order["id"]), **order}
        document = {**document, _ORDERS: named}
    cancellation = to_v5(with_cancellation_links(base_url, OrderKind.PRODUCT, document), CANCELLATION)
    return {**cancellation, "href": _href(base_url, _CANCELLATIONS, document["id"])}


def _href(base_url: str, collection: str, resource_id: str) -> str:
    return f"{base_url}{TMF622_V5}/{collection}/{quote(resource_id, safe=':*~!')}"
