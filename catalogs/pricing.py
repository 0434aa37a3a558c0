"""Prices of an order: its items' by the catalog, discounts as alterations, totals by type, period and currency.

Computed in decimals and rounded half up to cents, tax on the rounded net price. Usage prices are stated for each unit
and never summed, since what will be used is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from catalogs.catalog_set import CatalogSet
from catalogs.characteristics import matches
from catalogs.model import Amount, ProductOfferingPrice
from catalogs.product_nodes import ProductNode, parents_of, product_nodes
from orders.installed import InstalledBase
from orders.tmf import Action, Money, OrderPrice, Price, PriceAlteration, ProductOrder, Reference

CENT = Decimal("0.01")


def price_order(
    order: ProductOrder, catalogs: CatalogSet, on: datetime, installed: InstalledBase | None = None
) -> ProductOrder:
    """Return the order with `itemPrice` and `itemTotalPrice` on its items and `orderTotalPrice` on itself.

    An item's price is for one of it; its total is for its quantity, discounts taken off, its bundle's parts included.
    What is added is priced, and what is modified where `installed` has it. One-time prices are for adding, unless
    their `when` asks for the action.

    Raises:
        ExpressionError: when a price's condition fails on this order's values.
    """
    priced = order.model_copy(deep=True)
    items = {item.id: item for item, _, _ in priced.items()}
    parents = parents_of(priced)
    children: dict[str, list[str]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    nodes = product_nodes(priced, catalogs, installed or InstalledBase(), on)
    by_item = {node.item_id: node for node in nodes if node.item}
    for item_id in reversed(by_item):  # parts come after their bundles
        item = items[item_id]
        if by_item[item_id].action is Action.MODIFY and by_item[item_id].installed is None:
            item.item_price = item.item_total_price = None
            continue
        item.item_price = unit_prices(by_item[item_id], catalogs, on)
        own = [_times(price, item.quantity or 1) for price in item.item_price]
        parts = [price for part in children.get(item_id, []) for price in items[part].item_total_price or []]
        item.item_total_price = total([*own, *parts])
    priced.order_total_price = total(
        price for item_id, item in items.items() if item_id not in parents for price in item.item_total_price or []
    )
    return priced


def unit_prices(node: ProductNode, catalogs: CatalogSet, on: datetime | None) -> list[OrderPrice]:
    """Return what one of a product costs: the offering's prices that apply, each with its discounts."""
    if node.offering is None or node.action not in (Action.ADD, Action.MODIFY):
        return []
    found = [catalogs.prices.of(reference) for reference in node.offering.product_offering_price]
    return [
        _order_price(price, node, catalogs, on)
        for price in _unbundled((price for price in found if price), catalogs)
        if _applies(price, node, on)
    ]


def total(prices: Iterable[OrderPrice]) -> list[OrderPrice]:
    """Return the sums of prices after their discounts, by price type, charge period and currency."""
    sums: dict[tuple[str, str | None, str], list[Price]] = {}
    for each in prices:
        if each.price_type in (None, "usage") or each.price is None:
            continue
        price = _after_alterations(each)
        currency = price.duty_free_amount.unit if price.duty_free_amount else "EUR"
        sums.setdefault((str(each.price_type), each.recurring_charge_period, currency), []).append(price)
    return [
        OrderPrice(name="total", price_type=kind, recurring_charge_period=period, price=_sum(parts, currency))
        for (kind, period, currency), parts in sums.items()
    ]


def _unbundled(prices: Iterable[ProductOfferingPrice], catalogs: CatalogSet) -> Iterator[ProductOfferingPrice]:
    for price in prices:
        if price.is_bundle:
            parts = [catalogs.prices.of(reference) for reference in price.bundled_pop_relationship]
            yield from _unbundled((part for part in parts if part), catalogs)
        else:
            yield price


def _applies(price: ProductOfferingPrice, node: ProductNode, on: datetime | None) -> bool:
    if on is not None and not price.on_sale(on):
        return False
    asks_for_action = price.when is not None and "item" in price.when.variables
    if price.price_type == "oneTime" and node.action is not Action.ADD and not asks_for_action:
        return False
    product = node.scope.product
    for use in price.prod_spec_char_value_use:
        if not any(matches(product.get(use.name), value) for value in use.values):
            return False
    return price.when is None or price.when.evaluate(node.scope.variables()) is True


def _order_price(
    price: ProductOfferingPrice, node: ProductNode, catalogs: CatalogSet, on: datetime | None
) -> OrderPrice:
    amount = price.price or Amount(value=Decimal(0))
    rate = sum((tax.tax_rate for tax in price.tax), Decimal(0))
    found = [catalogs.prices.of(reference) for reference in price.pop_relationship]
    discounts = [each for each in found if each and each.price_type == "discount" and _applies(each, node, on)]
    alterations: list[PriceAlteration] = []
    left = _cents(amount.value)
    for discount in sorted(discounts, key=lambda each: each.priority or 0):
        off = min(left, _off(discount, left))
        left -= off
        alterations.append(_alteration(discount, price, -off, amount.unit, rate))
    return OrderPrice(
        name=price.name,
        description=price.description,
        price_type=price.price_type,
        recurring_charge_period=_period(price),
        unit_of_measure=_unit(price),
        price=_price(_cents(amount.value), amount.unit, rate),
        price_alteration=alterations or None,
        product_offering_price=_reference(price),
    )


def _alteration(
    discount: ProductOfferingPrice, base: ProductOfferingPrice, off: Decimal, currency: str, rate: Decimal
) -> PriceAlteration:
    """Return a discount as TMF622 has it: its amounts, below zero, are what it adds to the price."""
    price = _price(off, currency, rate)
    price.percentage = float(discount.percentage) if discount.percentage is not None else None
    return PriceAlteration(
        name=discount.name,
        description=discount.description,
        price_type=base.price_type,
        priority=discount.priority,
        application_duration=discount.application_duration,
        recurring_charge_period=_period(base),
        unit_of_measure=_unit(base),
        price=price,
        product_offering_price=_reference(discount),
    )


def _off(discount: ProductOfferingPrice, price: Decimal) -> Decimal:
    if discount.percentage is not None:
        return _cents(price * discount.percentage / 100)
    return _cents(discount.price.value) if discount.price else Decimal(0)


def _after_alterations(price: OrderPrice) -> Price:
    base = price.price or Price()
    if not price.price_alteration:
        return base
    parts = [base, *(each.price for each in price.price_alteration)]
    currency = base.duty_free_amount.unit if base.duty_free_amount else "EUR"
    return _price(sum((_net(part) for part in parts), Decimal(0)), currency, Decimal(str(base.tax_rate or 0)))


def _times(price: OrderPrice, quantity: int) -> OrderPrice:
    one = _after_alterations(price)
    currency = one.duty_free_amount.unit if one.duty_free_amount else "EUR"
    return price.model_copy(update={"price": _sum([one] * quantity, currency), "price_alteration": None})


def _sum(prices: list[Price], currency: str) -> Price:
    rates = {price.tax_rate for price in prices}
    gross = sum((_amount(price.tax_included_amount) for price in prices), Decimal(0))
    return Price(
        tax_rate=rates.pop() if len(rates) == 1 else None,
        duty_free_amount=Money(unit=currency, value=float(sum((_net(price) for price in prices), Decimal(0)))),
        tax_included_amount=Money(unit=currency, value=float(gross)),
    )


def _price(net: Decimal, currency: str, rate: Decimal) -> Price:
    return Price(
        tax_rate=float(rate),
        duty_free_amount=Money(unit=currency, value=float(net)),
        tax_included_amount=Money(unit=currency, value=float(_cents(net * (100 + rate) / 100))),
    )


def _net(price: Price) -> Decimal:
    return _amount(price.duty_free_amount)


def _amount(money: Money | None) -> Decimal:
    return Decimal(str(money.value)) if money else Decimal(0)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


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
