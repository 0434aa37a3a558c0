"""Tries every expression on samples of the characteristics it reads, so that its faults show before an order does.

Samples are each value that a characteristic allows, both ends of each range, and nothing where it may be left out; one
characteristic varies at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from catalogs.checks.characteristics import faults_of_value
from catalogs.model.characteristics import default_of, of_offering, with_defaults
from catalogs.model.entities import (
    CharacteristicSpecification,
    Entry,
    ProductOffering,
    ProductSpecification,
    ResourceSpecification,
    ServiceSpecification,
    ValueType,
)
from catalogs.model.entries import Entries, Section, Sourced
from catalogs.model.expressions import Expression, ExpressionError
from catalogs.model.faults import Fault, Loc
from catalogs.model.fulfilment import Requirement, ResourceRequirement, ServiceRequirement
from orders.plan.parts import Characteristics
from tmf.words import shown

E = TypeVar("E", bound=Entry)

_OF_TYPE: dict[ValueType, list[Any]] = {
    ValueType.STRING: ["text"],
    ValueType.INTEGER: [1],
    ValueType.NUMBER: [1.5],
    ValueType.BOOLEAN: [True, False],
    ValueType.OBJECT: [{}],
    ValueType.ARRAY: [[]],
}
_AROUND: dict[str, Any] = {
    "order": {"id": "1", "externalId": "1", "category": "text", "description": "text", "priority": "2"},
    "customer": {"id": "1", "name": "text"},
    "item": {"id": "1", "action": "add", "quantity": 1, "instance": 1, "offering": "text", "bundle": None},
    "place": {"id": "text", "name": "text", "role": "text"},
    "service": {},
    "index": 1,
}


def trial_faults(entries: Entries) -> Iterator[Fault]:
    trial = _Trial(entries)
    for product in entries.products:
        for values in samples(product.entry.characteristics):
            trial.product(product, values)
    for offering in entries.offerings:
        trial.prices(offering.entry)
    yield from trial.faults


def samples(rules: Sequence[CharacteristicSpecification]) -> Iterator[Characteristics]:
    """Yield characteristics that an order could have, one of them different each time."""
    each_of = {rule.name: _samples_of(rule) for rule in rules}
    first = {name: values[0] for name, values in each_of.items()}
    yield with_defaults(rules, first)
    for name, values in each_of.items():
        for value in values[1:]:
            yield with_defaults(rules, first, {name: value})


def _samples_of(rule: CharacteristicSpecification) -> list[Any]:
    default = default_of(rule)
    found = [] if default is None else [default]
    for value in rule.values:
        ends = (value.value_from, value.value_to)
        found += [end for end in ends if end is not None] if any(ends) else [value.value]
    found = found or list(_OF_TYPE[rule.value_type])
    return found if rule.min_cardinality else [*found, None]


class _Trial:
    def __init__(self, entries: Entries) -> None:
        self.faults: dict[Fault, None] = {}
        self._entries = entries
        self._services: dict[str, Sourced[ServiceSpecification]] = _by_id(entries.services)
        self._resources: dict[str, Sourced[ResourceSpecification]] = _by_id(entries.resources)
        self._products: dict[str, Sourced[ProductSpecification]] = _by_id(entries.products)

    def product(self, sourced: Sourced[ProductSpecification], values: Characteristics) -> None:
        variables = {**_AROUND, "product": values}
        for index, need in enumerate(sourced.entry.fulfilment.services):
            self._service(sourced, ["fulfilment", "services", index], need, variables)

    def prices(self, offering: ProductOffering) -> None:
        reference = offering.product_specification
        product = self._products.get(reference.id) if reference else None
        rules = of_offering(product.entry, offering) if product else []
        wanted = {each.id for each in offering.product_offering_price}
        priced = [each for each in self._entries.prices if each.entry.id in wanted]
        altering = {relation.id for each in priced for relation in each.entry.pop_relationship}
        for price in [*priced, *(each for each in self._entries.prices if each.entry.id in altering)]:
            for values in samples(rules) if price.entry.when else ():
                self._condition(price, ["when"], price.entry.when, {**_AROUND, "product": values})

    def _service(self, sourced: Sourced[Any], loc: Loc, need: ServiceRequirement, variables: Mapping[str, Any]) -> None:
        target = self._services[need.specification]
        own = self._needed(sourced, loc, need, variables, target.entry)
        if own is None:
            return
        fulfilment = target.entry.fulfilment
        for name, expression in fulfilment.characteristics.items():
            if not expression.is_late and name not in need.characteristics:
                place = ["fulfilment", "characteristics", name]
                own[name] = self._value(target, place, expression, {**variables, "service": own})
        below = {**variables, "service": own}
        for index, part in enumerate(fulfilment.services):
            self._service(target, ["fulfilment", "services", index], part, below)
        for index, resource in enumerate(fulfilment.resources):
            self._resource(target, ["fulfilment", "resources", index], resource, below)

    def _resource(
        self, sourced: Sourced[Any], loc: Loc, need: ResourceRequirement, variables: Mapping[str, Any]
    ) -> None:
        if self._needed(sourced, loc, need, variables, self._resources[need.specification].entry) is None:
            return
        self._text(sourced, [*loc, "pool"], need.pool, variables)
        self._text(sourced, [*loc, "value"], need.value, variables)
        for name, expression in need.criteria.items():
            if isinstance(self._value(sourced, [*loc, "criteria", name], expression, variables), dict | list):
                message = f"{expression.text!r} gives an object or a list, not one value"
                self._say(sourced, [*loc, "criteria", name], message)

    def _needed(
        self,
        sourced: Sourced[Any],
        loc: Loc,
        need: Requirement,
        variables: Mapping[str, Any],
        target: ServiceSpecification | ResourceSpecification,
    ) -> Characteristics | None:
        """Return the characteristics of what is needed, or None where it is not needed under these values."""
        if need.when and not self._condition(sourced, [*loc, "when"], need.when, variables):
            return None
        if need.count:
            count = self._value(sourced, [*loc, "count"], need.count, variables)
            if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
                self._say(sourced, [*loc, "count"], f"{need.count.text!r} gives {_given(count)}, not a count")
        self._text(sourced, [*loc, "place"], need.place, variables)
        given = {
            name: self._value(sourced, [*loc, "characteristics", name], expression, variables)
            for name, expression in need.characteristics.items()
            if not expression.is_late
        }
        for rule in target.characteristics:
            for code, message in faults_of_value(rule, given[rule.name]) if given.get(rule.name) is not None else ():
                if code == "characteristicType":
                    text = need.characteristics[rule.name].text
                    self._say(sourced, [*loc, "characteristics", rule.name], f"{text!r}: {message}")
        return with_defaults(target.characteristics, given)

    def _condition(
        self, sourced: Sourced[Any], loc: Loc, expression: Expression | None, variables: Mapping[str, Any]
    ) -> bool:
        value = self._value(sourced, loc, expression, variables)
        if expression and value is not None and not isinstance(value, bool):
            self._say(sourced, loc, f"{expression.text!r} gives {_given(value)}; a condition gives true or false")
        return value is True

    def _text(
        self, sourced: Sourced[Any], loc: Loc, expression: Expression | None, variables: Mapping[str, Any]
    ) -> None:
        value = self._value(sourced, loc, expression, variables)
        if expression and value is not None and not isinstance(value, str):
            self._say(sourced, loc, f"{expression.text!r} gives {_given(value)}, not a text")

    def _value(
        self, sourced: Sourced[Any], loc: Loc, expression: Expression | None, variables: Mapping[str, Any]
    ) -> Any:
        if expression is None:
            return None
        try:
            return expression.evaluate(variables)
        except ExpressionError as error:
            self._say(sourced, loc, f"{error} (tried with {_tried(expression, variables)})")
            return None

    def _say(self, sourced: Sourced[Any], loc: Loc, message: str) -> None:
        fault = sourced.fault(loc, message)
        if not any((fault.file, fault.path) == (said.file, said.path) for said in self.faults):
            self.faults[fault] = None


def _by_id(section: Section[E]) -> dict[str, Sourced[E]]:
    return {each.entry.id: each for each in section}


def _given(value: Any) -> str:
    return "an object" if isinstance(value, dict) else shown(value)


def _tried(expression: Expression, variables: Mapping[str, Any]) -> str:
    read = sorted((variable, name) for variable, name, _ in expression.reads)
    return ", ".join(
        f"{variable}.{name} = {shown((variables.get(variable) or {}).get(name))}" for variable, name in read
    )
