"""Circles: services, resources or products that depend on each other, bundles that contain themselves,
categories below themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalogs.model.entries import Entries, Section, Sourced
from catalogs.model.faults import Fault
from catalogs.model.fulfilment import Requirement
from orders.plan.graph import find_circle


def circle_faults(entries: Entries) -> Iterator[Fault]:
    for service in entries.services:
        for block in ("services", "resources"):
            yield from _within(service, block, getattr(service.entry.fulfilment, block))
    yield from _among_products(entries)
    offerings = {
        each.entry.id: [child.id for child in each.entry.bundled_product_offering] for each in entries.offerings
    }
    yield from _named(offerings, entries.offerings, "bundledProductOffering", "bundles contain each other")
    parents = {each.entry.id: [each.entry.parent_id] for each in entries.categories if each.entry.parent_id}
    yield from _named(parents, entries.categories, "parentId", "categories are below each other")
    prices = {each.entry.id: [part.id for part in each.entry.bundled_pop_relationship] for each in entries.prices}
    yield from _named(prices, entries.prices, "bundledPopRelationship", "prices contain each other")


def _within(sourced: Sourced[Any], block: str, requirements: Sequence[Requirement]) -> Iterator[Fault]:
    graph = {each.key: [name for name in each.depends_on if name != each.key] for each in requirements}
    if circle := find_circle(graph):
        index = next(index for index, each in enumerate(requirements) if each.key == circle[0])
        message = f"{block} depend on each other in a circle: {' → '.join(circle)}"
        yield sourced.fault(["fulfilment", block, index, "dependsOn"], message)


def _among_products(entries: Entries) -> Iterator[Fault]:
    """Yield a circle of services over all products, by keys such as `home-tv/tv`; a whole product is all of its."""
    graph: dict[str, list[str]] = {}
    keys = {each.entry.id: [need.key for need in each.entry.fulfilment.services] for each in entries.products}
    for sourced in entries.products:
        product = sourced.entry
        whole = [
            f"{relation.id}/{key}"
            for relation in product.product_specification_relationship
            if relation.relationship_type == "reliesOn" and relation.id != product.id
            for key in keys.get(relation.id, [])
        ]
        for need in product.fulfilment.services:
            named = [name if "/" in name else f"{product.id}/{name}" for name in need.depends_on if name != need.key]
            graph.setdefault(f"{product.id}/{need.key}", []).extend([*whole, *named])
    if circle := find_circle(graph):
        product_id, key = circle[0].split("/", 1)
        sourced = next(each for each in entries.products if each.entry.id == product_id)
        index = keys[product_id].index(key)
        message = f"services depend on each other in a circle: {' → '.join(circle)}"
        yield sourced.fault(["fulfilment", "services", index, "dependsOn"], message)


def _named(graph: Mapping[str, list[str]], section: Section[Any], key: str, words: str) -> Iterator[Fault]:
    if circle := find_circle(graph):
        sourced = next(each for each in section if each.entry.id == circle[0])
        yield sourced.fault([key], f"{words} in a circle: {' → '.join(circle)}")
