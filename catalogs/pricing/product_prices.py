"""Prices of one product: those of its offering that apply, each with its discounts, in what is charged for it.

A price is one amount, or one for each unit of a characteristic that it counts: units beyond what is included, one that
is begun counting whole. Amounts are exact until all units are added up, and then rounded half up to cents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from catalogs.model.catalog_set import CatalogSet
from catalogs.model.characteristics import matches
from catalogs.model.entities import ONCE, Amount, ProductOfferingPrice
from catalogs.model.money import LARGEST, AmountError, cents, charged, rated
from catalogs.nodes.products import ProductNode
from orders.model.product_orders import WITH_VALUES, Action, CountedUnits, OrderPrice, PriceAlteration, Reference


def product_prices(node: ProductNode, catalogs: CatalogSet, on: datetime | None) -> list[OrderPrice]:
    """Return what a product to add or to modify costs.

    One-time prices are for adding, unless their `when` asks for the action.

    Raises:
        ExpressionError: when a price's condition fails on this order's values.
        AmountError: when a price comes to too much.
    """
    if node.offering is None or node.action not in WITH_VALUES:
        return []
    found = [catalogs.prices.of(reference) for reference in node.offering.product_offering_price]
    return [
        _order_price(price, node, catalogs, on)
        for price in _applying((price for price in found if price), node, catalogs, on)
    ]


def depend_on_place(node: ProductNode, catalogs: CatalogSet) -> bool:
    """Return whether any price of a product's offering, or a discount of one, asks for the place."""
    waiting = [*node.offering.product_offering_price] if node.offering else []
    seen: set[str] = set()
    while waiting:
        price = catalogs.prices.of(waiting.pop())
        if price is None or price.id in seen:
            continue
        seen.add(price.id)
        if price.when is not None and "place" in price.when.variables:
            return True
        waiting += [*price.bundled_pop_relationship, *price.pop_relationship]
    return False


def _applying(
    prices: Iterable[ProductOfferingPrice], node: ProductNode, catalogs: CatalogSet, on: datetime | None
) -> Iterator[ProductOfferingPrice]:
    """Yield the prices that apply, in place of a bundle of prices its parts."""
    for price in prices:
        if not _applies(price, node, on):
            continue
        if price.is_bundle:
            parts = [catalogs.prices.of(reference) for reference in price.bundled_pop_relationship]
            yield from _applying((part for part in parts if part), node, catalogs, on)
        elif _units(price, node) > 0:
            yield price


def _applies(price: ProductOfferingPrice, node: ProductNode, on: datetime | None) -> bool:
    if on is not None and not price.on_sale(on):
        return False
    asks_for_action = price.when is not None and "item" in price.when.variables
    once = price.price_type == ONCE and not price.is_bundle
    if once and node.action is not Action.ADD and not asks_for_action:
        return False
    product = node.scope.product
    for use in price.prod_spec_char_value_use:
        if not any(matches(product.get(use.name), value) for value in use.values):
            return False
    return price.when is None or price.when.evaluate(node.scope.variables()) is True


def _units(price: ProductOfferingPrice, node: ProductNode) -> int:
    """Return how often a price is charged: once, or for each unit of what it counts, which may be none."""
    counted = price.counted_characteristic
    if counted is None:
        return 1
    value = node.scope.product.get(counted.name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    beyond = Decimal(str(value)) - counted.included
    return max(0, int((beyond / _unit_size(price)).to_integral_value(ROUND_CEILING)))


def _charge(price: ProductOfferingPrice, amount: Amount, node: ProductNode) -> Decimal:
    """Return what an amount comes to for all that its price counts."""
    units = Decimal(_units(price, node))
    if max(units, whole := units * amount.value) > LARGEST:
        told = f"price {price.id!r} comes to {whole:.3g} {amount.unit} for {units:.3g} units"
        raise AmountError(f"{told}; at most {LARGEST:,} of either can be charged")
    return cents(whole)


def _unit_size(price: ProductOfferingPrice) -> Decimal:
    return Decimal(str(price.unit_of_measure.amount)) if price.unit_of_measure else Decimal(1)


def _order_price(
    price: ProductOfferingPrice, node: ProductNode, catalogs: CatalogSet, on: datetime | None
) -> OrderPrice:
    amount = price.price or Amount(value=Decimal(0))
    rate = sum((tax.tax_rate for tax in price.tax), Decimal(0))
    if price.price_type == "usage":
        return _stated(price, OrderPrice(price=rated(amount.value, amount.unit, rate), unit_of_measure=_unit(price)))
    net = _charge(price, amount, node)
    found = [catalogs.prices.of(reference) for reference in price.pop_relationship]
    discounts = [each for each in found if each and each.price_type == "discount" and _applies(each, node, on)]
    alterations: list[PriceAlteration] = []
    left = net
    for discount in sorted(discounts, key=lambda each: each.priority or 0):
        off = min(left, _off(discount, left, node))
        left -= off
        alterations.append(_alteration(discount, price, -off, amount.unit, rate))
    whole = OrderPrice(
        price=charged(net, amount.unit, rate),
        price_alteration=alterations or None,
        unit_of_measure=None if price.counted_characteristic else _unit(price),
        counted_characteristic=_counted(price, node, amount, rate),
    )
    return _stated(price, whole)


def _stated(price: ProductOfferingPrice, whole: OrderPrice) -> OrderPrice:
    """Return an order's price with what the catalog's says of itself."""
    named = {
        "name": price.name,
        "description": price.description,
        "price_type": price.price_type,
        "recurring_charge_period": _period(price),
        "product_offering_price": _reference(price),
    }
    return whole.model_copy(update=named)


def _counted(price: ProductOfferingPrice, node: ProductNode, amount: Amount, rate: Decimal) -> CountedUnits | None:
    if price.counted_characteristic is None:
        return None
    return CountedUnits(
        name=price.counted_characteristic.name,
        included=float(price.counted_characteristic.included),
        quantity=_units(price, node),
        unit_of_measure=_unit(price),
        unit_price=rated(amount.value, amount.unit, rate),
    )


def _alteration(
    discount: ProductOfferingPrice, base: ProductOfferingPrice, off: Decimal, currency: str, rate: Decimal
) -> PriceAlteration:
    """Return a discount as TMF622 has it: its amounts, below zero, are what it adds to the price."""
    price = charged(off, currency, rate)
    price.percentage = float(discount.percentage) if discount.percentage is not None else None
    return PriceAlteration(
        name=discount.name,
        description=discount.description,
        price_type=base.price_type,
        priority=discount.priority,
        application_duration=discount.application_duration,
        recurring_charge_period=_period(base),
        unit_of_measure=None if base.counted_characteristic else _unit(base),
        price=price,
        product_offering_price=_reference(discount),
    )


def _off(discount: ProductOfferingPrice, price: Decimal, node: ProductNode) -> Decimal:
    if discount.percentage is not None:
        return cents(price * discount.percentage / 100)
    return _charge(discount, discount.price, node) if discount.price else Decimal(0)


def _period(price: ProductOfferingPrice) -> str | None:
    if price.recurring_charge_period_type is None or price.price_type != "recurring":
        return None
    length = price.recurring_charge_period_length
    return price.recurring_charge_period_type if length == 1 else f"{length} {price.recurring_charge_period_type}s"


def _unit(price: ProductOfferingPrice) -> str | None:
    unit = price.unit_of_measure
    return None if unit is None else unit.units if unit.amount == 1 else f"{unit.amount:g} {unit.units}"


def _reference(price: ProductOfferingPrice) -> Reference:
    return Reference.model_validate({"id": price.id, "name": price.name, "version": price.version})
