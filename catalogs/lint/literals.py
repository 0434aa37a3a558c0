"""Values that expressions compare with, and that what is compared can never have: a slip makes the condition void."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from catalogs.checks.characteristics import faults_of_value
from catalogs.lint.price_uses import Priced, priced
from catalogs.lint.trial import samples
from catalogs.model.characteristics import with_defaults
from catalogs.model.entities import CharacteristicSpecification
from catalogs.model.entries import Entries
from catalogs.model.expressions import Expression, ExpressionError
from catalogs.model.faults import Fault, Loc, did_you_mean
from catalogs.model.fulfilment import Requirement, ResourceRequirement
from orders.model.product_orders import WITH_VALUES, Action
from tmf.words import shown

_LITERAL = r"""'[^'\\]*'|"[^"\\]*"|-?\d+(?:\.\d+)?|true|false"""
_NAME = r"(?<![\w.])(product|service|item)\.([A-Za-z_]\w*)"
_COMPARED = re.compile(rf"{_NAME}\s*[!=]=\s*({_LITERAL})(?!\s*[-+*/%.\w])")
_REVERSED = re.compile(rf"(?<![-+*/%.\w]\s)({_LITERAL})\s*[!=]=\s*{_NAME}(?!\s*[-+*/%.(\[])")
_AMONG = re.compile(rf"{_NAME}\s+in\s+\[([^\]]*)\]")

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
_NEVER = "{!r} is true of no value that there can be"

Told = Callable[[str, str, Any], Iterable[str]]
"""From variable, attribute and value to why the one never has the other."""


def literal_faults(entries: Entries) -> Iterator[Fault]:
    """Yield the literals that a condition waits for in vain."""
    offerings = entries.offerings.ids()
    for product in entries.products:
        rules = {rule.name: [rule] for rule in product.entry.characteristics}
        told = _told(rules, {}, offerings, Action)
        for index, need in enumerate(product.entry.fulfilment.services):
            for loc, expression in _expressions(["fulfilment", "services", index], need):
                yield from (product.fault(loc, message) for message in _faults(expression, told))
    for service in entries.services:
        told = _told({}, {rule.name: [rule] for rule in service.entry.characteristics}, offerings, Action)
        fulfilment = service.entry.fulfilment
        for block, needs in (("services", fulfilment.services), ("resources", fulfilment.resources)):
            for index, each in enumerate(needs):
                for loc, expression in _expressions(["fulfilment", block, index], each):
                    yield from (service.fault(loc, message) for message in _faults(expression, told))
    of = priced(entries)
    for price in entries.prices:
        mine = of.get(price.entry.id, Priced())
        names = {name for rules in mine.rules.values() for name in rules}
        # What ends or stays as it is has no prices of its own.
        told = _told({name: mine.of(name) for name in names}, {}, offerings, WITH_VALUES)
        if price.entry.when:
            yield from (price.fault(["when"], message) for message in _faults(price.entry.when, told))


def condition_warnings(entries: Entries) -> Iterator[Fault]:
    """Yield the conditions on one characteristic that hold for none of its values."""
    for product in entries.products:
        rules = {rule.name: [rule] for rule in product.entry.characteristics}
        for index, need in enumerate(product.entry.fulfilment.services):
            if need.when and _never(need.when, rules):
                yield product.fault(["fulfilment", "services", index, "when"], _NEVER.format(need.when.text))
    of = priced(entries)
    for price in entries.prices:
        mine = of.get(price.entry.id, Priced())
        allowed = {name: mine.of(name) for rules in mine.rules.values() for name in rules}
        if price.entry.when and _never(price.entry.when, allowed):
            yield price.fault(["when"], _NEVER.format(price.entry.when.text))


def _never(condition: Expression, rules: Mapping[str, Sequence[CharacteristicSpecification]]) -> bool:
    """Return whether a condition is false of all values of the one characteristic that it reads.

    Of a range these are its ends, and the numbers that the condition names, with those next to them.
    """
    names = {name for _, name, _ in condition.reads}
    if condition.variables != {"product"} or len(names) != 1:
        return False
    name = names.pop()
    if not rules.get(name) or not all(rule.values for rule in rules[name]):
        return False
    numbers = [json.loads(each) for each in _NUMBER.findall(condition.text)]
    near = [number + step for number in numbers for step in (-1, 0, 1)]
    for rule in rules[name]:
        tried = [*samples([rule]), *(with_defaults([rule], {name: each}) for each in near if _allows(rule, each))]
        for values in tried:
            try:
                if condition.evaluate({"product": values}) is not False:
                    return False
            except ExpressionError:
                return False
    return True


def _allows(rule: CharacteristicSpecification, value: Any) -> bool:
    return not list(faults_of_value(rule, value))


def _told(
    products: Mapping[str, Sequence[CharacteristicSpecification]],
    services: Mapping[str, Sequence[CharacteristicSpecification]],
    offerings: Collection[str],
    actions: Iterable[Action],
) -> Told:
    words = {"offering": offerings, "bundle": offerings, "action": [action.value for action in actions]}

    def told(variable: str, name: str, value: Any) -> Iterator[str]:
        if variable == "item":
            known = words.get(name)
            if known is not None and value not in known:
                choices = f"; it is {' or '.join(known)}" if name == "action" else did_you_mean(str(value), known)
                yield f"item.{name} is never {shown(value)}{choices}"
            return
        rules = (products if variable == "product" else services).get(name, [])
        faults = [list(faults_of_value(rule, value)) for rule in rules]
        if faults and all(faults):
            yield faults[0][0][1]

    return told


def _faults(expression: Expression, told: Told) -> Iterator[str]:
    for variable, name, value in _compared(expression.text):
        for message in told(variable, name, value):
            yield f"{expression.text!r}: {message}"


def _compared(text: str) -> Iterator[tuple[str, str, Any]]:
    for variable, name, literal in _COMPARED.findall(text):
        yield variable, name, _value(literal)
    for literal, variable, name in _REVERSED.findall(text):
        yield variable, name, _value(literal)
    for variable, name, listed in _AMONG.findall(text):
        for literal in re.findall(_LITERAL, listed):
            yield variable, name, _value(literal)


def _value(literal: str) -> Any:
    return literal[1:-1] if literal[0] in "'\"" else json.loads(literal)


def _expressions(loc: Loc, need: Requirement) -> Iterator[tuple[Loc, Expression]]:
    single = {"when": need.when, "count": need.count, "place": need.place}
    named = {"characteristics": need.characteristics}
    if isinstance(need, ResourceRequirement):
        single |= {"pool": need.pool, "value": need.value}
        named |= {"criteria": need.criteria}
    for name, expression in single.items():
        if expression:
            yield [*loc, name], expression
    for block, expressions in named.items():
        for name, each in expressions.items():
            yield [*loc, block, name], each
