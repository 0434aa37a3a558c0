"""Faults of categories, by which shops lead to offerings, and offerings that no category leads to."""

from __future__ import annotations

from collections.abc import Iterator

from catalogs.lint.offerings import reference_faults
from catalogs.model.entities import ON_SALE, SpecificationReference
from catalogs.model.entries import Entries
from catalogs.model.faults import Fault

_WORKED_OUT = {
    "subCategory": "follows from parentId of the categories below",
    "productOffering": "follows from category of the offerings",
}


def category_faults(entries: Entries) -> Iterator[Fault]:
    for sourced in entries.categories:
        category = sourced.entry
        if category.parent_id is not None:
            parent = SpecificationReference(id=category.parent_id)
            for fault in reference_faults(sourced, ["parentId"], parent, entries.categories):
                yield sourced.fault(["parentId"], fault.message)
        if category.is_root is not None and category.is_root != (category.parent_id is None):
            yield sourced.fault(["isRoot"], "a category is a root where it has no parentId, and only there")
        for key, words in _WORKED_OUT.items():
            if key in (category.model_extra or {}):
                yield sourced.fault([key], f"{key} {words}; leave it out")
    for offering in entries.offerings:
        for index, reference in enumerate(offering.entry.category):
            yield from reference_faults(offering, ["category", index], reference, entries.categories)


def category_warnings(entries: Entries) -> Iterator[Fault]:
    """Yield, where there are categories, those that lead to nothing, and what is sold without one that leads to it."""
    if not entries.categories.sourced:
        return
    used = {reference.id for each in entries.offerings for reference in each.entry.category}
    used |= {each.entry.parent_id for each in entries.categories if each.entry.parent_id}
    for category in entries.categories:
        if category.entry.id not in used:
            yield category.fault(["id"], f"category {category.entry.id!r} has no offering and no category below it")
    for offering in entries.offerings:
        entry = offering.entry
        if entry.is_sellable and entry.lifecycle_status in ON_SALE and not entry.category:
            yield offering.fault(["id"], f"productOffering {entry.id!r} is sold, but in no category")
