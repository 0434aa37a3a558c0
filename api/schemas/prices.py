"""Prices of orders and products, as TMF622 v4 has them."""

from __future__ import annotations

from tmf.forms import WholeNumber
from tmf.resources import Extensible, Reference


class Money(Extensible):
    """An amount of money."""

    unit: str | None = None
    """The currency, by ISO 4217."""
    value: float


class Price(Extensible):
    """What something costs, with and without tax, or a share of another price."""

    percentage: float | None = None
    tax_rate: float | None = None
    """In percent."""
    duty_free_amount: Money | None = None
    """Without tax."""
    tax_included_amount: Money | None = None


class PriceAlteration(Extensible):
    """A discount, or another change of a price."""

    name: str | None = None
    description: str | None = None
    price_type: str
    """`recurring`, `oneTime` or `usage`."""
    priority: WholeNumber | None = None
    """The lowest is reckoned first."""
    application_duration: WholeNumber | None = None
    """For how many charges it counts."""
    recurring_charge_period: str | None = None
    unit_of_measure: str | None = None
    price: Price
    product_offering_price: Reference | None = None


class CountedCharacteristic(Extensible):
    """How a price comes about that counts a characteristic: units beyond what is included, each at the same price."""

    name: str
    """The characteristic that is counted."""
    included: float | None = None
    """How much of it costs nothing."""
    quantity: int
    """How many units are charged; one that is begun counts whole."""
    unit_of_measure: str | None = None
    """What a unit is, such as `10 GB`."""
    unit_price: Price
    """What a unit costs, not rounded."""


class OrderPrice(Extensible):
    """A price of an item, or a total of an order."""

    name: str | None = None
    description: str | None = None
    price_type: str | None = None
    """`recurring`, `oneTime` or `usage`."""
    recurring_charge_period: str | None = None
    """How often it is charged, such as `month`."""
    unit_of_measure: str | None = None
    billing_account: Reference | None = None
    price: Price | None = None
    """What is charged for all units, where it counts a characteristic."""
    counted_characteristic: CountedCharacteristic | None = None
    price_alteration: list[PriceAlteration] | None = None
    product_offering_price: Reference | None = None


class ProductPrice(OrderPrice):
    """What a product costs that the customer has."""

    product_price_alteration: list[PriceAlteration] | None = None
