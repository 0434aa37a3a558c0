"""Faults of offerings: references that lead nowhere, bundles that cannot be put together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalogs.catalog_set import Versions
from catalogs.characteristics import of_offering
from catalogs.entries import Entries, Section, Sourced
from catalogs.faults import Fault, Loc, did_you_mean
from catalogs.lint_characteristics import value_faults
from catalogs.model import ProductOffering, SpecificationReference

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
        for index, price in enumerate(offering.product_offering_price):
            yield from reference_faults(sourced, ["productOfferingPrice", index], price, entries.prices)
        yield from _relation_faults(sourced, entries)
        yield from _bundle_faults(sourced, entries)
        yield from _value_use_faults(sourced, entries)


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


def _bundle_faults(sourced: Sourced[ProductOffering], entries: Entries) -> Iterator[Fault]:
    offering = sourced.entry
    children = offering.bundled_product_offering
    if offering.is_bundle and not children:
        yield sourced.fault(["isBundle"], f"{offering.id!r} is a bundle of nothing: bundledProductOffering is missing")
    if not offering.is_bundle and children:
        yield sourced.fault(["bundledProductOffering"], f"{offering.id!r} has parts, but isBundle is not true")
    if not offering.is_bundle and offering.product_specification is None:
        yield sourced.fault([], f"{offering.id!r} has no productSpecification")
    excluded = {each.id for each in offering.product_offering_relationship if each.relationship_type == "excludes"}
    seen: set[str] = set()
    for index, child in enumerate(children):
        loc: list[str | int] = ["bundledProductOffering", index]
        yield from reference_faults(sourced, loc, child, entries.offerings)
        if child.id in seen:
            yield sourced.fault(loc, f"{child.id!r} is a part twice; one entry says how many")
        seen.add(child.id)
        if child.id in excluded:
            yield sourced.fault(loc, f"{offering.id!r} excludes its own part {child.id!r}")
        least, most = child.option.number_rel_offer_lower_limit, child.option.number_rel_offer_upper_limit
        option = [*loc, "bundledProductOfferingOption"]
        if most is not None and least > most:
            message = f"numberRelOfferLowerLimit {least} is above numberRelOfferUpperLimit {most}"
            yield sourced.fault([*option, "numberRelOfferLowerLimit"], message)
        usual = child.option.number_rel_offer_default
        if usual is not None and not least <= usual <= (usual if most is None else most):
            message = f"numberRelOfferDefault {usual} is not between the limits"
            yield sourced.fault([*option, "numberRelOfferDefault"], message)


def _value_use_faults(sourced: Sourced[ProductOffering], entries: Entries) -> Iterator[Fault]:
    offering = sourced.entry
    products = Versions(each.entry for each in entries.products)
    specification = products.of(offering.product_specification) if offering.product_specification else None
    if specification is None:
        return
    rules = {rule.name: rule for rule in specification.characteristics}
    narrowed = {rule.name: rule for rule in of_offering(specification, offering)}
    for index, use in enumerate(offering.prod_spec_char_value_use):
        loc: list[str | int] = ["prodSpecCharValueUse", index]
        if use.name not in rules:
            hint = did_you_mean(use.name, rules)
            yield sourced.fault([*loc, "name"], f"{specification.id!r} has no characteristic {use.name!r}{hint}")
        else:
            values = [*loc, "productSpecCharacteristicValue"]
            yield from value_faults(sourced, values, rules[use.name], narrowed[use.name])
