"""The orders of the demonstration, as a CRM would send them, for the catalogs and the stock that are shipped."""

from __future__ import annotations

from typing import Any

from tmf.bodies import Document

HOUSEHOLD, NEIGHBOUR, OUT_OF_REACH = "c-household", "c-neighbour", "c-out-of-reach"
SUBSCRIBER, COMPANY = "c-subscriber", "c-company"
UNDECIDED, BRANCHES, MOVER = "c-undecided", "c-branches", "c-mover"
VPN_SITES, MORE_VPN_SITES, FEW_VPN_SITES = 8, 10, 3
MOVED_SITE, MOVED_FROM, MOVED_TO = "1.site3", "SITE-3", "SITE-12"
FAILING_SITE = "1.site2"


def fibre_bundle(customer: str, place: str) -> Document:
    """Internet at 250 Mbit/s, router, voice and TV at one address, all or nothing."""
    components = [
        _add("1.internet", "fibre-internet", place, downloadSpeed=250),
        _add("1.router", "home-router", place, wifiName="Our Home"),
        _add("1.voice", "home-voice", place, numberCount=1),
        _add("1.tv", "home-tv", place, package="premium", setTopBoxes=1),
    ]
    bundle = _add("1", "fibre-home-bundle", place) | {"productOrderItem": components}
    return _order(customer, "fibre", f"Fibre Home with TV at {place}", [bundle])


def mobile_plan(customer: str) -> Document:
    """A mobile plan on an eSIM."""
    item = _add("1", "mobile-plan", None, simType="esim", dataVolumeGb=20)
    return _order(customer, "mobile", "Mobile Plan 20 GB on an eSIM", [item])


def business_vpn(customer: str, sites: int = VPN_SITES) -> Document:
    """A VPN of a hub and `sites` − 1 spokes."""
    spokes = [
        _add(f"1.site{n}", "vpn-spoke-site", f"SITE-{n}", siteName=f"Branch {n}", bandwidth=100)
        for n in range(1, sites)
    ]
    components = [
        _add("1.core", "vpn-core", None),
        _add("1.hub", "vpn-hub-site", "SITE-HUB", siteName="Head office", bandwidth=500),
        *spokes,
    ]
    bundle = _add("1", "business-vpn", None) | {"productOrderItem": components}
    return _order(customer, "vpn", f"Business VPN with {sites} sites", [bundle])


def grown_vpn(customer: str, sites: int = MORE_VPN_SITES) -> Document:
    """What is put to a VPN that is being built: its items with more sites, and one of them at another place."""
    items: list[Document] = business_vpn(customer, sites)["productOrderItem"]
    for component in items[0]["productOrderItem"]:
        if component["id"] == MOVED_SITE:
            component["product"]["place"][0]["id"] = MOVED_TO
    return {"productOrderItem": items}


def places(document: Document) -> set[str]:
    """Return the places of the parts of an order of one bundle."""
    parts = document["productOrderItem"][0]["productOrderItem"]
    return {place["id"] for part in parts for place in part["product"].get("place", [])}


def faster_internet(customer: str, product_id: str) -> Document:
    """The same internet product at 1000 Mbit/s."""
    product = {"id": product_id, "productCharacteristic": _characteristics({"downloadSpeed": 1000})}
    item = {"id": "1", "action": "modify", "product": product}
    return _order(customer, "fibre", "Internet from 250 to 1000 Mbit/s", [item])


def internet(customer: str, place: str) -> Document:
    """Internet at 250 Mbit/s, without anything else."""
    return _order(
        customer, "fibre", f"Fibre Internet at {place}", [_add("1", "fibre-internet", place, downloadSpeed=250)]
    )


def moved_product(customer: str, product_id: str, place: str) -> Document:
    """The same product at another place."""
    item = {"id": "1", "action": "modify", "product": {"id": product_id, "place": _at(place)}}
    return _order(customer, "fibre", f"Internet moves to {place}", [item])


def end_of_product(customer: str, product_id: str, what: str) -> Document:
    """The end of a product."""
    item = {"id": "1", "action": "delete", "product": {"id": product_id}}
    return _order(customer, "mobile", f"End of the {what}", [item])


def _order(customer: str, category: str, description: str, items: list[Document]) -> Document:
    return {
        "category": category,
        "description": description,
        "priority": "2",
        "relatedParty": [{"id": customer, "role": "customer", "@referredType": "Customer"}],
        "productOrderItem": items,
    }


def _add(item_id: str, offering: str, place: str | None, **characteristics: Any) -> Document:
    product: Document = {"productCharacteristic": _characteristics(characteristics)}
    if place:
        product["place"] = _at(place)
    return {"id": item_id, "action": "add", "productOffering": {"id": offering}, "product": product}


def _at(place: str) -> list[Document]:
    return [{"id": place, "role": "installation", "@referredType": "GeographicSite"}]


def _characteristics(values: Document) -> list[Document]:
    return [{"name": name, "value": value} for name, value in values.items()]
