"""The catalogs as TMF620, TMF633 and TMF634 show them: every version of every entry as a document, made once.

Our own blocks, `fulfilment` and `policy`, stay inside; what follows from them has its place in the standards: which
services realise a product, and which services and resources a service needs. Candidates and categories of services and
resources, of which files say nothing, follow from specifications and catalogs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version as release_of
from typing import Any, TypeVar

from catalogs.links import Collection, entry_href
from catalogs.model.catalog_set import CatalogSet, Versions
from catalogs.model.entities import (
    Category,
    Entry,
    ProductOffering,
    ProductOfferingPrice,
    ResourceSpecification,
    ServiceSpecification,
)
from tmf.bodies import Document

E = TypeVar("E", bound=Entry)

_INTERNAL = {"fulfilment", "policy", "when", "href"}
"""What no document has as the file gives it; an address is the gateway's to give."""
_VALUES = ("productSpecCharacteristicValue", "characteristicValueSpecification", "resourceSpecCharacteristicValue")
_CHARACTERISTICS = ("productSpecCharacteristic", "specCharacteristic", "resourceSpecCharacteristic")
_RESOURCE_TYPES = {"Physical": "PhysicalResourceSpecification", "Logical": "LogicalResourceSpecification"}

_REFERENCES: dict[str, Collection] = {
    "subCategory": Collection.CATEGORY,
    "productOffering": Collection.OFFERING,
    "bundledProductOffering": Collection.OFFERING,
    "productOfferingRelationship": Collection.OFFERING,
    "productOfferingPrice": Collection.PRICE,
    "popRelationship": Collection.PRICE,
    "bundledPopRelationship": Collection.PRICE,
    "productSpecification": Collection.PRODUCT,
    "productSpecificationRelationship": Collection.PRODUCT,
    "bundledProductSpecification": Collection.PRODUCT,
    "serviceCandidate": Collection.SERVICE_CANDIDATE,
    "serviceSpecification": Collection.SERVICE,
    "serviceSpecRelationship": Collection.SERVICE,
    "resourceCandidate": Collection.RESOURCE_CANDIDATE,
    "resourceSpecification": Collection.RESOURCE,
    "resourceSpecRelationship": Collection.RESOURCE,
}
"""Attribute → the collection that its references lead to; `category` leads to that of the document's own API."""

_CATEGORIES: dict[Collection, Collection] = {
    Collection.CATALOG: Collection.CATEGORY,
    Collection.OFFERING: Collection.CATEGORY,
    Collection.SERVICE_CATALOG: Collection.SERVICE_CATEGORY,
    Collection.SERVICE_CANDIDATE: Collection.SERVICE_CATEGORY,
    Collection.RESOURCE_CATALOG: Collection.RESOURCE_CATEGORY,
    Collection.RESOURCE_CANDIDATE: Collection.RESOURCE_CATEGORY,
}


class Shelf:
    """The documents of one collection: each id's versions together, from the oldest to the latest."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.documents = tuple(documents)
        self._versions: dict[str, list[Document]] = {}
        for document in self.documents:
            self._versions.setdefault(document["id"], []).append(document)

    def get(self, entry_id: str, version: str | None = None) -> Document | None:
        """Return the document with this id and version, without a version the latest, or None."""
        versions = self._versions.get(entry_id, [])
        if version is not None:
            return next((each for each in versions if each["version"] == version), None)
        return versions[-1] if versions else None

    def is_latest(self, document: Document) -> bool:
        return self._versions[document["id"]][-1] is document


class CatalogDocuments:
    """All documents of all collections, with the addresses that they have below `base_url`.

    `etag` stays the same for as long as every one of them does: it is made of the catalogs' digest, the addresses and
    the release.
    """

    def __init__(self, catalogs: CatalogSet, base_url: str) -> None:
        links = _Links({collection: Shelf(make(catalogs)) for collection, make in _MAKERS.items()}, base_url)
        self._shelves = {collection: links.shelf(collection) for collection in _MAKERS}
        origin = "\n".join((catalogs.version.digest, base_url, release_of("ordersaga")))
        self.etag = f'"{hashlib.sha256(origin.encode()).hexdigest()[:32]}"'

    def __getitem__(self, collection: Collection) -> Shelf:
        return self._shelves[collection]


def _catalogs(catalogs: CatalogSet) -> Iterator[Document]:
    for catalog in Versions(catalogs.catalogs):
        mine = {each.id for each in catalogs.categories if each.catalog_id == catalog.id}
        roots = [each for each in catalogs.categories if each.id in mine and each.parent_id not in mine]
        document = {"catalogType": "ProductCatalog", **_document(catalog, "Catalog")}
        yield _with(document, category=_references(roots))


def _categories(catalogs: CatalogSet) -> Iterator[Document]:
    below: dict[str | None, list[Category]] = {}
    for category in _latest(catalogs.categories):
        below.setdefault(category.parent_id, []).append(category)
    offerings: dict[str, list[ProductOffering]] = {}
    for offering in _latest(catalogs.offerings):
        for reference in offering.category:
            offerings.setdefault(reference.id, []).append(offering)
    for category in catalogs.categories:
        document = {**_document(category, "Category"), "isRoot": category.parent_id is None}
        yield _with(
            document,
            subCategory=_references(below.get(category.id, [])),
            productOffering=_references(offerings.get(category.id, [])),
        )


def _offerings(catalogs: CatalogSet) -> Iterator[Document]:
    for offering in catalogs.offerings:
        document = _document(offering, "ProductOffering")
        for part in document.get("bundledProductOffering", []):
            bundled = catalogs.offerings.get(part["id"], part.get("version"))
            if bundled is not None:
                part["lifecycleStatus"] = bundled.lifecycle_status
        yield document


def _prices(catalogs: CatalogSet) -> Iterator[Document]:
    for price in catalogs.prices:
        document = _document(price, "ProductOfferingPrice")
        if price.recurring_charge_period_type is None:
            document.pop("recurringChargePeriodLength")
        yield _with(document, pricingLogicAlgorithm=_condition(price))


def _condition(price: ProductOfferingPrice) -> list[Document]:
    """Return the condition of a price as the standard's place for logic has it: its text is an expression in CEL."""
    if price.when is None:
        return []
    return [{"id": f"{price.id}.when", "name": "when", "description": price.when.text, "@type": "CelExpression"}]


def _products(catalogs: CatalogSet) -> Iterator[Document]:
    for product in catalogs.products:
        needed = (need.specification for need in product.fulfilment.services)
        yield _with(_document(product, "ProductSpecification"), serviceSpecification=_by_id(needed))


def _services(catalogs: CatalogSet) -> Iterator[Document]:
    for service in catalogs.services:
        services = _by_id(need.specification for need in service.fulfilment.services)
        yield _with(
            {"@baseType": "ServiceSpecification", **_document(service, service.type)},
            serviceSpecRelationship=[{**each, "relationshipType": "dependency"} for each in services],
            resourceSpecification=_by_id(need.specification for need in service.fulfilment.resources),
        )


def _resources(catalogs: CatalogSet) -> Iterator[Document]:
    for resource in catalogs.resources:
        category = (resource.model_extra or {}).get("category")
        kind = _RESOURCE_TYPES.get(str(category), "ResourceSpecification")
        yield {"@baseType": "ResourceSpecification", **_document(resource, kind)}


def _catalogs_of(kind: str) -> Callable[[CatalogSet], Iterator[Document]]:
    def make(catalogs: CatalogSet) -> Iterator[Document]:
        for catalog in Versions(catalogs.catalogs):
            yield {**_outline(catalog, kind), "category": [{"id": catalog.id}]}

    return make


def _categories_of(kind: str, candidates: str, section: str) -> Callable[[CatalogSet], Iterator[Document]]:
    """Return what makes a category of each catalog, with all candidates for its specifications."""

    def make(catalogs: CatalogSet) -> Iterator[Document]:
        for catalog in Versions(catalogs.catalogs):
            entries: Iterable[ServiceSpecification | ResourceSpecification] = getattr(catalogs, section)
            mine = [each for each in _latest(entries) if each.catalog_id == catalog.id]
            yield _with({**_outline(catalog, kind), "isRoot": True}, **{candidates: _references(mine)})

    return make


def _candidates_of(kind: str, specification: str, section: str) -> Callable[[CatalogSet], Iterator[Document]]:
    """Return what makes a candidate of each specification, with the same id and version."""

    def make(catalogs: CatalogSet) -> Iterator[Document]:
        entries: Iterable[ServiceSpecification | ResourceSpecification] = getattr(catalogs, section)
        for entry in entries:
            named = {"id": entry.id, "version": entry.version}
            yield {**_outline(entry, kind), "category": [{"id": entry.catalog_id}], specification: named}

    return make


_MAKERS: dict[Collection, Callable[[CatalogSet], Iterator[Document]]] = {
    Collection.CATALOG: _catalogs,
    Collection.CATEGORY: _categories,
    Collection.OFFERING: _offerings,
    Collection.PRICE: _prices,
    Collection.PRODUCT: _products,
    Collection.SERVICE_CATALOG: _catalogs_of("ServiceCatalog"),
    Collection.SERVICE_CATEGORY: _categories_of("ServiceCategory", "serviceCandidate", "services"),
    Collection.SERVICE_CANDIDATE: _candidates_of("ServiceCandidate", "serviceSpecification", "services"),
    Collection.SERVICE: _services,
    Collection.RESOURCE_CATALOG: _catalogs_of("ResourceCatalog"),
    Collection.RESOURCE_CATEGORY: _categories_of("ResourceCategory", "resourceCandidate", "resources"),
    Collection.RESOURCE_CANDIDATE: _candidates_of("ResourceCandidate", "resourceSpecification", "resources"),
    Collection.RESOURCE: _resources,
}


def _document(entry: Entry, kind: str) -> Document:
    """Return an entry in its standard's shape, without addresses; empty lists say nothing and are left out."""
    document = entry.model_dump(mode="json", exclude_none=True, exclude=_INTERNAL)
    document = {name: value for name, value in document.items() if value != []}
    for name in _CHARACTERISTICS:
        for characteristic in document.get(name, []):
            _tidy(characteristic)
    for use in document.get("prodSpecCharValueUse", []):
        _tidy(use)
    return {"@type": kind, **document}


def _outline(entry: Entry, kind: str) -> Document:
    """Return what every entry has, for a document that no file has."""
    return {"@type": kind, **entry.model_dump(mode="json", exclude_none=True, include=set(Entry.model_fields))}


def _tidy(characteristic: Document) -> None:
    """Take away the list of values where all are allowed, and how a range ends where there is none."""
    for name in _VALUES:
        if characteristic.get(name) == []:
            del characteristic[name]
        for value in characteristic.get(name, []):
            if "valueFrom" not in value and "valueTo" not in value:
                value.pop("rangeInterval", None)


def _with(document: Document, **lists: list[Document]) -> Document:
    """Return the document with those of the lists that hold something and that the file has not given itself."""
    return {**document, **{name: each for name, each in lists.items() if each and name not in document}}


def _latest(entries: Iterable[E]) -> list[E]:
    """Return the latest version of each entry; versions come from the oldest to the latest."""
    return list({entry.id: entry for entry in entries}.values())


def _references(entries: Iterable[Entry]) -> list[Document]:
    return [{"id": entry_id} for entry_id in dict.fromkeys(entry.id for entry in entries)]


def _by_id(ids: Iterable[str]) -> list[Document]:
    return [{"id": each} for each in dict.fromkeys(ids)]


class _Links:
    """Gives documents their addresses below `base_url`, and those of what they refer to."""

    def __init__(self, shelves: Mapping[Collection, Shelf], base_url: str) -> None:
        self._shelves = shelves
        self._base_url = base_url

    def shelf(self, collection: Collection) -> Shelf:
        """Return the documents of a collection with all addresses; the latest version has one without a version."""
        plain = self._shelves[collection]
        targets = _REFERENCES | ({"category": _CATEGORIES[collection]} if collection in _CATEGORIES else {})
        documents = []
        for document in plain.documents:
            named = None if plain.is_latest(document) else document["version"]
            address = entry_href(self._base_url, collection, document["id"], named)
            documents.append({"id": document["id"], "href": address, **self._linked(document, targets)})
        return Shelf(documents)

    def _linked(self, node: Any, targets: Mapping[str, Collection]) -> Any:
        if isinstance(node, list):
            return [self._linked(each, targets) for each in node]
        if not isinstance(node, dict):
            return node
        return {
            name: self._referring(self._linked(value, targets), targets[name])
            if name in targets
            else self._linked(value, targets)
            for name, value in node.items()
        }

    def _referring(self, value: Any, target: Collection) -> Any:
        """Return a reference, or a list of them, with name and address; what leads out of the catalogs stays."""
        if isinstance(value, list):
            return [self._referring(each, target) for each in value]
        if not isinstance(value, dict):
            return value
        named = self._shelves[target].get(str(value.get("id")), value.get("version"))
        if named is None:
            return value
        address = entry_href(self._base_url, target, named["id"], value.get("version"))
        return {**value, "href": address, "name": named["name"], "@referredType": named["@type"]}
