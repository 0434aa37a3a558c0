"""Prices of an order: those that its plan has its products charged, with totals by type, period and currency.

Usage prices are stated for each unit and never summed, since what will be used is not known.
"""

from __future__ import annotations

from collections.abc import Iterable

from catalogs.model.entities import ONCE
from catalogs.model.money import add_up, currency_of, discounted
from catalogs.nodes.products import parents_of
from orders.model.product_orders import Action, OrderPrice, Price, ProductOrder
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ProductPlan


def price_order(order: ProductOrder, plan: OrchestrationPlan) -> ProductOrder:
    """Return the order with `itemPrice` and `itemTotalPrice` on its items and `orderTotalPrice` on itself.

    They are what the products of the items cost once the order is done: all that is added, and what a changed or kept
    one goes on to cost; what ends costs nothing. One-time prices are in it where this order has them charged.

    An item's price is for one of it; its total is for its quantity, discounts taken off, its bundle's parts included.
    """
    priced = order.model_copy(deep=True)
    items = {item.id: item for item, _, _ in priced.items()}
    parents = parents_of(priced)
    children: dict[str, list[str]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    products: dict[str, list[ProductPlan]] = {}
    for product in plan.products:
        products.setdefault(product.item_id, []).append(product)
    for item_id in reversed(products):  # parts come after their bundles
        item = items[item_id]
        item.item_price = _prices(products[item_id][0])
        parts = [price for part in children.get(item_id, []) for price in items[part].item_total_price or []]
        item.item_total_price = total([*(price for each in products[item_id] for price in _prices(each)), *parts])
    priced.order_total_price = total(
        price for item_id, item in items.items() if item_id not in parents for price in item.item_total_price or []
    )
    return priced


def lasting(prices: Iterable[OrderPrice]) -> list[OrderPrice]:
    """Return those prices of what is installed that it goes on to cost; the others were charged when it came to be."""
    return [price for price in prices if price.price_type != ONCE]


def _prices(product: ProductPlan) -> list[OrderPrice]:
    return lasting(product.prices) if product.action is Action.NO_CHANGE else list(product.prices)


def total(prices: Iterable[OrderPrice]) -> list[OrderPrice]:
    """Return the sums of prices after their discounts, by price type, charge period and currency."""
    sums: dict[tuple[str, str | None, str], list[Price]] = {}
    for each in prices:
        if each.price_type in (None, "usage") or each.price is None:
            continue
        key = str(each.price_type), each.recurring_charge_period, currency_of(each.price)
        sums.setdefault(key, []).append(discounted(each))
    return [
        OrderPrice(name="total", price_type=kind, recurring_charge_period=period, price=add_up(parts))
        for (kind, period, _), parts in sums.items()
    ]
