"""Faults of expressions: names that they read and that are not there, late values where they come too late."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogs.lint.price_uses import Priced, priced
from catalogs.model.catalog_set import Versions
from catalogs.model.entities import ProductSpecification, ServiceSpecification
from catalogs.model.entries import Entries, Sourced
from catalogs.model.expressions import EARLY_VARIABLES, LATE_VARIABLES, Expression
from catalogs.model.faults import Fault, Loc, did_you_mean
from catalogs.model.fulfilment import Requirement, ResourceRequirement, ServiceRequirement

_WORDS = re.compile(r"[A-Za-z][\w-]*(?: [\w-]+)*")


@dataclass(frozen=True)
class _Scope:
    """The names that an expression can read at its place; None where any name may be there."""

    variables: Collection[str]
    product: Collection[str] | None = None
    service: Collection[str] | None = None
    assigned: Collection[str] | None = None
    services: Mapping[str, Collection[str] | None] | None = None


def expression_faults(entries: Entries) -> Iterator[Fault]:
    services = Versions(each.entry for each in entries.services)
    products = Versions(each.entry for each in entries.products)
    for product in entries.products:
        yield from _product_faults(product, products, services)
    for service in entries.services:
        yield from _service_faults(service, services, _users(service.entry, entries))
    of = priced(entries)
    for price in entries.prices:
        if price.entry.when:
            known = {name for rules in of.get(price.entry.id, Priced()).rules.values() for name in rules}
            scope = _Scope(variables=EARLY_VARIABLES - {"service", "index"}, product=known or None)
            yield from _faults(price, ["when"], price.entry.when, scope)


def _product_faults(
    sourced: Sourced[ProductSpecification],
    products: Versions[ProductSpecification],
    services: Versions[ServiceSpecification],
) -> Iterator[Fault]:
    product = sourced.entry
    names = {rule.name for rule in product.characteristics}
    siblings = {need.key: need for need in product.fulfilment.services}
    for index, need in enumerate(product.fulfilment.services):
        beside = {key: _characteristics(siblings[key], services) for key in need.depends_on if key in siblings}
        beyond = {name: _beyond(name, products, services) for name in need.depends_on if "/" in name}
        target = services.get(need.specification)
        inner = {each.key: _characteristics(each, services) for each in target.fulfilment.services} if target else {}
        held = {each.key for each in target.fulfilment.resources} if target else set()
        scope = _Scope(
            variables=EARLY_VARIABLES - {"service"} | LATE_VARIABLES,
            product=names,
            assigned=held,
            services={**inner, **beside, **beyond},
        )
        yield from _requirement_faults(sourced, ["fulfilment", "services", index], need, scope)


def _service_faults(
    sourced: Sourced[ServiceSpecification],
    services: Versions[ServiceSpecification],
    users: Sequence[ProductSpecification],
) -> Iterator[Fault]:
    fulfilment = sourced.entry.fulfilment
    own = {rule.name for rule in sourced.entry.characteristics}
    product = (
        set[str].intersection(*({rule.name for rule in each.characteristics} for each in users)) if users else None
    )
    parts = {need.key: need for need in fulfilment.services}
    everything = EARLY_VARIABLES | LATE_VARIABLES
    for index, need in enumerate(fulfilment.services):
        target = services.get(need.specification)
        held = {each.key for each in target.fulfilment.resources} if target else set()
        beside = {key: _characteristics(parts[key], services) for key in need.depends_on if key in parts}
        scope = _Scope(everything, product, own, held, beside)
        yield from _requirement_faults(sourced, ["fulfilment", "services", index], need, scope)
    for index, resource in enumerate(fulfilment.resources):
        scope = _Scope(everything, product, own, resource.depends_on)
        yield from _requirement_faults(sourced, ["fulfilment", "resources", index], resource, scope)
    below = {key: _characteristics(need, services) for key, need in parts.items()}
    scope = _Scope(everything, product, own, {each.key for each in fulfilment.resources}, below)
    for name, expression in fulfilment.characteristics.items():
        yield from _faults(sourced, ["fulfilment", "characteristics", name], expression, scope)


def _requirement_faults(
    sourced: Sourced[Any], loc: Loc, requirement: ServiceRequirement | ResourceRequirement, scope: _Scope
) -> Iterator[Fault]:
    early = {"when": requirement.when, "count": requirement.count, "place": requirement.place}
    if isinstance(requirement, ResourceRequirement):
        early |= {"pool": requirement.pool, "value": requirement.value}
        for name, expression in requirement.criteria.items():
            yield from _early_faults(sourced, [*loc, "criteria", name], expression, scope)
    for name, needed in early.items():
        if needed:
            yield from _early_faults(sourced, [*loc, name], needed, scope)
    for name, expression in requirement.characteristics.items():
        yield from _faults(sourced, [*loc, "characteristics", name], expression, scope)


def _early_faults(sourced: Sourced[Any], loc: Loc, expression: Expression, scope: _Scope) -> Iterator[Fault]:
    if expression.is_late:
        read = ", ".join(sorted(expression.variables & LATE_VARIABLES))
        message = f"{expression.text!r} reads {read}, known only when the order runs; here it is needed before"
        yield sourced.fault(loc, message)
    else:
        yield from _faults(sourced, loc, expression, scope)


def _faults(sourced: Sourced[Any], loc: Loc, expression: Expression, scope: _Scope) -> Iterator[Fault]:
    for name in sorted(expression.variables - set(scope.variables)):
        known = did_you_mean(name, scope.variables) or f"; known here are {', '.join(sorted(scope.variables))}"
        quoted = f"; for this very text write \"'{expression.text}'\"" if _WORDS.fullmatch(expression.text) else ""
        yield sourced.fault(loc, f"{expression.text!r} reads the unknown variable {name!r}{quoted or known}")
    if expression.is_late and expression.variables & EARLY_VARIABLES:
        early = ", ".join(sorted(expression.variables & EARLY_VARIABLES))
        message = (
            f"{expression.text!r} reads both {early} and values known only when the order runs; "
            "make the former a characteristic and read that, or split it"
        )
        yield sourced.fault(loc, message)
    for message in _name_faults(expression, scope):
        yield sourced.fault(loc, f"{expression.text!r}: {message}")
    if expression.tests_presence and expression.variables & {"product", "service"}:
        message = "has() is true of every characteristic; one without a value is null: compare with null instead"
        yield sourced.fault(loc, f"{expression.text!r}: {message}")


def _name_faults(expression: Expression, scope: _Scope) -> Iterator[str]:
    known = {"product": scope.product, "service": scope.service, "assigned": scope.assigned, "services": scope.services}
    words = {
        "product": "the product has no characteristic",
        "service": "the service has no characteristic",
        "assigned": "no resource it can read is called",
        "services": "no service it depends on is called",
    }
    for variable, name, attribute in sorted(expression.reads, key=str):
        names = known.get(variable)
        if names is None:
            continue
        if name.split("*")[0] not in names:
            yield f"{words[variable]} {name!r}{did_you_mean(name, names)}"
        elif variable == "services" and scope.services and attribute:
            characteristics = scope.services[name.split("*")[0]]
            if characteristics is not None and attribute not in characteristics:
                hint = did_you_mean(attribute, characteristics)
                yield f"service {name!r} has no characteristic {attribute!r}{hint}"


def _characteristics(requirement: Requirement, services: Versions[ServiceSpecification]) -> Collection[str] | None:
    specification = services.get(requirement.specification)
    return {rule.name for rule in specification.characteristics} if specification else None


def _beyond(
    name: str, products: Versions[ProductSpecification], services: Versions[ServiceSpecification]
) -> Collection[str] | None:
    product_id, key = name.split("/", 1)
    product = products.get(product_id)
    need = next((each for each in product.fulfilment.services if each.key == key), None) if product else None
    return _characteristics(need, services) if need else None


def _users(service: ServiceSpecification, entries: Entries) -> list[ProductSpecification]:
    """Return the products that a service realises, itself or through the services that need it."""
    needed_by = {
        each.entry.id
        for each in entries.services
        if any(need.specification == service.id for need in each.entry.fulfilment.services)
    }
    wanted = {service.id, *needed_by}
    return [
        each.entry
        for each in entries.products
        if any(need.specification in wanted for need in each.entry.fulfilment.services)
    ]
