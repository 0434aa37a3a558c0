"""The demonstration's audit: what the systems hold, and whether anything is left of orders that did not complete."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from application.addresses import PRODUCT, SERVICE
from orders.lifecycle.states import OrderState
from tmf.bodies import Document

ENDED = frozenset({"terminated", "aborted", "cancelled"})
_ALL = {"limit": "1000"}


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the three systems say they hold: their audits, and inventory's products and services."""

    inventory: Document
    activation: Document
    billing: Document
    products: list[Document] = field(default_factory=list)
    services: list[Document] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Check:
    """One question of the audit: how much was looked at, and what is wrong with it."""

    question: str
    seen: int
    wrong: list[str]


async def holdings(systems: Mapping[str, str]) -> Holdings:
    """Ask the systems, given the base URL of each.

    Raises:
        httpx2.HTTPError: when one does not answer.
    """
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:

        async def get(system: str, path: str, params: Mapping[str, str] | None = None) -> Any:
            answer = await client.get(f"{systems[system]}{path}", params=params)
            return answer.raise_for_status().json()

        return Holdings(
            *await asyncio.gather(
                *(get(name, "/audit") for name in ("inventory", "activation", "billing")),
                get("inventory", PRODUCT, _ALL),
                get("inventory", SERVICE, _ALL),
            )
        )


def audit(held: Holdings, undone: Collection[str]) -> list[Check]:
    """Check what is held against itself, and that nothing is held for the orders `undone`, given by id."""
    return [*_leaks(held), *(check for order in undone for check in _remains(held, order))]


def sites(held: Holdings, order_id: str, wanted: Collection[str]) -> Check:
    """Check that the products and services that an order made are at the places `wanted`, and at no other."""
    products = (each for each in held.products if _made_by(each, "productOrderItem", "productOrderId", order_id))
    services = (each for each in held.services if _made_by(each, "serviceOrderItem", "serviceOrderId", order_id))
    there = (each for each in (*products, *services) if (each.get("status") or each.get("state")) not in ENDED)
    found = {str(place["id"]) for each in there for place in each.get("place") or []}
    return Check(f"places of order {order_id} that differ", len(found), sorted(found ^ set(wanted)))


def differences(expected: Mapping[str, OrderState], actual: Mapping[str, str]) -> list[str]:
    """Return a sentence for each order, by its name, that did not end as expected."""
    return [
        f"{name} is {actual.get(name, 'not there')}, not {state}"
        for name, state in expected.items()
        if actual.get(name) != state
    ]


def _leaks(held: Holdings) -> list[Check]:
    resources, active = held.inventory["resources"], _active_services(held)
    in_inventory = active | {str(each["id"]) for each in resources if each.get("usageState") == "active"}
    products = {str(each["id"]) for each in held.products if each.get("status") not in ENDED}
    charges = [each for each in held.billing["charges"] if each.get("state") == "active"]
    return [
        Check(
            "resources held by no active service",
            len(resources),
            [f"{each['specification']} {each['value']}" for each in held.inventory["leaked"] if not _by_itself(each)],
        ),
        Check("free resources that a service names", len(active), [str(id_) for id_ in held.inventory["dangling"]]),
        Check(
            "active in the network, but not in inventory",
            len(held.activation["active"]),
            [f"{each['kind']} {each['id']}" for each in held.activation["active"] if each["id"] not in in_inventory],
        ),
        Check(
            "charged, but not an active product",
            len(charges),
            [f"charge {each['id']}" for each in charges if str(each["product"]) not in products],
        ),
    ]


def _remains(held: Holdings, order_id: str) -> list[Check]:
    resources = [each for each in held.inventory["resources"] if _belongs(str(each.get("requestedBy")), order_id)]
    services = [
        each
        for each in held.services
        if each.get("state") != "terminated" and _made_by(each, "serviceOrderItem", "serviceOrderId", order_id)
    ]
    products = [
        each
        for each in held.products
        if each.get("status") not in ENDED and _made_by(each, "productOrderItem", "productOrderId", order_id)
    ]
    ids = {str(each["id"]) for each in (*services, *resources)}
    active = [each for each in held.activation["active"] if each["id"] in ids]
    charges = [each for each in held.billing["charges"] if each["product"] in {str(p["id"]) for p in products}]
    wrong = [
        *(f"resource {each['specification']} {each['value']}" for each in resources),
        *(f"service {each['id']}" for each in services),
        *(f"product {each['id']}" for each in products),
        *(f"active {each['kind']} {each['id']}" for each in active),
        *(f"charge {each['id']}" for each in charges),
    ]
    return [Check(f"left of order {order_id}", len(wrong), wrong)]


def _active_services(held: Holdings) -> set[str]:
    return {str(each["id"]) for each in held.services if each.get("state") == "active"}


def _by_itself(resource: Document) -> bool:
    """Tell whether a resource is in use without a service because a resource order was posted for it."""
    requested_by = str(resource.get("requestedBy"))
    return resource.get("usageState") == "active" and requested_by.startswith("ro:")


def _belongs(key: str, order_id: str) -> bool:
    """Tell whether an idempotency key is one of the order's."""
    return key.partition(":")[2].split("/")[0].split(":")[0] == order_id


def _made_by(document: Document, items: str, attribute: str, order_id: str) -> bool:
    made_by = (str(each.get(attribute) or "") for each in document.get(items) or [])
    return any(each == order_id or each.startswith(f"{order_id}:") for each in made_by)
