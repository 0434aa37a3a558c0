"""Orders for the shipped catalogs, in few words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from orders.model.product_orders import ProductOrder
from tmf.bodies import Document

CUSTOMER = "customer-1"
TODAY = datetime(2026, 6, 1, tzinfo=UTC)


def order(*items: Document, customer: str | None = CUSTOMER, **attributes: Any) -> ProductOrder:
    """Return an order of these items for a customer, dated TODAY."""
    document: Document = {
        "id": "order-1",
        "orderDate": TODAY.isoformat(),
        "productOrderItem": list(items),
        **attributes,
    }
    if customer:
        document["relatedParty"] = [{"id": customer, "role": "Customer", "@referredType": "Customer"}]
    return ProductOrder.model_validate(document)


def item(item_id: str, action: str, *parts: Document, **attributes: Any) -> Document:
    """Return an item; `offering`, `product`, `place` and `characteristics` are put where TMF622 has them."""
    document: Document = {"id": item_id, "action": action}
    product: Document = {}
    if offering := attributes.pop("offering", None):
        document["productOffering"] = offering if isinstance(offering, dict) else {"id": offering}
    if product_id := attributes.pop("product", None):
        product["id"] = product_id
    if place := attributes.pop("place", None):
        product["place"] = [{"id": place, "role": "installation"}]
    if relies_on := attributes.pop("relies_on", None):
        document["productOrderItemRelationship"] = [{"id": each, "relationshipType": "reliesOn"} for each in relies_on]
    if characteristics := attributes.pop("characteristics", None):
        product["productCharacteristic"] = [{"name": name, "value": value} for name, value in characteristics.items()]
    if product:
        document["product"] = product
    if parts:
        document["productOrderItem"] = list(parts)
    return {**document, **attributes}


def add(item_id: str, offering: str, *parts: Document, place: str | None = None, **characteristics: Any) -> Document:
    return item(item_id, "add", *parts, offering=offering, place=place, characteristics=characteristics)


def modify(item_id: str, product: str, *parts: Document, **characteristics: Any) -> Document:
    return item(item_id, "modify", *parts, product=product, characteristics=characteristics)


def delete(item_id: str, product: str, *parts: Document) -> Document:
    return item(item_id, "delete", *parts, product=product)


def keep(item_id: str, product: str, *parts: Document) -> Document:
    return item(item_id, "noChange", *parts, product=product)


def fibre_bundle(*extras: Document, speed: int = 250) -> Document:
    """Return the least fibre bundle, with extras."""
    internet = add("internet", "fibre-internet", downloadSpeed=speed)
    return add("home", "fibre-home-bundle", internet, add("router", "home-router"), *extras, place="BER-1")


def voice(numbers: int = 1) -> Document:
    return add("voice", "home-voice", numberCount=numbers)


def tv(package: str = "basic", boxes: int = 1) -> Document:
    return add("tv", "home-tv", package=package, setTopBoxes=boxes)


def mobile(**characteristics: Any) -> Document:
    return add("mobile", "mobile-plan", **characteristics)


def vpn(spokes: int = 2) -> Document:
    """Return a VPN of a core, a hub and some spokes."""
    sites = [spoke(number) for number in range(1, spokes + 1)]
    hub = add("hub", "vpn-hub-site", place="SITE-HUB", siteName="Head office", bandwidth=500)
    return add("vpn", "business-vpn", add("core", "vpn-core"), hub, *sites)


def spoke(number: int) -> Document:
    name, place = f"spoke{number}", f"SITE-{number}"
    return add(name, "vpn-spoke-site", place=place, siteName=f"Branch {number}", bandwidth=100)
