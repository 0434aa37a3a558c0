"""Faults of characteristics: rules that no value can keep, defaults that break them, patterns that are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from catalogs.characteristic_checks import faults_of_value
from catalogs.characteristics import default_of, fits_pattern, is_of_type
from catalogs.entries import Entries, Sourced
from catalogs.expressions import ExpressionError
from catalogs.faults import Fault, Loc
from catalogs.model import CharacteristicSpecification, ValueType

_NUMBERS = (ValueType.INTEGER, ValueType.NUMBER)


def characteristic_faults(entries: Entries) -> Iterator[Fault]:
    for product in entries.products:
        yield from _all(
            product, "productSpecCharacteristic", "productSpecCharacteristicValue", product.entry.characteristics
        )
    for service in entries.services:
        yield from _all(
            service, "specCharacteristic", "characteristicValueSpecification", service.entry.characteristics
        )
    for resource in entries.resources:
        own = resource.entry.characteristics
        yield from _all(resource, "resourceSpecCharacteristic", "resourceSpecCharacteristicValue", own)


def value_faults(
    sourced: Sourced[Any], loc: Loc, rule: CharacteristicSpecification, narrowed: CharacteristicSpecification
) -> Iterator[Fault]:
    """Yield the values of `narrowed` that are not of the type of `rule`, or that its other values do not allow."""
    for index, value in enumerate(narrowed.values):
        if value.value is None:
            continue
        for _, message in faults_of_value(rule, value.value):
            yield sourced.fault([*loc, index, "value"], message)


def _all(
    sourced: Sourced[Any], section: str, values: str, rules: Sequence[CharacteristicSpecification]
) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        loc: list[str | int] = [section, index]
        if rule.name in seen:
            yield sourced.fault([*loc, "name"], f"characteristic {rule.name!r} is defined twice")
        seen.add(rule.name)
        if rule.min_cardinality > rule.max_cardinality:
            message = f"minCardinality {rule.min_cardinality} is above maxCardinality {rule.max_cardinality}"
            yield sourced.fault([*loc, "minCardinality"], message)
        yield from _pattern_faults(sourced, loc, rule)
        yield from _value_faults(sourced, [*loc, values], rule)


def _pattern_faults(sourced: Sourced[Any], loc: Loc, rule: CharacteristicSpecification) -> Iterator[Fault]:
    if rule.regex is None:
        return
    if rule.value_type is not ValueType.STRING:
        yield sourced.fault([*loc, "regex"], f"a pattern is for texts; {rule.name!r} is of type {rule.value_type}")
    try:
        fits_pattern("", rule.regex)
    except ExpressionError as error:
        yield sourced.fault([*loc, "regex"], f"{rule.regex!r} is no pattern: {_reason(error)}")


def _reason(error: ExpressionError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip().startswith("error:")]
    return lines[0].removeprefix("error:").split(". Check")[0].strip() if lines else "it cannot be compiled"


def _value_faults(sourced: Sourced[Any], loc: Loc, rule: CharacteristicSpecification) -> Iterator[Fault]:
    for index, value in enumerate(rule.values):
        bounded = value.value_from is not None or value.value_to is not None
        if value.value_from is not None and value.value_to is not None and value.value_from > value.value_to:
            message = f"valueFrom {value.value_from:g} is above valueTo {value.value_to:g}"
            yield sourced.fault([*loc, index, "valueFrom"], message)
        if bounded and rule.value_type not in _NUMBERS:
            message = f"a range is for numbers; {rule.name!r} is of type {rule.value_type}"
            yield sourced.fault([*loc, index], message)
        elif not bounded and value.value is None:
            yield sourced.fault([*loc, index], "has neither a value nor a range")
        elif value.value is not None and not is_of_type(value.value, rule.value_type):
            message = f"{value.value!r} is not of type {rule.value_type}, which {rule.name!r} is"
            yield sourced.fault([*loc, index, "value"], message)
    if sum(value.is_default for value in rule.values) > 1:
        yield sourced.fault(loc, f"characteristic {rule.name!r} has more than one default")
    if not rule.configurable and default_of(rule) is None and rule.min_cardinality:
        yield sourced.fault(loc[:-1], f"{rule.name!r} is mandatory, cannot be chosen, and has no default")
