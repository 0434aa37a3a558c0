"""The entries of all catalogs as they were written, each with its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
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
)
from catalogs.model.faults import Fault, Loc
from catalogs.model.sources import Source

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class Sourced(Generic[E]):
    """An entry, and where it was written."""

    entry: E
    source: Source

    def fault(self, loc: Loc, message: str) -> Fault:
        return self.source.fault(loc, message)


@dataclass
class Section(Generic[E]):
    """All entries of one kind; `broken` has the ids of those that have faults of their own."""

    name: str
    model: type[E]
    sourced: list[Sourced[E]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[Sourced[E]]:
        return iter(self.sourced)

    def knows(self, entry_id: str, version: str | None = None) -> bool:
        """Return whether an entry was written under this id, faulty or not, so that a fault is told once."""
        return entry_id in self.broken or any(
            each.entry.id == entry_id and version in (None, each.entry.version) for each in self.sourced
        )

    def ids(self) -> list[str]:
        return sorted({each.entry.id for each in self.sourced} | self.broken)


@dataclass
class Entries:
    """The sections of all files of all catalogs."""

    catalogs: Section[Catalog] = field(default_factory=lambda: Section("catalog", Catalog))
    categories: Section[Category] = field(default_factory=lambda: Section("category", Category))
    offerings: Section[ProductOffering] = field(default_factory=lambda: Section("productOffering", ProductOffering))
    products: Section[ProductSpecification] = field(
        default_factory=lambda: Section("productSpecification", ProductSpecification)
    )
    prices: Section[ProductOfferingPrice] = field(
        default_factory=lambda: Section("productOfferingPrice", ProductOfferingPrice)
    )
    services: Section[ServiceSpecification] = field(
        default_factory=lambda: Section("serviceSpecification", ServiceSpecification)
    )
    resources: Section[ResourceSpecification] = field(
        default_factory=lambda: Section("resourceSpecification", ResourceSpecification)
    )
