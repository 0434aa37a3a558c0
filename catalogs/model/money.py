"""Amounts of money: exact decimals, rounded half up to cents where something is charged, tax on the net amount."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from orders.model.product_orders import Money, OrderPrice, Price

CENT = Decimal("0.01")
LARGEST = 10**12
"""No amount is larger, and nothing is charged more often: sums stay exact to the cent in the numbers that JSON has."""


class AmountError(ValueError):
    """A price comes to more than can be charged."""


def cents(value: Decimal) -> Decimal:
    """Return an amount rounded half up to cents."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def charged(net: Decimal, currency: str, rate: Decimal) -> Price:
    """Return what is charged for a net amount in cents, its tax rounded."""
    return _price(net, cents(net * (100 + rate) / 100), currency, rate)


def rated(net: Decimal, currency: str, rate: Decimal) -> Price:
    """Return what one unit costs, unrounded: only what comes of many is charged."""
    return _price(net, net * (100 + rate) / 100, currency, rate)


def discounted(price: OrderPrice) -> Price:
    """Return what is left of a price when its discounts are taken off; tax is on what is left."""
    base = price.price or Price()
    if not price.price_alteration:
        return base
    parts = [base, *(each.price for each in price.price_alteration)]
    net = _added(_net(part) for part in parts)
    if net is not None and base.tax_rate is not None:
        return charged(net, currency_of(base), Decimal(str(base.tax_rate)))
    return add_up(parts)


def add_up(prices: Sequence[Price]) -> Price:
    """Return the sum of prices in one currency; an amount that one of them does not state has no sum."""
    currency = currency_of(prices[0])
    rates = {price.tax_rate for price in prices}
    return Price(
        tax_rate=rates.pop() if len(rates) == 1 else None,
        duty_free_amount=_money(_added(map(_net, prices)), currency),
        tax_included_amount=_money(_added(map(_gross, prices)), currency),
    )


def currency_of(price: Price) -> str:
    """Return the currency of a price; the euro where it states no amount."""
    money = price.duty_free_amount or price.tax_included_amount
    return money.unit if money else "EUR"


def _price(net: Decimal, gross: Decimal, currency: str, rate: Decimal) -> Price:
    return Price(
        tax_rate=float(rate),
        duty_free_amount=_money(net, currency),
        tax_included_amount=_money(gross, currency),
    )


def _added(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = list(amounts)
    return None if None in known else sum((each for each in known if each is not None), Decimal(0))


def _net(price: Price) -> Decimal | None:
    return _amount(price.duty_free_amount)


def _gross(price: Price) -> Decimal | None:
    return _amount(price.tax_included_amount)


def _amount(money: Money | None) -> Decimal | None:
    return Decimal(str(money.value)) if money else None


def _money(value: Decimal | None, currency: str) -> Money | None:
    return None if value is None else Money(unit=currency, value=float(value))
