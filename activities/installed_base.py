"""The installed base, read from the inventories as far as an order touches it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from activities.http import DownstreamSystem
from activities.inventory import PRODUCT, RESOURCE, SERVICE
from orders.installed import InstalledBase, InstalledProduct, InstalledResource, InstalledService
from orders.tmf import OrderPrice, ProductOrder

_CONCURRENT_READS = 20
_PAGE = "1000"


async def read_installed_base(inventory: DownstreamSystem, order: ProductOrder) -> InstalledBase:
    """Read the customer's products, and those that the order names with all that realises them.

    Products that a named one bundles or relies on come with what realises them too.

    Raises:
        DownstreamError: when inventory does not answer.
    """
    return await _Reader(inventory).read(order)


class _Reader:
    def __init__(self, inventory: DownstreamSystem) -> None:
        self._inventory = inventory
        self._gate = asyncio.Semaphore(_CONCURRENT_READS)

    async def read(self, order: ProductOrder) -> InstalledBase:
        documents = {document["id"]: document for document in await self._owned(order.customer_id())}
        detailed: set[str] = set()
        wanted = _named(order)
        while wanted:
            missing = await self._documents(PRODUCT, sorted(wanted - documents.keys()))
            documents.update({document["id"]: document for document in missing})
            detailed |= wanted
            wanted = {
                related for each in wanted & documents.keys() for related in _relations(documents[each])
            } - detailed
        products = await asyncio.gather(
            *(self._product(document, with_services=key in detailed) for key, document in documents.items())
        )
        return InstalledBase(products={product.id: product for product in products})

    async def _owned(self, customer: str | None) -> list[dict[str, Any]]:
        if customer is None:
            return []
        return await self._inventory.list(PRODUCT, {"relatedParty.id": customer, "status": "active", "limit": _PAGE})

    async def _product(self, document: dict[str, Any], *, with_services: bool) -> InstalledProduct:
        relations = document.get("productRelationship") or []
        return InstalledProduct(
            id=document["id"],
            name=document.get("name") or document["id"],
            status=document.get("status") or "active",
            offering_id=(document.get("productOffering") or {}).get("id"),
            specification_id=(document.get("productSpecification") or {}).get("id"),
            customer_id=next((party["id"] for party in document.get("relatedParty") or []), None),
            place=next((place["id"] for place in document.get("place") or [] if place.get("id")), None),
            billing_account=(document.get("billingAccount") or {}).get("id"),
            characteristics=_values(document.get("productCharacteristic")),
            prices=[OrderPrice.model_validate(price) for price in document.get("productPrice") or []],
            services=await self._services(document.get("realizingService")) if with_services else [],
            components=list(_related(relations, "bundles")),
            relies_on=list(_related(relations, "reliesOn")),
        )

    async def _services(self, references: list[dict[str, Any]] | None) -> list[InstalledService]:
        keys = {reference["id"]: reference.get("name") or reference["id"] for reference in references or []}
        documents = await self._documents(SERVICE, list(keys))
        return list(await asyncio.gather(*(self._service(document, keys[document["id"]]) for document in documents)))

    async def _service(self, document: dict[str, Any], key: str) -> InstalledService:
        keys = {each["id"]: each.get("name") or each["id"] for each in document.get("supportingResource") or []}
        resources = await self._documents(RESOURCE, list(keys))
        return InstalledService(
            id=document["id"],
            key=key,
            specification_id=(document.get("serviceSpecification") or {}).get("id") or "",
            state=document.get("state") or "active",
            characteristics=_values(document.get("serviceCharacteristic")),
            services=await self._services(document.get("supportingService")),
            resources=[_resource(resource, keys[resource["id"]]) for resource in resources],
        )

    async def _documents(self, path: str, ids: list[str]) -> list[dict[str, Any]]:
        """Return those of `ids` that inventory has, in their order."""

        async def read(each: str) -> dict[str, Any] | None:
            async with self._gate:
                return await self._inventory.find(f"{path}/{each}")

        found = await asyncio.gather(*(read(each) for each in ids))
        return [document for document in found if document is not None]


def _resource(document: dict[str, Any], key: str) -> InstalledResource:
    return InstalledResource(
        id=document["id"],
        key=key,
        specification_id=(document.get("resourceSpecification") or {}).get("id") or "",
        value=document.get("value"),
        pool=document.get("category"),
        characteristics=_values(document.get("resourceCharacteristic")),
    )


def _values(characteristics: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in characteristics or []}


def _related(relations: list[dict[str, Any]], kind: str) -> Iterable[str]:
    return (each["product"]["id"] for each in relations if each.get("relationshipType") == kind)


def _relations(product: dict[str, Any]) -> Iterable[str]:
    """Return the ids of the products that a product bundles or relies on."""
    relations = product.get("productRelationship") or []
    return (*_related(relations, "bundles"), *_related(relations, "reliesOn"))


def _named(order: ProductOrder) -> set[str]:
    """Return the ids of the products that an order's items are about, or relate to."""
    products = [item.product for item, _, _ in order.items() if item.product]
    named = {product.id for product in products if product.id}
    for product in products:
        named.update(_relations(product.model_dump(include={"product_relationship", "productRelationship"})))
    return named
