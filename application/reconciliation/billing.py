"""Product inventory and billing: charges of no product, and products that nobody is charged for."""

from __future__ import annotations

from application.addresses import CHARGE, PRODUCT
from application.answers import Listed, ProductDocument, ProductOrderItemReference
from application.http import DownstreamSystem, Identified, at
from application.reconciliation.sections import Page, in_turn, listed
from orders.differences import Difference, DifferenceKind
from orders.model.product_orders import Reference
from store.posted_orders import PostedOrders

_D = DifferenceKind


class OrderedProduct(ProductDocument):
    """A TMF637 product, with the order that has made it."""

    product_order_item: Listed[ProductOrderItemReference]

    def order(self) -> str | None:
        """Return the order that has made it."""
        return next((each.product_order_id for each in self.product_order_item if each.product_order_id), None)


class ChargeOfProduct(Identified):
    """What billing charges, and for which product."""

    state: str | None = None
    product: Reference | None = None


class Billing:
    """Compares the active products with the active charges."""

    name = "billing"
    kinds = frozenset({_D.CHARGE_WITHOUT_PRODUCT, _D.PRODUCT_WITHOUT_CHARGE})

    def __init__(self, posted: PostedOrders, inventory: DownstreamSystem, billing: DownstreamSystem) -> None:
        self._posted = posted
        self._inventory = inventory
        self._billing = billing

    async def page(self, cursor: str) -> Page:
        """Look at a page of the active charges, or else of the active products."""
        return await in_turn([self._charges, self._products], cursor)

    async def stands(self, difference: Difference) -> bool:
        """Look at a charge or a product again: whether it still stands alone, and no order is about it."""
        if difference.kind == _D.CHARGE_WITHOUT_PRODUCT:
            charge = await self._billing.find(at(CHARGE, difference.id), ChargeOfProduct)
            return charge is not None and bool(await self._without_product([charge]))
        product = await self._inventory.find(at(PRODUCT, difference.id), OrderedProduct)
        return product is not None and bool(await self._without_charge([product]))

    async def mend(self, difference: Difference) -> bool:
        """Leave it to people: it is a customer's money."""
        return False

    async def _charges(self, cursor: str) -> Page:
        charges, then = await listed(self._billing, CHARGE, {"state": "active"}, cursor, ChargeOfProduct)
        return Page(len(charges), await self._without_product(charges), then)

    async def _products(self, cursor: str) -> Page:
        products, then = await listed(self._inventory, PRODUCT, {"status": "active"}, cursor, OrderedProduct)
        return Page(len(products), await self._without_charge(products), then)

    async def _without_product(self, charges: list[ChargeOfProduct]) -> list[Difference]:
        charged = {
            each.id: each.product.id for each in charges if each.state == "active" and each.product and each.product.id
        }
        paths = [at(PRODUCT, each) for each in charged.values()]
        products = dict(zip(charged, await self._inventory.find_all(paths, OrderedProduct), strict=True))
        alone = {key: product for key, product in products.items() if product is None or product.status != "active"}
        busy = await self._busy({key: charged[key] for key in alone}, alone)
        return [
            Difference(
                _D.CHARGE_WITHOUT_PRODUCT,
                key,
                f"product {charged[key]} is charged for, and {_said(product)}",
                product.order() if product else None,
            )
            for key, product in alone.items()
            if key not in busy
        ]

    async def _without_charge(self, products: list[OrderedProduct]) -> list[Difference]:
        """Return active products with a price and no charge; those that no order of ours has made are left alone."""
        sold = {each.id: each for each in products if each.status == "active" and each.product_price and each.order()}
        known = await self._posted.standings([order for each in sold.values() if (order := each.order())])
        ours = {key: each for key, each in sold.items() if each.order() in known}
        alone = {key: each for key, each in ours.items() if not await self._is_charged(key)}
        busy = await self._busy({key: key for key in alone}, dict(alone))
        error = "it is active and has a price, and billing has no active charge for it"
        return [
            Difference(_D.PRODUCT_WITHOUT_CHARGE, key, error, each.order())
            for key, each in alone.items()
            if key not in busy
        ]

    async def _is_charged(self, product_id: str) -> bool:
        wanted = {"product.id": product_id, "state": "active"}
        charges = await self._billing.search(CHARGE, wanted, ChargeOfProduct)
        return any(each.state == "active" and each.product and each.product.id == product_id for each in charges)

    async def _busy(self, products: dict[str, str], known: dict[str, OrderedProduct | None]) -> set[str]:
        """Return those of these, by their keys, whose product an order is about that has not ended."""
        locked = await self._posted.locked([f"product:{each}" for each in products.values()])
        orders = {key: order for key, each in known.items() if each and (order := each.order())}
        running = await self._posted.standings(set(orders.values()))
        going_on = {key for key, order in orders.items() if order in running and not running[order].has_ended}
        return going_on | {key for key, product in products.items() if f"product:{product}" in locked}


def _said(product: OrderedProduct | None) -> str:
    return "inventory does not have it" if product is None else f"is {product.status} by inventory"
