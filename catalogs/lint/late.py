"""Late expressions, tried on samples of what they read: whole resources where one value is meant, slips of names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from catalogs.checks.characteristics import faults_of_value
from catalogs.lint.trial import samples
from catalogs.model.catalog_set import Versions
from catalogs.model.entities import CharacteristicSpecification, ResourceSpecification, ServiceSpecification
from catalogs.model.entries import Entries, Sourced
from catalogs.model.expressions import Expression, ExpressionError
from catalogs.model.faults import Fault, Loc, did_you_mean
from catalogs.model.fulfilment import Requirement, ResourceRequirement
from orders.plan.parts import Characteristics

Read = Mapping[str, Characteristics]

_OWN = ("id", "value")
"""What every resource has beside its characteristics."""
_WHOLE = ("assigned", None)


def late_faults(entries: Entries) -> Iterator[Fault]:
    """Yield the late expressions that give something else than their characteristic takes."""
    trial = _Trial(entries)
    for product in entries.products:
        needs = product.entry.fulfilment.services
        for index, need in enumerate(needs):
            yield from trial.needed(product, ["fulfilment", "services", index], need, needs)
    for service in entries.services:
        fulfilment = service.entry.fulfilment
        for index, need in enumerate(fulfilment.services):
            yield from trial.needed(service, ["fulfilment", "services", index], need, fulfilment.services)
        for index, resource in enumerate(fulfilment.resources):
            yield from trial.resource(service, index, resource, fulfilment.resources)
        yield from trial.own(service)


class _Trial:
    def __init__(self, entries: Entries) -> None:
        self._services = Versions(each.entry for each in entries.services)
        self._resources = Versions(each.entry for each in entries.resources)
        self._products = Versions(each.entry for each in entries.products)

    def needed(self, sourced: Sourced[Any], loc: Loc, need: Requirement, beside: list[Any]) -> Iterator[Fault]:
        """Try what a service is given: from services beside it and beyond, and from all that is its own."""
        target = self._services.get(need.specification)
        if target is None:
            return
        siblings = {each.key: self._of_service(each.specification) for each in beside if each.key in need.depends_on}
        beyond = {name: self._beyond(name) for name in need.depends_on if "/" in name}
        inner = self._parts(target)
        yield from _faults(sourced, loc, need, target, self._held(target), {**inner, **siblings, **beyond})

    def resource(
        self, sourced: Sourced[ServiceSpecification], index: int, need: ResourceRequirement, beside: list[Any]
    ) -> Iterator[Fault]:
        target = self._resources.get(need.specification)
        if target is not None:
            read = {each.key: self._of_resource(each.specification) for each in beside if each.key in need.depends_on}
            yield from _faults(sourced, ["fulfilment", "resources", index], need, target, read, {})

    def own(self, sourced: Sourced[ServiceSpecification]) -> Iterator[Fault]:
        service = sourced.entry
        rules = {rule.name: rule for rule in service.characteristics}
        for name, expression in service.fulfilment.characteristics.items():
            where = ["fulfilment", "characteristics", name]
            for message in _messages(expression, rules.get(name), self._held(service), self._parts(service)):
                yield sourced.fault(where, message)

    def _held(self, service: ServiceSpecification) -> Read:
        return {each.key: self._of_resource(each.specification) for each in service.fulfilment.resources}

    def _parts(self, service: ServiceSpecification) -> Read:
        return {each.key: self._of_service(each.specification) for each in service.fulfilment.services}

    def _of_service(self, specification_id: str) -> Characteristics:
        specification = self._services.get(specification_id)
        return next(samples(specification.characteristics)) if specification else {}

    def _of_resource(self, specification_id: str) -> Characteristics:
        specification = self._resources.get(specification_id)
        own = next(samples(specification.characteristics)) if specification else {}
        return {**own, **dict.fromkeys(_OWN, "text")}

    def _beyond(self, name: str) -> Characteristics:
        product_id, key = name.split("/", 1)
        product = self._products.get(product_id)
        needs = product.fulfilment.services if product else []
        return next((self._of_service(each.specification) for each in needs if each.key == key), {})


def _faults(
    sourced: Sourced[Any],
    loc: Loc,
    need: Requirement,
    target: ServiceSpecification | ResourceSpecification,
    assigned: Read,
    services: Read,
) -> Iterator[Fault]:
    rules: dict[str, CharacteristicSpecification] = {rule.name: rule for rule in target.characteristics}
    for name, expression in need.characteristics.items():
        for message in _messages(expression, rules.get(name), assigned, services):
            yield sourced.fault([*loc, "characteristics", name], message)


def _messages(
    expression: Expression, rule: CharacteristicSpecification | None, assigned: Read, services: Read
) -> Iterator[str]:
    if not expression.is_late:
        return
    slips = list(_slips(expression, assigned))
    yield from slips
    try:
        value = expression.evaluate({"assigned": assigned, "services": services})
    except ExpressionError:
        return  # a sample is no real value: what it does not fit may fit those that are assigned
    if rule is None or value is None or slips:
        return
    for code, message in faults_of_value(rule, value):
        if code == "characteristicType" and isinstance(value, dict):
            whole = sorted(name for variable, name, attribute in expression.reads if (variable, attribute) == _WHOLE)
            hint = f"; did you mean assigned.{whole[0]}.value?" if whole else ""
            yield f"{expression.text!r} gives an object; {rule.name!r} is of type {rule.value_type}{hint}"
        elif code == "characteristicType":
            yield f"{expression.text!r}: {message}"


def _slips(expression: Expression, assigned: Read) -> Iterator[str]:
    """Yield the attributes that look like a slip of one that a resource has; a pool's member may have more of them."""
    for variable, name, attribute in sorted(expression.reads, key=str):
        known = assigned.get(name.split("*")[0]) if variable == "assigned" else None
        if known and attribute and attribute not in known and (hint := did_you_mean(attribute, known)):
            yield f"{expression.text!r}: the resource {name!r} has no {attribute!r}{hint}"
