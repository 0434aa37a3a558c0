"""Faults of offerings: references that lead nowhere, or twice to the same; relations that contradict; odd values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalogs.lint.characteristics import cardinality_faults, use_faults
from catalogs.model.catalog_set import Versions
from catalogs.model.characteristics import of_offering
from catalogs.model.entities import ProductOffering, SpecificationReference
from catalogs.model.entries import Entries, Section, Sourced
from catalogs.model.faults import Fault, Loc, did_you_mean

_OFFERING_RELATIONS = ("requires", "excludes")


def reference_faults(
    sourced: Sourced[Any], loc: Loc, reference: SpecificationReference, section: Section[Any]
) -> Iterator[Fault]:
    """Yield a fault where a reference leads to nothing in a section."""
    if section.knows(reference.id, reference.version):
        return
    version = f" version {reference.version}" if reference.version and section.knows(reference.id) else ""
    hint = "" if version else did_you_mean(reference.id, section.ids())
    yield sourced.fault([*loc, "id"], f"there is no {section.name} {reference.id!r}{version}{hint}")


def offering_faults(entries: Entries) -> Iterator[Fault]:
    for sourced in entries.offerings:
        offering = sourced.entry
        if offering.product_specification:
            loc = ["productSpecification"]
            yield from reference_faults(sourced, loc, offering.product_specification, entries.products)
        yield from _price_faults(sourced, entries)
        yield from _relation_faults(sourced, entries)
        yield from _value_use_faults(sourced, entries)


def offering_warnings(entries: Entries) -> Iterator[Fault]:
    """Yield the characteristics of which an offering says that it narrows them, and does not."""
    for sourced in entries.offerings:
        for index, use in enumerate(sourced.entry.prod_spec_char_value_use):
            if not use.values and use.min_cardinality is None and use.max_cardinality is None:
                message = f"narrows nothing of {use.name!r}: it has no values and no cardinality"
                yield sourced.fault(["prodSpecCharValueUse", index], message)


def _price_faults(sourced: Sourced[ProductOffering], entries: Entries) -> Iterator[Fault]:
    prices = Versions(each.entry for each in entries.prices)
    seen: set[str] = set()
    for index, reference in enumerate(sourced.entry.product_offering_price):
        loc: list[str | int] = ["productOfferingPrice", index]
        yield from reference_faults(sourced, loc, reference, entries.prices)
        price = prices.of(reference)
        if price and price.price_type == "discount":
            message = f"{price.id!r} is a discount; name it in the popRelationship of the price that it is taken off"
            yield sourced.fault(loc, message)
        if reference.id in seen:
            yield sourced.fault(loc, f"{reference.id!r} is named twice, and would be charged twice")
        seen.add(reference.id)


def _relation_faults(sourced: Sourced[ProductOffering], entries: Entries) -> Iterator[Fault]:
    offering = sourced.entry
    kinds: dict[str, str] = {}
    for index, relation in enumerate(offering.product_offering_relationship):
        loc: list[str | int] = ["productOfferingRelationship", index]
        yield from reference_faults(sourced, loc, relation, entries.offerings)
        kind = relation.relationship_type
        if kind not in _OFFERING_RELATIONS:
            continue
        if relation.id == offering.id:
            yield sourced.fault(loc, f"{offering.id!r} {kind} itself")
        if kinds.setdefault(relation.id, kind) != kind:
            yield sourced.fault(loc, f"{offering.id!r} both requires and excludes {relation.id!r}")


def _value_use_faults(sourced: Sourced[ProductOffering], entries: Entries) -> Iterator[Fault]:
    offering = sourced.entry
    products = Versions(each.entry for each in entries.products)
    specification = products.of(offering.product_specification) if offering.product_specification else None
    if specification is None:
        return
    rules = {rule.name: rule for rule in specification.characteristics}
    narrowed = {rule.name: rule for rule in of_offering(specification, offering)}
    seen: set[str] = set()
    for index, use in enumerate(offering.prod_spec_char_value_use):
        loc: list[str | int] = ["prodSpecCharValueUse", index]
        if use.name not in rules:
            hint = did_you_mean(use.name, rules)
            yield sourced.fault([*loc, "name"], f"{specification.id!r} has no characteristic {use.name!r}{hint}")
            continue
        if use.name in seen:
            yield sourced.fault([*loc, "name"], f"{use.name!r} is narrowed twice; one entry says all of it")
        seen.add(use.name)
        if use.min_cardinality is not None or use.max_cardinality is not None:
            yield from cardinality_faults(sourced, loc, narrowed[use.name])
        yield from use_faults(sourced, [*loc, "productSpecCharacteristicValue"], use.values, [rules[use.name]])
