"""Warnings: what is odd in a catalog but no fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalogs.model.catalog_set import Versions
from catalogs.model.entities import Entry, ServiceSpecification
from catalogs.model.entries import Entries, Section, Sourced
from catalogs.model.faults import Fault


def find_warnings(entries: Entries) -> Iterator[Fault]:
    """Yield the entries that nothing uses, and the services that nothing sets up in the network."""
    yield from _unused(entries.products, _products_in_use(entries))
    yield from _unused(entries.services, _services_in_use(entries))
    yield from _unused(entries.resources, _resources_in_use(entries))
    yield from _unused(entries.prices, _prices_in_use(entries))
    parts = {child.id for each in entries.offerings for child in each.entry.bundled_product_offering}
    for offering in entries.offerings:
        if not offering.entry.is_sellable and offering.entry.id not in parts:
            yield offering.fault(["isSellable"], f"{offering.entry.id!r} is neither sold alone nor part of a bundle")
    services = Versions(each.entry for each in entries.services)
    for service in entries.services:
        if service.entry.customer_facing and not _is_activated(service, services):
            yield service.fault(["fulfilment"], f"nothing activates {service.entry.id!r}, nor any service it needs")


def _unused(section: Section[Any], used: set[str]) -> Iterator[Fault]:
    for sourced in section:
        entry: Entry = sourced.entry
        if entry.id not in used:
            yield sourced.fault(["id"], f"{section.name} {entry.id!r} is used by nothing")


def _products_in_use(entries: Entries) -> set[str]:
    references = (each.entry.product_specification for each in entries.offerings)
    return {reference.id for reference in references if reference}


def _services_in_use(entries: Entries) -> set[str]:
    by_products = {need.specification for each in entries.products for need in each.entry.fulfilment.services}
    return by_products | {need.specification for each in entries.services for need in each.entry.fulfilment.services}


def _resources_in_use(entries: Entries) -> set[str]:
    return {need.specification for each in entries.services for need in each.entry.fulfilment.resources}


def _prices_in_use(entries: Entries) -> set[str]:
    by_offerings = {price.id for each in entries.offerings for price in each.entry.product_offering_price}
    by_prices = {
        reference.id
        for each in entries.prices
        for reference in (*each.entry.pop_relationship, *each.entry.bundled_pop_relationship)
    }
    return by_offerings | by_prices


def _is_activated(sourced: Sourced[ServiceSpecification], services: Versions[ServiceSpecification]) -> bool:
    fulfilment = sourced.entry.fulfilment
    parts = (services.get(need.specification) for need in fulfilment.services)
    return fulfilment.activation is not None or any(part.fulfilment.activation for part in parts if part)
