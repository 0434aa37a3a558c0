"""The values that people give when they have done a step: what is wanted, and what is wrong with those given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalogs.checks.characteristics import faults_of_value
from catalogs.model.entities import CharacteristicSpecification
from catalogs.model.faults import did_you_mean
from orders.model.wanted import WantedValue

_OF_ORDERS = {"configurable", "min_cardinality"}
"""What a characteristic says of orders, and not of the values that people give."""


def wanted_values(rules: Sequence[CharacteristicSpecification]) -> list[WantedValue]:
    """Return characteristics as values that people may give."""
    return [_wanted(rule) for rule in rules]


def _wanted(rule: CharacteristicSpecification) -> WantedValue:
    own = {name: getattr(rule, name) for name in CharacteristicSpecification.model_fields}
    plain = CharacteristicSpecification(**own).model_dump(mode="json", exclude_defaults=True, exclude=_OF_ORDERS)
    return WantedValue.model_validate({"description": (rule.model_extra or {}).get("description"), **plain})


def faults_of_values(wanted: Sequence[WantedValue], values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the values that people give, each named; null is as good as nothing."""
    return [*_unknown(wanted, values), *_missing(wanted, values), *_broken(wanted, values)]


def _unknown(wanted: Sequence[WantedValue], values: Mapping[str, Any]) -> Iterator[str]:
    names = [each.name for each in wanted]
    told = f"it gives {', '.join(each.in_words() for each in wanted)}" if wanted else "it gives none"
    for name in values:
        if name not in names:
            yield f"values.{name}: is no value of this step; {told}{did_you_mean(name, names)}"


def _missing(wanted: Sequence[WantedValue], values: Mapping[str, Any]) -> Iterator[str]:
    for each in wanted:
        if each.mandatory and values.get(each.name) is None:
            yield f"values.{each.name}: is missing; it is mandatory, of type {each.value_type}"


def _broken(wanted: Sequence[WantedValue], values: Mapping[str, Any]) -> Iterator[str]:
    for each in wanted:
        if values.get(each.name) is not None:
            rule = CharacteristicSpecification.model_validate(each.model_dump(exclude_none=True))
            yield from (f"values.{each.name}: {message}" for _, message in faults_of_value(rule, values[each.name]))
