"""Prices and the characteristics that they look at: unknown ones, values that never occur, what cannot be counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from catalogs.lint.characteristics import is_range, use_faults
from catalogs.model.catalog_set import Versions
from catalogs.model.characteristics import of_offering
from catalogs.model.entities import (
    CharacteristicSpecification,
    ProductOffering,
    ProductOfferingPrice,
    SpecificationReference,
    ValueType,
)
from catalogs.model.entries import Entries, Sourced
from catalogs.model.faults import Fault, did_you_mean

Rules = dict[str, CharacteristicSpecification]


@dataclass
class Priced:
    """The products that a price is of: by offering, its characteristics as that one narrows them."""

    rules: dict[str, Rules] = field(default_factory=dict)
    specifications: dict[str, str] = field(default_factory=dict)
    """Offering → the id of its specification, or its own where it has none."""

    def of(self, name: str) -> list[CharacteristicSpecification]:
        """Return the characteristic in all those products that have it."""
        return [rules[name] for rules in self.rules.values() if name in rules]


def priced(entries: Entries) -> dict[str, Priced]:
    """Return by the id of each price what it is of: through groups of prices, and discounts through what they alter."""
    prices = Versions(each.entry for each in entries.prices)
    products = Versions(each.entry for each in entries.products)
    found: dict[str, Priced] = {}
    for sourced in entries.offerings:
        offering = sourced.entry
        specification = products.of(offering.product_specification) if offering.product_specification else None
        rules = {rule.name: rule for rule in of_offering(specification, offering)}
        for price in all_prices(offering, prices):
            of = found.setdefault(price.id, Priced())
            of.rules[offering.id] = rules
            of.specifications[offering.id] = specification.id if specification else offering.id
    return found


def all_prices(offering: ProductOffering, prices: Versions[ProductOfferingPrice]) -> list[ProductOfferingPrice]:
    """Return the prices of an offering, with those that they group, and their discounts."""
    found: dict[str, ProductOfferingPrice] = {}
    waiting: list[SpecificationReference] = list(offering.product_offering_price)
    while waiting:
        price = prices.of(waiting.pop(0))
        if price and price.id not in found:
            found[price.id] = price
            waiting += [*price.bundled_pop_relationship, *price.pop_relationship]
    return list(found.values())


def price_use_faults(entries: Entries) -> Iterator[Fault]:
    """Yield the characteristics and values by which a price is chosen, and that no product of it can have."""
    of = priced(entries)
    for sourced in entries.prices:
        mine = of.get(sourced.entry.id, Priced())
        for index, use in enumerate(sourced.entry.prod_spec_char_value_use):
            loc: list[str | int] = ["prodSpecCharValueUse", index]
            if not use.values:
                yield sourced.fault(loc, f"names no value of {use.name!r}, so that the price never applies")
            yield from _name_faults(sourced, [*loc, "name"], use.name, mine)
            yield from use_faults(sourced, [*loc, "productSpecCharacteristicValue"], use.values, mine.of(use.name))


def counted_faults(entries: Entries) -> Iterator[Fault]:
    """Yield what is counted and is no number, and prices that count nothing though they say so."""
    of = priced(entries)
    for sourced in entries.prices:
        price, counted = sourced.entry, sourced.entry.counted_characteristic
        if counted is None:
            continue
        loc = ["countedCharacteristic"]
        if price.is_bundle:
            yield sourced.fault(loc, "a bundle of prices counts nothing; its parts do")
        elif price.price_type == "usage":
            yield sourced.fault(loc, "a usage price is for each unit that is used; a recurring or oneTime one counts")
        elif price.percentage is not None:
            yield sourced.fault(loc, "a percentage is of the whole price; only an amount is taken off for each unit")
        mine = of.get(price.id, Priced())
        yield from _name_faults(sourced, [*loc, "name"], counted.name, mine)
        for rule in mine.of(counted.name):
            if rule.value_type not in (ValueType.INTEGER, ValueType.NUMBER) or rule.max_cardinality > 1:
                many = "a list" if rule.max_cardinality > 1 else f"of type {rule.value_type}"
                yield sourced.fault([*loc, "name"], f"{counted.name!r} is {many}; only one number can be counted")
            elif (most := _most(rule)) is not None and most <= counted.included:
                message = f"with {counted.included:f} included, nothing is charged: {counted.name!r} ends at {most:g}"
                yield sourced.fault([*loc, "included"], message)


def _most(rule: CharacteristicSpecification) -> float | None:
    """Return the highest value that a characteristic may have; None where there is no end."""
    ends = [each.value_to if is_range(each) else each.value for each in rule.values]
    known = [each for each in ends if isinstance(each, int | float)]
    return max(known) if known and len(known) == len(ends) else None


def _name_faults(
    sourced: Sourced[ProductOfferingPrice], loc: list[str | int], name: str, of: Priced
) -> Iterator[Fault]:
    """Yield a characteristic that products of the price lack: one of them, or of a discount's, all of them."""
    lacking = {of.specifications[offering]: rules for offering, rules in of.rules.items() if name not in rules}
    if sourced.entry.price_type == "discount" and of.of(name):
        return
    for specification, rules in lacking.items():
        yield sourced.fault(loc, f"{specification!r} has no characteristic {name!r}{did_you_mean(name, rules)}")
