"""Amendments of orders: what a test asks for, and what came of it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.stage import Stage, example
from tmf.bodies import Document

RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"


def fibre(*offerings: str) -> Document:
    """Return the fibre bundle with internet, router and these of its parts."""
    document = example("fibre-bundle")
    bundle = document["productOrderItem"][0]
    kept = ("fibre-internet", "home-router", *offerings)
    bundle["productOrderItem"] = [each for each in bundle["productOrderItem"] if each["productOffering"]["id"] in kept]
    return document


def part(items: list[Document], offering: str) -> Document:
    """Return the first item of an offering, nested ones too."""
    nested = [each for item in items for each in (item, *item.get("productOrderItem", []))]
    return next(each for each in nested if each.get("productOffering", {}).get("id") == offering)


def with_values(document: Document, offering: str, **values: Any) -> list[Document]:
    """Return an order's items with other characteristics of one of them."""
    items: list[Document] = deepcopy(document["productOrderItem"])
    product = part(items, offering)["product"]
    kept = [each for each in product.get("productCharacteristic", []) if each["name"] not in values]
    product["productCharacteristic"] = [*kept, *({"name": name, "value": value} for name, value in values.items())]
    return items


async def logged(stage: Stage, order_id: str) -> dict[str, list[Document]]:
    """Return what each system did for an order so far."""
    systems = {"inventory": stage.inventory, "activation": stage.activation, "billing": stage.billing}
    return {name: await stage.log(system, order_id) for name, system in systems.items()}


async def since(stage: Stage, order_id: str, before: dict[str, list[Document]]) -> list[Document]:
    """Return what the systems have done for an order since `before`."""
    after = await logged(stage, order_id)
    return [entry for name, log in after.items() for entry in log[len(before[name]) :]]


async def charged(stage: Stage, customer: str) -> dict[str, list[str]]:
    """Return the names of the prices that are charged for each product."""
    charges = (await stage.billing.get("/billing/v1/charge", params={"customer.id": customer})).json()
    return {each["product"]["id"]: sorted(price["name"] for price in each["price"]) for each in charges}


async def exact(stage: Stage, order_id: str, customer: str, offerings: list[str]) -> None:
    """Check that a customer has these offerings, what realises and charges them, and that nothing else is held."""
    products = await stage.products(customer)
    assert sorted(each["productOffering"]["id"] for each in products) == sorted(offerings)
    assert {each["status"] for each in products} == {"active"}
    services = [each for each in await stage.services(customer) if each["state"] != "terminated"]
    assert {each["state"] for each in services} == {"active"}
    realised = {each["id"] for product in products for each in product.get("realizingService", [])}
    assert realised == {each["id"] for each in services if each["category"] == "CFS"}
    held = {each["id"] for service in services for each in service.get("supportingResource", [])}
    assert held == {each["id"] for each in await stage.taken_resources(order_id)}
    active = {each["id"] for each in (await stage.activation.get("/audit")).json()["active"]}
    gone = {each["id"] for each in await stage.services(customer)} - {each["id"] for each in services}
    assert not active & gone
    prices = {each["id"]: sorted(price["name"] for price in each["productPrice"]) for each in products}
    assert await charged(stage, customer) == {key: names for key, names in prices.items() if names}
    audit = await stage.audit()
    assert [each for each in audit["leaked"] if order_id in (each["requestedBy"] or "")] == []
    assert not held & set(audit["dangling"])


async def service_of(stage: Stage, customer: str, specification: str) -> Document:
    services = [each for each in await stage.services(customer) if each["state"] != "terminated"]
    return next(each for each in services if each["serviceSpecification"]["id"] == specification)


def value(service: Document, name: str) -> Any:
    return next(each["value"] for each in service["serviceCharacteristic"] if each["name"] == name)


def touched_by(preview: Document) -> list[Document]:
    """Return what a preview shows as changed."""
    assert preview["refusals"] == preview["violations"] == []
    return [each for each in preview["changes"] if each["action"] != "leave"]


async def revised(stage: Stage, order_id: str, number: int) -> Document:
    """Return a revision of an order, which is the last one."""
    revisions = await stage.revisions(order_id)
    assert [each["number"] for each in revisions] == list(range(1, number + 1))
    return revisions[-1]
