"""The installed base, read from the inventories as far as an order touches it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from application.addresses import PRODUCT, RESOURCE, SERVICE
from application.answers import ProductDocument, ResourceDocument, ServiceDocument, values
from application.http import DownstreamSystem, Identified, at
from orders.model.installed import InstalledBase, InstalledProduct, InstalledResource, InstalledService
from orders.model.posted import PostedOrder
from orders.model.product_orders import ProductOrder, Reference, RelatedPlace, customer_among, place_among
from orders.model.resource_orders import ResourceOrder
from orders.model.service_orders import ServiceOrder

D = TypeVar("D", bound=Identified)

_PAGE = "1000"
_RELATIONS = ("bundles", "reliesOn")
ENDED = frozenset({"terminated", "aborted", "cancelled"})
"""States of a product in inventory that needs no service any more."""


async def read_installed_base(inventory: DownstreamSystem, order: PostedOrder) -> InstalledBase:
    """Read what an order is about, and what that touches.

    Of a product order: the customer's products, and those that it names with all that realises them; products that a
    named one bundles or relies on come with what realises them too. Of a service or resource order: the services or
    resources that it names, with all that supports them, and which products and services need them.

    Raises:
        DownstreamError: when inventory does not answer, or with something that makes no sense.
    """
    reader = _Reader(inventory)
    if isinstance(order, ProductOrder):
        return await reader.read(order)
    if isinstance(order, ServiceOrder):
        return await reader.read_services(named_services(order))
    return await reader.read_resources(named_resources(order))


async def owners_of(inventory: DownstreamSystem, thing: str) -> list[str]:
    """Return the services and products, as `service:ID` and `product:ID`, that need a `service:ID` or `resource:ID`.

    Raises:
        DownstreamError: when inventory does not answer, or with something that makes no sense.
    """
    return await _Reader(inventory).owners(thing)


class _Reader:
    def __init__(self, inventory: DownstreamSystem) -> None:
        self._inventory = inventory

    async def read(self, order: ProductOrder) -> InstalledBase:
        documents = {document.id: document for document in await self._owned(order.customer_id())}
        detailed: set[str] = set()
        wanted = named_products(order)
        while wanted:
            documents |= await self._documents(PRODUCT, sorted(wanted - documents.keys()), ProductDocument)
            detailed |= wanted
            found = [documents[each] for each in wanted & documents.keys()]
            wanted = {related for each in found for kind in _RELATIONS for related in each.related(kind)} - detailed
        products = await asyncio.gather(
            *(self._product(document, with_services=key in detailed) for key, document in documents.items())
        )
        return InstalledBase(products={product.id: product for product in products}, customer_id=order.customer_id())

    async def read_services(self, named: set[str]) -> InstalledBase:
        documents = await self._documents(SERVICE, sorted(named), ServiceDocument)
        services = await asyncio.gather(
            *(self._service(document, key, frozenset({key})) for key, document in documents.items())
        )
        owners = await asyncio.gather(*(self.owners(f"service:{key}") for key in documents))
        return InstalledBase(
            single_services={service.id: service for service in services},
            owners=dict(zip(documents, owners, strict=True)),
        )

    async def read_resources(self, named: set[str]) -> InstalledBase:
        documents = await self._documents(RESOURCE, sorted(named), ResourceDocument)
        owners = await asyncio.gather(*(self.owners(f"resource:{key}") for key in documents))
        return InstalledBase(
            single_resources={key: _resource(document, key) for key, document in documents.items()},
            owners=dict(zip(documents, owners, strict=True)),
        )

    async def owners(self, thing: str) -> list[str]:
        """Return the services and products that need a `service:ID` or `resource:ID`, nearest first."""
        owners: list[str] = []
        queue = [thing]
        while queue:
            kind, _, key = queue.pop(0).partition(":")
            attribute = "supportingResource.id" if kind == "resource" else "supportingService.id"
            services = await self._inventory.search(SERVICE, {attribute: key, "limit": _PAGE}, ServiceDocument)
            found = [f"service:{each.id}" for each in services if each.state != "terminated"]
            if kind == "service":
                wanted = {"realizingService.id": key, "limit": _PAGE}
                products = await self._inventory.search(PRODUCT, wanted, ProductDocument)
                owners += [f"product:{each.id}" for each in products if each.status not in ENDED]
            new = [each for each in found if each not in owners]
            owners += new
            queue += new
        return owners

    async def _owned(self, customer: str | None) -> list[ProductDocument]:
        if customer is None:
            return []
        params = {"relatedParty.id": customer, "status": "active", "limit": _PAGE}
        return await self._inventory.search(PRODUCT, params, ProductDocument)

    async def _product(self, document: ProductDocument, *, with_services: bool) -> InstalledProduct:
        return InstalledProduct(
            id=document.id,
            name=document.name or document.id,
            status=document.status,
            offering_id=_id(document.product_offering),
            specification_id=_id(document.product_specification),
            customer_id=customer_among(document.related_party),
            place=_place(document.place),
            billing_account=_id(document.billing_account),
            characteristics=values(document.product_characteristic),
            prices=document.product_price,
            services=await self.services(document.realizing_service) if with_services else [],
            components=document.related("bundles"),
            relies_on=document.related("reliesOn"),
            record=document.changeable(),
        )

    async def services(
        self, references: list[Reference], above: frozenset[str] = frozenset()
    ) -> list[InstalledService]:
        """Return the services of these references; one that supports itself, however indirectly, is read once."""
        keys = {each.id: each.name or each.id for each in references if each.id not in above}
        documents = await self._documents(SERVICE, keys, ServiceDocument)
        return list(
            await asyncio.gather(*(self._service(each, keys[key], above | {key}) for key, each in documents.items()))
        )

    async def _service(self, document: ServiceDocument, key: str, above: frozenset[str]) -> InstalledService:
        keys = {each.id: each.name or each.id for each in document.supporting_resource}
        resources = await self._documents(RESOURCE, keys, ResourceDocument)
        return InstalledService(
            id=document.id,
            key=key,
            specification_id=_id(document.service_specification) or "",
            state=document.state,
            place=_place(document.place),
            customer_id=customer_among(document.related_party),
            characteristics=values(document.service_characteristic),
            services=await self.services(document.supporting_service, above),
            resources=[_resource(resource, keys[each]) for each, resource in resources.items()],
            record=document.changeable(),
        )

    async def _documents(self, path: str, ids: Iterable[str], shape: type[D]) -> dict[str, D]:
        """Return those of `ids` that inventory has, in their order."""
        ids = list(ids)
        found = await self._inventory.find_all([at(path, each) for each in ids], shape)
        return {each: document for each, document in zip(ids, found, strict=True) if document is not None}


def _resource(document: ResourceDocument, key: str) -> InstalledResource:
    return InstalledResource(
        id=document.id,
        key=key,
        specification_id=_id(document.resource_specification) or "",
        value=document.value,
        pool=document.category,
        place=_place(document.place),
        reserved_by=document.reservation.requested_by if document.reservation else None,
        in_use=document.usage_state == "active",
        characteristics=values(document.resource_characteristic),
    )


def _id(reference: Reference | None) -> str | None:
    return reference.id if reference else None


def _place(places: list[RelatedPlace]) -> str | None:
    place = place_among(places)
    return place.id or None if place else None


def named_products(order: ProductOrder) -> set[str]:
    """Return the ids of the products that an order's items are about, or relate to."""
    products = [item.product for item, _, _ in order.items() if item.product]
    named = {product.id for product in products if product.id}
    for product in products:
        named.update(_related((product.model_extra or {}).get("productRelationship")))
    return named


def named_services(order: ServiceOrder) -> set[str]:
    """Return the ids of the services that an order's items are about."""
    return {item.service.id for item, _, _ in order.items() if item.service.id}


def named_resources(order: ResourceOrder) -> set[str]:
    """Return the ids of the resources that an order's items are about."""
    return {item.resource.id for item, _, _ in order.items() if item.resource.id}


def _related(relations: Any) -> Iterator[str]:
    """Yield the products that a client's relations name; what has another shape names none."""
    for relation in relations if isinstance(relations, list) else []:
        if isinstance(relation, dict) and relation.get("relationshipType") in _RELATIONS:
            product = relation.get("product")
            if isinstance(product, dict) and isinstance(product.get("id"), str) and product["id"]:
                yield product["id"]
