"""Checks of characteristics: known, of their type, allowed, in range, fitting their pattern, and there if mandatory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalogs.checks.context import OrderContext
from catalogs.model.characteristics import default_of, fits_pattern, in_type, is_of_type, matches, of_offering
from catalogs.model.entities import CharacteristicSpecification, CharacteristicValue
from catalogs.model.faults import did_you_mean
from catalogs.nodes.products import ProductNode
from orders.model.product_orders import WITH_VALUES, Characteristic
from orders.model.violation import Violation
from tmf.words import shown

MISSING = "characteristicMissing"
"""The code of what is wrong with something that lacks a value it must have."""


def check_characteristics(context: OrderContext) -> Iterator[Violation]:
    """Check the characteristics that items to add or modify give against their specification and offering."""
    for node in context.nodes.values():
        if node.action in WITH_VALUES and node.specification:
            rules = {rule.name: rule for rule in of_offering(node.specification, node.offering)}
            given = node.item.product.product_characteristic if node.item and node.item.product else []
            faults = [
                *faults_of_given(_product(node), rules, given, "product.productCharacteristic"),
                *faults_of_missing(_product(node), rules, node.scope.product, "product.productCharacteristic"),
            ]
            for code, part, message in faults:
                yield context.violation(node, code, part, message)


def faults_of_given(
    subject: str, rules: Mapping[str, CharacteristicSpecification], given: Sequence[Characteristic], path: str
) -> Iterator[tuple[str, str, str]]:
    """Yield code, path and words for each rule that characteristics break which are given at `path`."""
    seen: set[str] = set()
    for index, each in enumerate(given):
        part = f"{path}[{index}]"
        rule = rules.get(each.name)
        if rule is None:
            message = f"{subject} has no characteristic {each.name!r}{did_you_mean(each.name, rules)}"
            yield "unknownCharacteristic", f"{part}.name", message
        elif each.name in seen:
            yield "characteristicRepeated", f"{part}.name", f"characteristic {each.name!r} is given twice"
        elif each.value is not None:
            for code, message in faults_of_value(rule, each.value):
                yield code, f"{part}.value", message
        seen.add(each.name)


def faults_of_missing(
    subject: str, rules: Mapping[str, CharacteristicSpecification], values: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str, str]]:
    """Yield code, path and words for each mandatory characteristic that has no value."""
    for rule in rules.values():
        if rule.min_cardinality and values.get(rule.name) is None:
            yield MISSING, path, f"{subject} needs the characteristic {rule.name!r}"


def faults_of_value(rule: CharacteristicSpecification, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the code and the words for each rule of a characteristic that a value breaks."""
    if rule.max_cardinality > 1 and isinstance(value, list):
        if not rule.min_cardinality <= len(value) <= rule.max_cardinality:
            span = f"{rule.min_cardinality} to {rule.max_cardinality}"
            yield "characteristicCardinality", f"{rule.name!r} takes {span} values, not {len(value)}"
        for each in value:
            yield from _faults_of_one(rule, each)
    else:
        yield from _faults_of_one(rule, value)


def _faults_of_one(rule: CharacteristicSpecification, value: Any) -> Iterator[tuple[str, str]]:
    value = in_type(value, rule.value_type)
    if not is_of_type(value, rule.value_type):
        yield "characteristicType", f"{rule.name!r} is of type {rule.value_type}; {shown(value)} is not"
        return
    if not rule.configurable and value != default_of(rule):
        yield "characteristicNotConfigurable", f"{rule.name!r} cannot be chosen; it is {shown(default_of(rule))}"
    if isinstance(value, str):
        yield from faults_of_text(rule, value)
    if rule.values and not any(matches(value, allowed) for allowed in rule.values):
        ranges = all(allowed.value_from is not None or allowed.value_to is not None for allowed in rule.values)
        code = "characteristicOutOfRange" if ranges or _has_range(rule) else "characteristicNotAllowed"
        yield code, f"{rule.name!r} does not take {shown(value)}; it takes {_choices(rule)}"


def faults_of_text(rule: CharacteristicSpecification, text: str) -> Iterator[tuple[str, str]]:
    """Yield the code and the words for each rule of how it is written that a text breaks: its pattern, its length."""
    if rule.regex and not fits_pattern(text, rule.regex):
        yield "characteristicPattern", f"{rule.name!r} does not take {shown(text)}: it must match {rule.regex}"
    taken = f"{rule.name!r} does not take {shown(text)}: it has"
    if rule.min_length is not None and len(text) < rule.min_length:
        yield "characteristicTooShort", f"{taken} {_characters(len(text))}; at least {rule.min_length}"
    if rule.max_length is not None and len(text) > rule.max_length:
        yield "characteristicTooLong", f"{taken} {_characters(len(text))}; at most {rule.max_length}"
    octets = len(text.encode("utf-8", "surrogatepass"))
    if rule.max_octets is not None and octets > rule.max_octets:
        yield "characteristicTooLong", f"{taken} {octets} octets in UTF-8; at most {rule.max_octets}"


def _characters(number: int) -> str:
    return f"{number} character{'' if number == 1 else 's'}"


def _has_range(rule: CharacteristicSpecification) -> bool:
    return any(allowed.value_from is not None or allowed.value_to is not None for allowed in rule.values)


def _choices(rule: CharacteristicSpecification) -> str:
    return ", ".join(dict.fromkeys(map(_choice, rule.values)))


def _choice(allowed: CharacteristicValue) -> str:
    if allowed.value_from is None and allowed.value_to is None:
        return shown(allowed.value)
    low = "" if allowed.value_from is None else f"from {allowed.value_from:g} "
    high = "on" if allowed.value_to is None else f"to {allowed.value_to:g}"
    ends = "" if allowed.range_interval == "closed" else f" ({allowed.range_interval})"
    return f"{low}{high}{ends}"


def _product(node: ProductNode) -> str:
    return node.specification.name if node.specification else node.item_id
