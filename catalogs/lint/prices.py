"""Prices: amounts that are missing or contradict each other, attributes that nothing reads, amounts hardly meant."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from catalogs.lint.offerings import reference_faults
from catalogs.model.catalog_set import Versions
from catalogs.model.entities import ONCE, ProductOfferingPrice
from catalogs.model.entries import Entries, Sourced
from catalogs.model.faults import Fault
from catalogs.model.money import cents

_OF_PRICES = ("price", "percentage", "tax", "popRelationship", "recurringChargePeriodType", "unitOfMeasure")
"""What only prices have, not groups of them."""


def price_faults(entries: Entries) -> Iterator[Fault]:
    prices = Versions(each.entry for each in entries.prices)
    for sourced in entries.prices:
        price = sourced.entry
        yield from _bundle_faults(sourced, prices) if price.is_bundle else _amount_faults(sourced)
        yield from _period_faults(sourced)
        for index, part in enumerate(price.bundled_pop_relationship):
            yield from reference_faults(sourced, ["bundledPopRelationship", index], part, entries.prices)
        seen: set[str] = set()
        for index, relation in enumerate(price.pop_relationship):
            yield from reference_faults(sourced, ["popRelationship", index], relation, entries.prices)
            if relation.id in seen:
                message = f"{relation.id!r} is named twice, and would be taken off twice"
                yield sourced.fault(["popRelationship", index], message)
            seen.add(relation.id)
            if discount := prices.of(relation):
                yield from _discount_faults(sourced, index, discount)


def price_warnings(entries: Entries) -> Iterator[Fault]:
    """Yield the rates that look like fractions, the amounts that are rounded, and what says something to nobody."""
    altered = {
        relation.id: price.entry
        for price in entries.prices
        for relation in price.entry.pop_relationship
        if price.entry.price_type != ONCE
    }
    for sourced in entries.prices:
        price = sourced.entry
        for index, tax in enumerate(price.tax):
            if 0 < tax.tax_rate < 1:
                yield sourced.fault(["tax", index, "taxRate"], _percent("taxRate", tax.tax_rate))
        if price.percentage is not None and price.percentage < 1:
            yield sourced.fault(["percentage"], _percent("percentage", price.percentage))
        whole = price.price_type == "usage" or price.counted_characteristic is not None
        if price.price and not whole and cents(price.price.value) != price.price.value:
            yield sourced.fault(["price", "value"], f"{price.price.value} is charged as {cents(price.price.value)}")
        if price.unit_of_measure and not whole and not price.is_bundle:
            message = "counts nothing: without countedCharacteristic, the price is the same for any number of units"
            yield sourced.fault(["unitOfMeasure"], message)
        if price.price_type == "discount" and price.tax:
            yield sourced.fault(["tax"], "a discount has the tax of the price that it is taken off")
        if price.application_duration and price.price_type == "discount" and price.id not in altered:
            message = "is for recurring prices, and nothing recurring names this discount"
            yield sourced.fault(["applicationDuration"], message)
        if price.price_type != "recurring" and _written(sourced, "recurringChargePeriodLength"):
            message = f"a {price.price_type} price has no charge period"
            yield sourced.fault(["recurringChargePeriodLength"], message)


def _percent(name: str, value: Decimal) -> str:
    return f"{name} is in percent, and {value} is less than one in a hundred; is {(value * 100).normalize():f} meant?"


def _written(sourced: Sourced[Any], name: str) -> bool:
    """Return whether the file has a value there, whatever it would be without one."""
    return isinstance(sourced.source.node, dict) and sourced.source.node.get(name) not in (None, [])


def _amount_faults(sourced: Sourced[ProductOfferingPrice]) -> Iterator[Fault]:
    price = sourced.entry
    if price.price and price.price.value < 0:
        yield sourced.fault(["price", "value"], f"{price.price.value} is below zero; a discount is a price of its own")
    if price.bundled_pop_relationship:
        yield sourced.fault(["bundledPopRelationship"], f"{price.id!r} has parts, but isBundle is not true")
    if price.price_type == "discount":
        if (price.price is None) == (price.percentage is None):
            yield sourced.fault([], f"discount {price.id!r} needs either a percentage or a price")
        if price.pop_relationship:
            yield sourced.fault(["popRelationship"], "a discount has no discounts")
        return
    if price.price is None:
        yield sourced.fault([], f"price {price.id!r} has no amount: price is missing")
    if price.percentage is not None:
        yield sourced.fault(["percentage"], "a percentage is for discounts (priceType: discount)")
    if price.application_duration is not None:
        yield sourced.fault(["applicationDuration"], "is for discounts (priceType: discount)")
    if price.price_type == "usage" and price.pop_relationship:
        message = "a usage price has no discounts: what will be used is not known; write the lower price"
        yield sourced.fault(["popRelationship"], message)


def _bundle_faults(sourced: Sourced[ProductOfferingPrice], prices: Versions[ProductOfferingPrice]) -> Iterator[Fault]:
    price = sourced.entry
    if not price.bundled_pop_relationship:
        yield sourced.fault(["isBundle"], f"{price.id!r} is a bundle of no prices")
    for name in _OF_PRICES:
        if _written(sourced, name):
            yield sourced.fault([name], f"a bundle of prices has no {name} of its own; its parts have")
    for index, part in enumerate(map(prices.of, price.bundled_pop_relationship)):
        if part and part.price_type == "discount":
            message = f"{part.id!r} is a discount: name it in the popRelationship of the price that it is taken off"
            yield sourced.fault(["bundledPopRelationship", index], message)


def _period_faults(sourced: Sourced[ProductOfferingPrice]) -> Iterator[Fault]:
    price = sourced.entry
    if price.price_type == "recurring" and price.recurring_charge_period_type is None and not price.is_bundle:
        yield sourced.fault([], f"recurring price {price.id!r} has no recurringChargePeriodType")
    if price.price_type != "recurring" and price.recurring_charge_period_type is not None:
        yield sourced.fault(["recurringChargePeriodType"], f"a {price.price_type} price has no charge period")
    if price.price_type == "usage" and price.unit_of_measure is None:
        yield sourced.fault([], f"usage price {price.id!r} has no unitOfMeasure")
    if price.unit_of_measure and price.unit_of_measure.amount <= 0:
        message = f"{price.unit_of_measure.amount:g} is no number of units; it is above 0"
        yield sourced.fault(["unitOfMeasure", "amount"], message)


def _discount_faults(
    sourced: Sourced[ProductOfferingPrice], index: int, discount: ProductOfferingPrice
) -> Iterator[Fault]:
    price = sourced.entry
    loc: list[str | int] = ["popRelationship", index]
    if discount.price_type != "discount":
        message = f"{discount.id!r} is a {discount.price_type} price; only a discount alters another"
        yield sourced.fault(loc, message)
    elif price.price and discount.price and price.price.unit != discount.price.unit:
        message = f"{discount.id!r} is in {discount.price.unit}, the price it alters in {price.price.unit}"
        yield sourced.fault(loc, message)
