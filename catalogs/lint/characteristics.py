"""Characteristics: rules that no value can keep, defaults that break them, patterns that are none, slips of values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from catalogs.checks.characteristics import faults_of_text, faults_of_value
from catalogs.model.characteristics import default_of, fits_pattern, in_type, is_of_type, matches
from catalogs.model.entities import CharacteristicSpecification, CharacteristicValue, ValueType
from catalogs.model.entries import Entries, Sourced
from catalogs.model.expressions import ExpressionError
from catalogs.model.faults import Fault, Loc
from tmf.words import shown

_NUMBERS = (ValueType.INTEGER, ValueType.NUMBER)


def characteristic_faults(entries: Entries) -> Iterator[Fault]:
    for sourced, section, values, rules in _sections(entries):
        seen: set[str] = set()
        for index, rule in enumerate(rules):
            loc: list[str | int] = [section, index]
            if rule.name in seen:
                yield sourced.fault([*loc, "name"], f"characteristic {rule.name!r} is defined twice")
            seen.add(rule.name)
            yield from cardinality_faults(sourced, loc, rule)
            yield from _text_faults(sourced, loc, rule)
            yield from _value_faults(sourced, [*loc, values], rule)


def characteristic_warnings(entries: Entries) -> Iterator[Fault]:
    """Yield the values that are told twice, and the defaults that lie outside the ranges beside them."""
    for sourced, section, values, rules in _sections(entries):
        for index, rule in enumerate(rules):
            loc: list[str | int] = [section, index, values]
            ranges = [each for each in rule.values if is_range(each)]
            told: list[Any] = []
            for position, each in enumerate(rule.values):
                if is_range(each):
                    continue
                if any(matches(each.value, CharacteristicValue(value=before)) for before in told):
                    yield sourced.fault([*loc, position, "value"], f"{shown(each.value)} is told twice")
                told.append(each.value)
                if each.is_default and ranges and not any(matches(each.value, around) for around in ranges):
                    message = (
                        f"the default {shown(each.value)} is outside the range beside it, and allowed all the same"
                    )
                    yield sourced.fault([*loc, position, "value"], message)


def cardinality_faults(sourced: Sourced[Any], loc: Loc, rule: CharacteristicSpecification) -> Iterator[Fault]:
    """Yield a contradiction between how many values a characteristic has at least and at most."""
    if rule.min_cardinality > rule.max_cardinality:
        message = f"minCardinality {rule.min_cardinality} is above maxCardinality {rule.max_cardinality}"
        yield sourced.fault([*loc, "minCardinality"], message)


def use_faults(
    sourced: Sourced[Any], loc: Loc, values: Sequence[CharacteristicValue], rules: Sequence[CharacteristicSpecification]
) -> Iterator[Fault]:
    """Yield those of the values at `loc`, and the ends of ranges, that none of the rules allows."""
    for index, value in enumerate(values):
        found = {"value": value.value, "valueFrom": value.value_from, "valueTo": value.value_to}
        for name, each in found.items():
            if each is None:
                continue
            # A bound that is a whole number is written as a decimal one.
            faults = [list(faults_of_value(rule, _whole(each))) for rule in rules]
            if all(faults) and faults:
                yield sourced.fault([*loc, index, name], faults[0][0][1])


def is_range(value: CharacteristicValue) -> bool:
    return value.value_from is not None or value.value_to is not None


def _sections(
    entries: Entries,
) -> Iterator[tuple[Sourced[Any], str, str, Sequence[CharacteristicSpecification]]]:
    for product in entries.products:
        own = product.entry.characteristics
        yield product, "productSpecCharacteristic", "productSpecCharacteristicValue", own
    for service in entries.services:
        yield service, "specCharacteristic", "characteristicValueSpecification", service.entry.characteristics
    for resource in entries.resources:
        held = resource.entry.characteristics
        yield resource, "resourceSpecCharacteristic", "resourceSpecCharacteristicValue", held


def _text_faults(sourced: Sourced[Any], loc: Loc, rule: CharacteristicSpecification) -> Iterator[Fault]:
    """Yield what is wrong with the pattern and the bounds of a text."""
    bounds = {
        "regex": rule.regex,
        "minLength": rule.min_length,
        "maxLength": rule.max_length,
        "maxOctets": rule.max_octets,
    }
    if rule.value_type is not ValueType.STRING:
        for name in (name for name, bound in bounds.items() if bound is not None):
            what = "a pattern" if name == "regex" else name
            yield sourced.fault([*loc, name], f"{what} is for texts; {rule.name!r} is of type {rule.value_type}")
    for name, most in (("maxLength", rule.max_length), ("maxOctets", rule.max_octets)):
        if rule.min_length is not None and most is not None and rule.min_length > most:
            message = f"minLength {rule.min_length} is above {name} {most}: no text has room"
            yield sourced.fault([*loc, "minLength"], message)
    if rule.regex is not None:
        try:
            fits_pattern("", rule.regex)
        except ExpressionError as error:
            yield sourced.fault([*loc, "regex"], f"{rule.regex!r} is no pattern: {_reason(error)}")


def _reason(error: ExpressionError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip().startswith("error:")]
    return lines[0].removeprefix("error:").split(". Check")[0].strip() if lines else "it cannot be compiled"


def _value_faults(sourced: Sourced[Any], loc: Loc, rule: CharacteristicSpecification) -> Iterator[Fault]:
    for index, value in enumerate(rule.values):
        if is_range(value):
            yield from _range_faults(sourced, [*loc, index], rule, value)
        elif value.value is None:
            yield sourced.fault([*loc, index], "has neither a value nor a range")
        if value.value is not None:
            for message in _faults_of_listed(rule, value.value):
                yield sourced.fault([*loc, index, "value"], message)
    if sum(value.is_default for value in rule.values) > 1:
        yield sourced.fault(loc, f"characteristic {rule.name!r} has more than one default")
    if not rule.configurable and default_of(rule) is None:
        what = "is mandatory, cannot be chosen," if rule.min_cardinality else "cannot be chosen"
        yield sourced.fault(loc[:-1], f"{rule.name!r} {what} and has no default")


def _range_faults(
    sourced: Sourced[Any], loc: Loc, rule: CharacteristicSpecification, value: CharacteristicValue
) -> Iterator[Fault]:
    low, high = value.value_from, value.value_to
    if rule.value_type not in _NUMBERS:
        yield sourced.fault(loc, f"a range is for numbers; {rule.name!r} is of type {rule.value_type}")
    if low is not None and high is not None:
        if low > high:
            yield sourced.fault([*loc, "valueFrom"], f"valueFrom {low:g} is above valueTo {high:g}")
        elif not _has_room(rule.value_type, value, low, high):
            yield sourced.fault(loc, f"no value lies between {low:g} and {high:g} ({value.range_interval})")
    if value.is_default and value.value is None:
        yield sourced.fault([*loc, "isDefault"], "a range is no default: value is missing")
    elif value.is_default and rule.value_type in _NUMBERS and not matches(value.value, value):
        yield sourced.fault([*loc, "value"], f"the default {shown(value.value)} is outside its range")
    elif value.value is not None and not value.is_default:
        yield sourced.fault([*loc, "value"], f"{shown(value.value)} is beside a range; write an entry for each")


def _has_room(value_type: ValueType, value: CharacteristicValue, low: float, high: float) -> bool:
    if value_type is ValueType.INTEGER:
        return any(matches(each, value) for each in (math.ceil(low), math.floor(low) + 1) if each <= high)
    return any(matches(each, value) for each in (low, (low + high) / 2, high))


def _faults_of_listed(rule: CharacteristicSpecification, value: Any) -> Iterator[str]:
    """Yield why a value that is listed is none that the characteristic can have."""
    if not is_of_type(in_type(value, rule.value_type), rule.value_type):
        yield f"{shown(value)} is not of type {rule.value_type}, which {rule.name!r} is"
    elif isinstance(value, str) and _is_pattern(rule.regex):
        yield from (message for _, message in faults_of_text(rule, value))


def _is_pattern(regex: str | None) -> bool:
    try:
        return regex is None or fits_pattern("", regex) in (True, False)
    except ExpressionError:
        return False


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
