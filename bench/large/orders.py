"""Large orders: flat ones of mobile plans, and virtual private networks of many sites."""

from __future__ import annotations

from copy import deepcopy
from itertools import cycle

from bench.stack.gateway import example, new_customer
from tmf.bodies import Document

MOBILE, VPN = "mobile", "vpn"
KINDS = (MOBILE, VPN)
SITES = [f"SITE-{number}" for number in range(1, 13)]
"""Places of which inventory knows; many sites of a network are at the same."""


def large_order(kind: str, number: int, customer: str = "") -> Document:
    """Return an order of so many mobile plans, or of a network of so many sites, of which the first is the hub."""
    make = _mobile_plans if kind == MOBILE else _network
    return make(number, customer or new_customer())


def _mobile_plans(number: int, customer: str) -> Document:
    document = example("mobile", customer)
    item = document["productOrderItem"][0]
    item["product"]["productCharacteristic"] = [
        each for each in item["product"]["productCharacteristic"] if each["name"] != "msisdn"
    ]
    document["productOrderItem"] = [deepcopy(item) | {"id": str(each)} for each in range(1, number + 1)]
    return document


def _network(number: int, customer: str) -> Document:
    document = example("vpn-8-sites", customer)
    bundle = document["productOrderItem"][0]
    core, hub, spoke, *_ = bundle["productOrderItem"]
    places = cycle(SITES)
    spokes = [deepcopy(spoke) | {"id": f"1.{each}"} for each in range(1, number)]
    for each in spokes:
        each["product"]["place"] = [{"id": next(places), "role": "installationAddress"}]
    bundle["productOrderItem"] = [core, hub, *spokes]
    return document
