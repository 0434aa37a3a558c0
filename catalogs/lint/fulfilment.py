"""Faults of fulfilment: specifications and keys that are not there, characteristics that nobody declares or gives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from catalogs.lint.offerings import reference_faults
from catalogs.model.catalog_set import Versions
from catalogs.model.characteristics import default_of
from catalogs.model.entities import (
    CharacteristicSpecification,
    ProductSpecification,
    ResourceSpecification,
    ServiceSpecification,
)
from catalogs.model.entries import Entries, Section, Sourced
from catalogs.model.faults import Fault, Loc, did_you_mean
from catalogs.model.fulfilment import RESERVED_KEYS, Requirement
from orders.plan.parts import Move

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


def fulfilment_faults(entries: Entries) -> Iterator[Fault]:
    services = Versions(each.entry for each in entries.services)
    resources = Versions(each.entry for each in entries.resources)
    for product in entries.products:
        yield from _relation_faults(product, entries)
        needs = product.entry.fulfilment.services
        yield from _requirement_faults(product, "services", needs, entries.services, services)
        yield from _facing_faults(product, needs, services, customer_facing=True)
        yield from _beyond_faults(product, entries)
    for service in entries.services:
        fulfilment = service.entry.fulfilment
        yield from _requirement_faults(service, "services", fulfilment.services, entries.services, services)
        yield from _requirement_faults(service, "resources", fulfilment.resources, entries.resources, resources)
        yield from _facing_faults(service, fulfilment.services, services, customer_facing=False)
        yield from _own_faults(service)
        yield from _assurance_faults(service)
        yield from _move_faults(service, services)


def _relation_faults(sourced: Sourced[ProductSpecification], entries: Entries) -> Iterator[Fault]:
    for index, relation in enumerate(sourced.entry.product_specification_relationship):
        yield from reference_faults(sourced, ["productSpecificationRelationship", index], relation, entries.products)


def _assurance_faults(sourced: Sourced[ServiceSpecification]) -> Iterator[Fault]:
    """Yield what assurance cannot do: exchange resources that there are not, hear of what is not in the network."""
    fulfilment = sourced.entry.fulfilment
    if fulfilment.assurance is None:
        return
    known = [each.key for each in fulfilment.resources]
    for index, key in enumerate(fulfilment.assurance.replaces):
        if key not in known:
            message = f"{sourced.entry.id!r} has no resource {key!r}{did_you_mean(key, known)}"
            yield sourced.fault(["fulfilment", "assurance", "replaces", index], message)
    if fulfilment.activation is None and fulfilment.assurance.action != "none":
        message = (
            f"{sourced.entry.id!r} has no activation: what is not set up in the network cannot be said to fail there"
        )
        yield sourced.fault(["fulfilment", "assurance"], message)


def _requirement_faults(
    sourced: Sourced[Any],
    block: str,
    requirements: Sequence[Requirement],
    section: Section[Any],
    known: Versions[Any],
) -> Iterator[Fault]:
    keys: set[str] = set()
    declared = {requirement.key for requirement in requirements}
    for index, requirement in enumerate(requirements):
        loc: list[str | int] = ["fulfilment", block, index]
        if requirement.key in keys:
            yield sourced.fault([*loc, "key"], f"the key {requirement.key!r} is used twice")
        keys.add(requirement.key)
        if requirement.key in RESERVED_KEYS:
            yield sourced.fault([*loc, "key"], f"the key {requirement.key!r} is reserved; choose another")
        if not _KEY.fullmatch(requirement.key):
            message = f"the key {requirement.key!r} is not a letter followed by letters, digits, - and _, at most 40"
            yield sourced.fault([*loc, "key"], message)
        if not section.knows(requirement.specification):
            hint = did_you_mean(requirement.specification, section.ids())
            message = f"there is no {section.name} {requirement.specification!r}{hint}"
            yield sourced.fault([*loc, "specification"], message)
        for position, name in enumerate(requirement.depends_on):
            if "/" not in name and name not in declared:
                message = f"{requirement.key!r} depends on {name!r}, which is no key here{did_you_mean(name, declared)}"
                yield sourced.fault([*loc, "dependsOn", position], message)
            if name == requirement.key:
                yield sourced.fault([*loc, "dependsOn", position], f"{name!r} depends on itself")
        if specification := known.get(requirement.specification):
            yield from _characteristic_faults(sourced, loc, requirement, specification)


def _characteristic_faults(
    sourced: Sourced[Any],
    loc: Loc,
    requirement: Requirement,
    specification: ServiceSpecification | ResourceSpecification,
) -> Iterator[Fault]:
    rules: dict[str, CharacteristicSpecification] = {rule.name: rule for rule in specification.characteristics}
    for name in requirement.characteristics:
        if name not in rules:
            message = f"{specification.id!r} has no characteristic {name!r}{did_you_mean(name, rules)}"
            yield sourced.fault([*loc, "characteristics", name], message)
    own = specification.fulfilment.characteristics if isinstance(specification, ServiceSpecification) else {}
    for rule in rules.values():
        given = rule.name in requirement.characteristics or rule.name in own
        if rule.min_cardinality and not given and default_of(rule) is None:
            message = f"{specification.id!r} needs the characteristic {rule.name!r}, which nothing gives"
            yield sourced.fault([*loc, "characteristics"], message)


def _facing_faults(
    sourced: Sourced[Any],
    requirements: Sequence[Requirement],
    services: Versions[ServiceSpecification],
    *,
    customer_facing: bool,
) -> Iterator[Fault]:
    """Yield the services of the wrong kind: products need customer-facing ones, those need resource-facing ones."""
    if isinstance(sourced.entry, ServiceSpecification) and requirements and not sourced.entry.customer_facing:
        message = "a resource-facing service is realised by resources, not by other services"
        yield sourced.fault(["fulfilment", "services"], message)
        return
    for index, requirement in enumerate(requirements):
        service = services.get(requirement.specification)
        if service and service.customer_facing != customer_facing:
            kind = "customer-facing" if customer_facing else "resource-facing"
            message = f"{service.id!r} is a {service.type}; a {kind} one is needed here"
            yield sourced.fault(["fulfilment", "services", index, "specification"], message)


def _beyond_faults(sourced: Sourced[ProductSpecification], entries: Entries) -> Iterator[Fault]:
    """Yield the services of other products that are depended on and are not there."""
    products = Versions(each.entry for each in entries.products)
    for index, requirement in enumerate(sourced.entry.fulfilment.services):
        for position, name in enumerate(requirement.depends_on):
            if "/" not in name:
                continue
            loc: list[str | int] = ["fulfilment", "services", index, "dependsOn", position]
            product_id, key = name.split("/", 1)
            product = products.get(product_id)
            if not entries.products.knows(product_id):
                hint = did_you_mean(product_id, entries.products.ids())
                yield sourced.fault(loc, f"there is no productSpecification {product_id!r}{hint}")
            elif product is not None:
                keys = [each.key for each in product.fulfilment.services]
                if key not in keys:
                    yield sourced.fault(loc, f"{product_id!r} has no service {key!r}{did_you_mean(key, keys)}")


def _move_faults(sourced: Sourced[ServiceSpecification], services: Versions[ServiceSpecification]) -> Iterator[Fault]:
    """Yield a resource that the old and the new service of a move would both have, where there can be but one."""
    whole = sourced.entry
    if whole.fulfilment.move is not Move.OVERLAP:
        return
    parts = [services.get(each.specification) for each in whole.fulfilment.services]
    for service in (whole, *parts):
        for need in service.fulfilment.resources if service else ():
            if service and need.value is not None:
                name = f"{need.key!r} of {service.id!r}"
                message = f"{name} is asked for by its value, which the old service has while the new one is set up"
                yield sourced.fault(["fulfilment", "move"], f"{message}: leave out `move`, or that `value`")


def _own_faults(sourced: Sourced[ServiceSpecification]) -> Iterator[Fault]:
    rules = {rule.name for rule in sourced.entry.characteristics}
    for name in sourced.entry.fulfilment.characteristics:
        if name not in rules:
            message = f"{sourced.entry.id!r} has no characteristic {name!r}{did_you_mean(name, rules)}"
            yield sourced.fault(["fulfilment", "characteristics", name], message)
    for index, requirement in enumerate(sourced.entry.fulfilment.services):
        for position, name in enumerate(requirement.depends_on):
            if "/" in name:
                message = "only a product's services depend on those of other products"
                yield sourced.fault(["fulfilment", "services", index, "dependsOn", position], message)
    for index, resource in enumerate(sourced.entry.fulfilment.resources):
        for position, name in enumerate(resource.depends_on):
            if "/" in name:
                message = "a resource depends only on resources beside it"
                yield sourced.fault(["fulfilment", "resources", index, "dependsOn", position], message)
