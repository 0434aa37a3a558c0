"""What the systems hold of a customer, in the terms of `tests.agreement`; and whether they agree with one another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from tests.agreement import Base, Held, HeldService, disagreements
from tests.posted_agreement import HeldResource
from tests.stage import Stage
from tmf.bodies import Document

SERVICE = "/tmf-api/serviceInventory/v4/service"
RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
NETWORK = {
    "service": "/tmf-api/ServiceActivationAndConfiguration/v4/service",
    "resource": "/tmf-api/ResourceActivationAndConfiguration/v4/resource",
}
_ENDED = ("terminated", "aborted", "cancelled")


async def agrees(stage: Stage, order: Document, before: Base | None = None) -> Base:
    """Check that systems hold what an ended order shows, and agree with one another; return what its customer has.

    Args:
        before: what the customer had before it; nothing without it.
    """
    customer = next(
        each["id"] for each in order["relatedParty"] if (each.get("role") or "customer").lower() == "customer"
    )
    after = await held_by(stage, customer)
    found = [*disagreements(order, before or {}, after), *[each async for each in quarrels(stage, customer)]]
    assert not found, "\n".join(found)
    return after


async def held_by(stage: Stage, customer: str) -> dict[str, Held]:
    """Return the products in use of a customer, as product and service inventory have them."""
    services = {each["id"]: each for each in await stage.services(customer)}
    products = [each for each in await stage.products(customer) if each["status"] not in _ENDED]
    return {each["id"]: _held(each, services) for each in products}


def _held(product: Document, services: dict[str, Document]) -> Held:
    made_by = product.get("productOrderItem") or [{}]
    related = product.get("productRelationship") or []
    return Held(
        id=product["id"],
        item=made_by[0].get("orderItemId"),
        offering=_id(product.get("productOffering")),
        customer=customer_in(product),
        account=_id(product.get("billingAccount")),
        place=place_in(product),
        characteristics=values(product.get("productCharacteristic")),
        prices=product.get("productPrice") or [],
        services={each["name"]: _service(services[each["id"]]) for each in product.get("realizingService") or []},
        components=frozenset(each["product"]["id"] for each in related if each["relationshipType"] == "bundles"),
    )


async def held_singly(stage: Stage, about: str, ids: Iterable[str]) -> dict[str, HeldService]:
    """Return those of the services, or of the resources, with these ids that are in use."""
    path, shape = (SERVICE, _service) if about == "service" else (RESOURCE, _resource)
    found = [(await stage.inventory.get(f"{path}/{each}")).json() for each in ids]
    return {each["id"]: shape(each) for each in found if "active" in (each.get("state"), each.get("usageState"))}


def _resource(resource: Document) -> HeldResource:
    return HeldResource(
        id=resource["id"],
        specification=_id(resource.get("resourceSpecification")),
        customer=None,
        place=_place_of_pool(resource),
        characteristics=values(resource.get("resourceCharacteristic")),
        pool=resource.get("category"),
        value=resource.get("value"),
    )


def _service(service: Document) -> HeldService:
    return HeldService(
        id=service["id"],
        specification=_id(service.get("serviceSpecification")),
        customer=customer_in(service),
        place=place_in(service),
        characteristics=values(service.get("serviceCharacteristic")),
    )


def customer_in(document: Document) -> str | None:
    customers = [each["id"] for each in document.get("relatedParty") or [] if each["role"].lower() == "customer"]
    assert len(customers) <= 1, f"{document['id']} has several customers: {customers}"
    return customers[0] if customers else None


def place_in(document: Document) -> str | None:
    places = document.get("place") or []
    installations = [each["id"] for each in places if each.get("role") == "installation"]
    assert len(places) == len(installations) <= 1, f"{document['id']} is at {places}"
    return installations[0] if installations else None


def values(characteristics: list[Document] | None) -> Document:
    return {each["name"]: each["value"] for each in characteristics or []}


async def quarrels(stage: Stage, customer: str) -> AsyncIterator[str]:
    """Yield each point in which inventory, network and billing do not hold the same of a customer."""
    products = await stage.products(customer)
    services = await stage.services(customer)
    for service in services:
        async for each in _of_service(stage, service, services):
            yield f"{service['serviceSpecification']['id']} {service['id']}: {each}"
    realised = {
        each["id"]
        for product in products
        if product["status"] not in _ENDED
        for each in product.get("realizingService") or []
    }
    in_use = {each["id"] for each in services if each["state"] != "terminated" and each["category"] == "CFS"}
    if realised != in_use:
        yield f"products have the services {realised}, {in_use} are there"
    charges = (await stage.billing.get("/billing/v1/charge", params={"customer.id": customer, "limit": "1000"})).json()
    for product in products:
        own = [each for each in charges if each["product"]["id"] == product["id"] and each["state"] == "active"]
        for each in _of_charges(product, own):
            yield f"{product['name']} {product['id']}: {each}"


async def _of_service(stage: Stage, service: Document, services: list[Document]) -> AsyncIterator[str]:
    answer = await stage.activation.get(f"{NETWORK['service']}/{service['id']}")
    network = answer.json() if answer.status_code == 200 else None
    if service["state"] == "terminated":
        if network and network["state"] not in ("inactive", "terminated"):
            yield f"it is terminated, and {network['state']} in the network"
        return
    if service["state"] != "active":
        yield f"it is {service['state']}"
    for each in _of_network(service, network) if network else ():
        yield each
    for each in _of_supports(service, {each["id"]: each for each in services}):
        yield each
    for named in service.get("supportingResource") or []:
        resource = (await stage.inventory.get(f"{RESOURCE}/{named['id']}")).json()
        if resource["usageState"] != "active":
            yield f"its resource {named['name']} is {resource['usageState']}"
        place = _place_of_pool(resource)
        if place and place != place_in(service):
            yield f"it is at {place_in(service)}, its resource {named['name']} at {place}"


def _of_network(service: Document, network: Document) -> Iterator[str]:
    """Yield in what the network has a service otherwise than inventory."""
    for name, shown, held in (
        ("characteristics", values(service.get("serviceCharacteristic")), values(network.get("serviceCharacteristic"))),
        ("specification", _id(service.get("serviceSpecification")), _id(network.get("serviceSpecification"))),
        ("place", place_in(service), place_in(network)),
        ("state", "active", network["state"]),
    ):
        if shown != held:
            yield f"{name}: inventory has {shown}, the network {held}"


def _of_supports(service: Document, services: dict[str, Document]) -> Iterator[str]:
    """Yield in what the services that support one are not as it needs them."""
    for named in service.get("supportingService") or []:
        below = services[named["id"]]
        if below["state"] != "active":
            yield f"{named['name']}, which supports it, is {below['state']}"
        for name, above, under in (
            ("place", place_in(service), place_in(below)),
            ("customer", customer_in(service), customer_in(below)),
        ):
            if above != under:
                yield f"{name}: {above}, but {named['name']}, which supports it, has {under}"


def _place_of_pool(resource: Document) -> str | None:
    place = resource.get("place")
    found: Any = place[0] if isinstance(place, list) and place else place
    return _id(found) if isinstance(found, dict) else None


def _of_charges(product: Document, charges: list[Document]) -> Iterator[str]:
    """Yield in what the charge of a product is not what inventory has of it."""
    ended = product["status"] in _ENDED
    # What costs nothing any more may have a charge of nothing.
    few, many = (0, 0) if ended else (1, 1) if product.get("productPrice") else (0, 1)
    if not few <= len(charges) <= many:
        yield f"it has {len(charges)} charges, and is {product['status']}"
    for charge in charges:
        for name, wanted, charged in (
            ("price", product.get("productPrice"), charge.get("price")),
            ("account", _id(product.get("billingAccount")), _id(charge.get("billingAccount"))),
            ("customer", customer_in(product), _id(charge.get("customer"))),
        ):
            if wanted != charged:
                yield f"{name}: inventory has {wanted}, billing {charged}"


def _id(reference: Document | None) -> str | None:
    return reference.get("id") if reference else None
