"""What people send: the documentation's examples, each for a customer of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bench.stack.gateway import example
from chaos.stories import Plot, Story
from orders.lifecycle.states import OrderKind
from tmf.bodies import Document
from tmf.instants import timestamp

SOON = timedelta(seconds=6)
"""How far away a start is that lies in the future."""
SPEED, VOLUME = 1000, 5
"""What the changes ask for."""
_FIBRE = ("fibre-internet", "home-router")


def first_order(plot: Plot, customer: str) -> tuple[OrderKind, Document]:
    """Return the order with which a story begins."""
    match plot.story:
        case Story.ADD_FIBRE | Story.MODIFY:
            return OrderKind.PRODUCT, _at(plot.place, _fibre(customer, *_FIBRE))
        case Story.ADD_BUNDLE:
            return OrderKind.PRODUCT, _at(plot.place, _fibre(customer, *_FIBRE, "home-voice", "home-tv"))
        case Story.CANCEL | Story.AMEND:
            return OrderKind.PRODUCT, _at(plot.place, _fibre(customer, *_FIBRE, "home-voice"))
        case Story.ADD_VPN | Story.HOLD:
            return OrderKind.PRODUCT, _small_vpn(customer)
        case Story.VISIT:
            return OrderKind.PRODUCT, example("fibre-technician", customer)
        case Story.SERVICE | Story.SERVICE_CANCELLED:
            return OrderKind.SERVICE, example("service-order-mobile", customer)
        case Story.RESOURCE | Story.RESOURCE_CANCELLED:
            return OrderKind.RESOURCE, example("resource-order-port", customer)
        case Story.REJECTED:
            document = example("mobile-esim", customer)
            document["productOrderItem"][0]["productOffering"]["id"] = "no-such-offering"
            return OrderKind.PRODUCT, document
        case Story.LATER:
            start = timestamp(datetime.now(UTC) + SOON)
            return OrderKind.PRODUCT, example("mobile-esim", customer) | {"requestedStartDate": start}
    return OrderKind.PRODUCT, example("mobile-esim", customer)


def second_order(plot: Plot, customer: str, product: str) -> Document:
    """Return the order that changes or ends what the first one has made."""
    return example("modify-fibre" if plot.story == Story.MODIFY else "delete-mobile", customer, PRODUCT=product)


def amended(document: Document) -> list[Document]:
    """Return the items of an order of internet, router and voice with faster internet and without voice."""
    items: list[Document] = document["productOrderItem"]
    bundle = items[0]
    parts = [part for part in bundle["productOrderItem"] if part["productOffering"]["id"] != "home-voice"]
    for part in parts:
        for each in part["product"].get("productCharacteristic", []):
            if each["name"] == "downloadSpeed":
                each["value"] = SPEED
    return [bundle | {"productOrderItem": parts}]


def product_of(order: Document) -> str | None:
    """Return the product that a story goes on with: the first one that is no bundle."""
    items: list[dict[str, Any]] = order.get("productOrderItem", [])
    parts = [part for item in items for part in (*item.get("productOrderItem", []), item)]
    return next((str(part["product"]["id"]) for part in parts if part.get("product", {}).get("id")), None)


def _fibre(customer: str, *offerings: str) -> Document:
    document = example("fibre-bundle", customer)
    bundle = document["productOrderItem"][0]
    bundle["productOrderItem"] = [
        each for each in bundle["productOrderItem"] if each["productOffering"]["id"] in offerings
    ]
    return document


def _small_vpn(customer: str) -> Document:
    document = example("vpn-8-sites", customer)
    vpn = document["productOrderItem"][0]
    vpn["productOrderItem"] = vpn["productOrderItem"][:3]
    return document


def _at(place: str, document: Document) -> Document:
    for each in document["productOrderItem"][0]["product"]["place"]:
        each["id"] = place
    return document
