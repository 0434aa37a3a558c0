"""Bundles that cannot be put together: limits that contradict, parts twice, parts that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator

from catalogs.lint.offerings import reference_faults
from catalogs.model.catalog_set import Versions
from catalogs.model.entities import BundledProductOffering, ProductOffering
from catalogs.model.entries import Entries, Sourced
from catalogs.model.faults import Fault


def bundle_faults(entries: Entries) -> Iterator[Fault]:
    offerings = Versions(each.entry for each in entries.offerings)
    for sourced in entries.offerings:
        yield from _form_faults(sourced)
        seen: set[str] = set()
        excluded = _related(sourced.entry, "excludes")
        for index, child in enumerate(sourced.entry.bundled_product_offering):
            loc: list[str | int] = ["bundledProductOffering", index]
            yield from reference_faults(sourced, loc, child, entries.offerings)
            if child.id in seen:
                yield sourced.fault(loc, f"{child.id!r} is a part twice; one entry says how many")
            seen.add(child.id)
            if child.id in excluded:
                yield sourced.fault(loc, f"{sourced.entry.id!r} excludes its own part {child.id!r}")
            yield from _limit_faults(sourced, index, child)
        yield from _exclusion_faults(sourced, offerings)


def _form_faults(sourced: Sourced[ProductOffering]) -> Iterator[Fault]:
    offering = sourced.entry
    children = offering.bundled_product_offering
    if offering.is_bundle and not children:
        yield sourced.fault(["isBundle"], f"{offering.id!r} is a bundle of nothing: bundledProductOffering is missing")
    if not offering.is_bundle and children:
        yield sourced.fault(["bundledProductOffering"], f"{offering.id!r} has parts, but isBundle is not true")
    if not offering.is_bundle and offering.product_specification is None:
        yield sourced.fault([], f"{offering.id!r} has no productSpecification")
    if offering.product_specification is None and offering.prod_spec_char_value_use:
        message = f"{offering.id!r} has no productSpecification whose characteristics it could narrow"
        yield sourced.fault(["prodSpecCharValueUse"], message)


def _limit_faults(sourced: Sourced[ProductOffering], index: int, child: BundledProductOffering) -> Iterator[Fault]:
    least, most = child.option.number_rel_offer_lower_limit, child.option.number_rel_offer_upper_limit
    option: list[str | int] = ["bundledProductOffering", index, "bundledProductOfferingOption"]
    if most is not None and least > most:
        message = f"numberRelOfferLowerLimit {least} is above numberRelOfferUpperLimit {most}"
        yield sourced.fault([*option, "numberRelOfferLowerLimit"], message)
    usual = child.option.number_rel_offer_default
    if usual is not None and not least <= usual <= (usual if most is None else most):
        limits = f"{least} to {most}" if most is not None else f"{least} or more"
        message = f"numberRelOfferDefault {usual} is not between the limits, {limits}"
        yield sourced.fault([*option, "numberRelOfferDefault"], message)


def _exclusion_faults(sourced: Sourced[ProductOffering], offerings: Versions[ProductOffering]) -> Iterator[Fault]:
    """Yield the parts that a bundle cannot have since one that it cannot do without excludes them."""
    parts = sourced.entry.bundled_product_offering
    needed = [child.id for child in parts if child.option.number_rel_offer_lower_limit]
    for index, child in enumerate(parts):
        for other in needed:
            pair = {child.id: other, other: child.id}
            if other != child.id and any(pair[each] in _related(offerings.get(each), "excludes") for each in pair):
                message = f"{child.id!r} and {other!r} exclude each other, and the bundle cannot do without {other!r}"
                yield sourced.fault(["bundledProductOffering", index], message)


def _related(offering: ProductOffering | None, kind: str) -> set[str]:
    relations = offering.product_offering_relationship if offering else []
    return {each.id for each in relations if each.relationship_type == kind}
