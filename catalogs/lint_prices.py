"""Faults of prices: amounts that are missing or contradict each other, discounts of what they cannot be taken off."""

from __future__ import annotations

from collections.abc import Iterator

from catalogs.catalog_set import Versions
from catalogs.entries import Entries, Sourced
from catalogs.faults import Fault, did_you_mean
from catalogs.lint_offerings import reference_faults
from catalogs.model import ProductOfferingPrice, ProductSpecification


def price_faults(entries: Entries) -> Iterator[Fault]:
    prices = Versions(each.entry for each in entries.prices)
    for sourced in entries.prices:
        price = sourced.entry
        yield from _amount_faults(sourced)
        yield from _period_faults(sourced)
        for index, part in enumerate(price.bundled_pop_relationship):
            yield from reference_faults(sourced, ["bundledPopRelationship", index], part, entries.prices)
        for index, relation in enumerate(price.pop_relationship):
            yield from reference_faults(sourced, ["popRelationship", index], relation, entries.prices)
            if discount := prices.of(relation):
                yield from _discount_faults(sourced, index, discount)
        yield from _value_use_faults(sourced, entries)


def _amount_faults(sourced: Sourced[ProductOfferingPrice]) -> Iterator[Fault]:
    price = sourced.entry
    if price.is_bundle:
        yield from _bundle_faults(sourced)
        return
    if price.price and price.price.value < 0:
        yield sourced.fault(["price", "value"], f"{price.price.value} is below zero; a discount is a price of its own")
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


def _bundle_faults(sourced: Sourced[ProductOfferingPrice]) -> Iterator[Fault]:
    if not sourced.entry.bundled_pop_relationship:
        yield sourced.fault(["isBundle"], f"{sourced.entry.id!r} is a bundle of no prices")
    if sourced.entry.price:
        yield sourced.fault(["price"], "a bundle of prices has no amount of its own")


def _period_faults(sourced: Sourced[ProductOfferingPrice]) -> Iterator[Fault]:
    price = sourced.entry
    if price.price_type == "recurring" and price.recurring_charge_period_type is None and not price.is_bundle:
        yield sourced.fault([], f"recurring price {price.id!r} has no recurringChargePeriodType")
    if price.price_type != "recurring" and price.recurring_charge_period_type is not None:
        yield sourced.fault(["recurringChargePeriodType"], f"a {price.price_type} price has no charge period")
    if price.price_type == "usage" and price.unit_of_measure is None:
        yield sourced.fault([], f"usage price {price.id!r} has no unitOfMeasure")


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


def _value_use_faults(sourced: Sourced[ProductOfferingPrice], entries: Entries) -> Iterator[Fault]:
    for specification in _priced(sourced.entry, entries):
        rules = {rule.name for rule in specification.characteristics}
        for index, use in enumerate(sourced.entry.prod_spec_char_value_use):
            if use.name not in rules:
                message = f"{specification.id!r} has no characteristic {use.name!r}{did_you_mean(use.name, rules)}"
                yield sourced.fault(["prodSpecCharValueUse", index, "name"], message)


def _priced(price: ProductOfferingPrice, entries: Entries) -> Iterator[ProductSpecification]:
    """Yield the specifications of the products that a price is of."""
    products = Versions(each.entry for each in entries.products)
    found = {}
    for sourced in entries.offerings:
        reference = sourced.entry.product_specification
        if reference and any(each.id == price.id for each in sourced.entry.product_offering_price):
            specification = products.of(reference)
            if specification:
                found[specification.id] = specification
    yield from found.values()
