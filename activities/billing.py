"""Billing: what a product costs, from when on, and until when."""

from __future__ import annotations

from typing import Any

from temporalio import activity

from activities.http import DownstreamSystem
from orders.model import Model
from orders.plan import ProductPlan

CHARGE = "/billing/v1/charge"


class Bill(Model):
    """Bill a product as its order says: start, change or stop its charge."""

    key: str
    order_id: str
    product: ProductPlan
    product_id: str
    at: str
    """From when on, as an ISO 8601 time."""


class BillingActivities:
    """Billing's part of an order. Each effect carries a key, so that a repeat changes nothing."""

    def __init__(self, billing: DownstreamSystem) -> None:
        self._billing = billing

    @activity.defn
    async def bill(self, request: Bill) -> str | None:
        """Start, change or stop the charge of a product; return its id, or None where nothing is charged."""
        product = request.product
        if product.action == "add":
            return await self._start(request) if product.prices else None
        charge = await self._active_charge(request.product_id)
        if charge is None:
            return await self._start(request) if product.action == "modify" and product.prices else None
        if product.action == "delete":
            await self._billing.call("POST", f"{CHARGE}/{charge}/stop", key=request.key, body={"endDate": request.at})
        else:
            await self._billing.call("PATCH", f"{CHARGE}/{charge}", key=request.key, body={"price": _prices(product)})
        return charge

    @activity.defn
    async def unbill(self, request: Bill) -> None:
        """Take back what an order did to a product's charge."""
        product = request.product
        if product.action == "delete":
            for charge in (await self._charges({"product.id": request.product_id, "state": "ended"}))[-1:]:
                await self._billing.call("POST", f"{CHARGE}/{charge['id']}/restart", key=request.key)
            return
        active = await self._active_charge(request.product_id)
        if active is None:
            return
        if product.action == "add" or not product.previous_prices:
            await self._billing.call("DELETE", f"{CHARGE}/{active}", key=request.key, accept=(404,))
        else:
            previous = [price.model_dump(mode="json", exclude_none=True) for price in product.previous_prices]
            await self._billing.call("PATCH", f"{CHARGE}/{active}", key=request.key, body={"price": previous})

    async def _start(self, request: Bill) -> str:
        product = request.product
        body: dict[str, Any] = {
            "name": product.name,
            "product": {"id": request.product_id},
            "price": _prices(product),
            "startDate": request.at,
        }
        if product.customer_id:
            body["customer"] = {"id": product.customer_id}
        if product.billing_account:
            body["billingAccount"] = {"id": product.billing_account}
        _, charge = await self._billing.call("POST", CHARGE, key=request.key, body=body)
        return str(charge["id"])

    async def _active_charge(self, product_id: str) -> str | None:
        active = await self._charges({"product.id": product_id, "state": "active"})
        return str(active[0]["id"]) if active else None

    async def _charges(self, params: dict[str, str]) -> list[dict[str, Any]]:
        return await self._billing.list(CHARGE, params)


def _prices(product: ProductPlan) -> list[dict[str, Any]]:
    return [price.model_dump(mode="json", exclude_none=True) for price in product.prices]
