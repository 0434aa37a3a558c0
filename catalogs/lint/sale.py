"""Oddities of what is sold: nothing to pay or to deliver, two currencies, what has ended or cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from catalogs.lint.price_uses import all_prices
from catalogs.model.catalog_set import Versions
from catalogs.model.entities import ON_SALE, ProductOffering, ProductOfferingPrice, SpecificationReference
from catalogs.model.entries import Entries, Section, Sourced
from catalogs.model.faults import Fault
from tmf.instants import timestamp


def sale_warnings(entries: Entries, on: datetime) -> Iterator[Fault]:
    """Yield what a shop would hardly mean of what is on sale at a moment."""
    for section in vars(entries).values():
        yield from _ended(section, on)
    sale = _Sale(entries, on)
    for sourced in entries.offerings:
        if sourced.entry.lifecycle_status in ON_SALE:
            yield from sale.offering(sourced)


def _ended(section: Section[Any], on: datetime) -> Iterator[Fault]:
    for sourced in section:
        period = sourced.entry.valid_for
        if sourced.entry.lifecycle_status in ON_SALE and period and period.ended_by(on):
            message = (
                f"ended on {timestamp(period.end_date_time)}, and lifecycleStatus is still "
                f"{sourced.entry.lifecycle_status!r}: write 'Retired', or another end"
            )
            yield sourced.fault(["validFor", "endDateTime"], message)


class _Sale:
    """The offerings of all catalogs, with their prices."""

    def __init__(self, entries: Entries, on: datetime) -> None:
        self._on = on
        self._offerings = Versions(each.entry for each in entries.offerings)
        self._prices = Versions(each.entry for each in entries.prices)
        self._products = Versions(each.entry for each in entries.products)

    def offering(self, sourced: Sourced[ProductOffering]) -> Iterator[Fault]:
        offering = sourced.entry
        parts = [part for child in offering.bundled_product_offering if (part := self._offerings.of(child))]
        prices = self._priced(offering)
        everything = [*prices, *(price for part in parts for price in self._priced(part))]
        if not everything:
            yield sourced.fault(["productOfferingPrice"], f"{offering.id!r} is sold without a price")
        currencies = sorted({price.price.unit for price in everything if price.price})
        if len(currencies) > 1:
            message = f"{offering.id!r} is charged in {' and '.join(currencies)}: no total has all of it"
            yield sourced.fault(["productOfferingPrice"], message)
        taxed = [price for price in everything if price.price_type != "discount" and price.tax]
        untaxed = [price for price in everything if price.price_type != "discount" and not price.tax]
        if taxed and untaxed:
            message = f"{untaxed[0].id!r} has no tax, and {taxed[0].id!r} has"
            yield sourced.fault(["productOfferingPrice"], message)
        yield from self._product(sourced)
        yield from self._missing(sourced)

    def _product(self, sourced: Sourced[ProductOffering]) -> Iterator[Fault]:
        offering = sourced.entry
        product = self._products.of(offering.product_specification) if offering.product_specification else None
        if product and not offering.is_bundle and not product.fulfilment.services:
            message = f"{product.id!r} has no fulfilment: an order of {offering.id!r} is billed, and sets nothing up"
            yield sourced.fault(["productSpecification"], message)

    def _missing(self, sourced: Sourced[ProductOffering]) -> Iterator[Fault]:
        """Yield what is needed with an offering, and is not, or no longer, on sale."""
        offering = sourced.entry
        for index, relation in enumerate(offering.product_offering_relationship):
            if relation.relationship_type == "requires" and (why := self._not_sold(relation)):
                message = f"{offering.id!r} requires {relation.id!r}, which {why}: only who has it can order this"
                yield sourced.fault(["productOfferingRelationship", index], message)
        for index, child in enumerate(offering.bundled_product_offering):
            if why := self._not_sold(child):
                needed = child.option.number_rel_offer_lower_limit
                what = "the bundle cannot be ordered" if needed else "nobody can choose it"
                yield sourced.fault(["bundledProductOffering", index], f"{child.id!r} {why}: {what}")

    def _not_sold(self, reference: SpecificationReference) -> str | None:
        """Return why an offering cannot be ordered, now or later; None where it can."""
        offering = self._offerings.on_sale(reference.id, reference.version, self._on)
        if offering is None:
            return None
        if offering.lifecycle_status not in ON_SALE:
            return f"is in the status {offering.lifecycle_status!r}"
        return "has ended" if offering.valid_for and offering.valid_for.ended_by(self._on) else None

    def _priced(self, offering: ProductOffering) -> list[ProductOfferingPrice]:
        return [price for price in all_prices(offering, self._prices) if not price.is_bundle]
