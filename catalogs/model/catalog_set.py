"""All catalogs together: every version of every entry, the latest by default."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Generic, TypeVar

from catalogs.model.entities import (
    Catalog,
    Category,
    Entry,
    ProductOffering,
    ProductOfferingPrice,
    ProductSpecification,
    ResourceSpecification,
    ServiceSpecification,
    SpecificationReference,
)
from catalogs.model.faults import Fault
from orders.plan.orchestration_plan import CatalogVersion

E = TypeVar("E", bound=Entry)


class Versions(Generic[E]):
    """The entries of one kind by id and version."""

    def __init__(self, entries: Iterable[E] = ()) -> None:
        self._by_id: dict[str, list[E]] = {}
        for entry in entries:
            self._by_id.setdefault(entry.id, []).append(entry)
        for versions in self._by_id.values():
            versions.sort(key=lambda entry: _order(entry.version))

    def __contains__(self, entry_id: object) -> bool:
        return entry_id in self._by_id

    def __iter__(self) -> Iterator[E]:
        for versions in self._by_id.values():
            yield from versions

    def ids(self) -> list[str]:
        return list(self._by_id)

    def get(self, entry_id: str, version: str | None = None) -> E | None:
        """Return the entry with this id and version, without a version the latest, or None."""
        versions = self._by_id.get(entry_id, [])
        if version is not None:
            return next((entry for entry in versions if entry.version == version), None)
        return versions[-1] if versions else None

    def on_sale(self, entry_id: str, version: str | None, moment: datetime | None) -> E | None:
        """Return the latest version that can be ordered at `moment`, the latest of all where none can."""
        if version is None and moment is not None:
            for entry in reversed(self._by_id.get(entry_id, [])):
                if entry.on_sale(moment):
                    return entry
        return self.get(entry_id, version)

    def of(self, reference: SpecificationReference) -> E | None:
        return self.get(reference.id, reference.version)


class CatalogSet:
    """What `load_catalogs` returns: the entries of all catalogs, checked against each other."""

    def __init__(
        self,
        *,
        version: CatalogVersion,
        catalogs: Iterable[Catalog] = (),
        categories: Iterable[Category] = (),
        offerings: Iterable[ProductOffering] = (),
        products: Iterable[ProductSpecification] = (),
        prices: Iterable[ProductOfferingPrice] = (),
        services: Iterable[ServiceSpecification] = (),
        resources: Iterable[ResourceSpecification] = (),
        warnings: Iterable[Fault] = (),
    ) -> None:
        self.version = version
        self.warnings = list(warnings)
        """What is odd about them, though no fault."""
        self.catalogs = list(catalogs)
        self.categories = Versions(categories)
        self.offerings = Versions(offerings)
        self.products = Versions(products)
        self.prices = Versions(prices)
        self.services = Versions(services)
        self.resources = Versions(resources)

    def product_of(self, offering: ProductOffering | None) -> ProductSpecification | None:
        """Return the product specification of an offering; a bundle may have none."""
        if offering is None or offering.product_specification is None:
            return None
        return self.products.of(offering.product_specification)


def _order(version: str) -> list[tuple[int, int, str]]:
    """Return a sort key by which `1.10` comes after `1.9`."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"[.+-]", version)]
