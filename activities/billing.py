"""Billing: what a product costs, from when on, and until when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities.expectations import ABSENT, ACTIVE, ENDED, Expectation, residue_of
from activities.lookups import NotTheOrdersError, carrying, is_repeat, made_before
from application.addresses import CHARGE
from application.answers import Charge, prices
from application.http import DownstreamError, DownstreamSystem, at
from orders.model.product_orders import OrderPrice
from orders.plan.outcome import Residue
from orders.plan.parts import ProductPlan
from tmf.model import Model


class Bill(Model):
    """Bill a product as its order says: start, change or stop its charge."""

    key: str
    order_id: str
    product: ProductPlan
    product_id: str
    at: str
    """From when on, as an ISO 8601 time."""
    asked_before: bool = False
    """Whether this was asked for before, so that it may be done already."""


_TAKEN = (409, 422)
"""What a system answers where a key was used for another request, or the product is charged for already."""


class BillingActivities:
    """Billing's part of an order. Each effect carries a key, so that a repeat changes nothing.

    The key names the effect: a repeat that finds a charge which an earlier try has started does something else with it.
    """

    def __init__(self, billing: DownstreamSystem) -> None:
        self._billing = billing

    @activity.defn
    async def bill(self, request: Bill) -> str | None:
        """Start, change or stop the charge of a product; return its id, or None where nothing is charged."""
        product = request.product
        if product.action == "add":
            return await self._start_once(request) if product.prices else None
        charge = await self._active_charge(request.product_id)
        if charge is None:
            return await self._start(request) if product.action == "modify" and product.prices else None
        if product.action == "delete":
            await self._do(request, charge, "stop", {"endDate": request.at})
        else:
            await self._change(request, charge, product.prices, product.billing_account)
        return charge

    @activity.defn
    async def unbill(self, request: Bill) -> None:
        """Undo what an order did to a product's charge, if it came to that."""
        product = request.product
        charge = await self._active_charge(request.product_id)
        if product.action == "delete":
            # What is charged for still was not stopped, whatever may have ended before.
            ended = [] if charge else await self._charges(request.product_id, ENDED)
            if ended:
                await self._do(request, max(ended, key=lambda each: each.end_date or "").id, "restart")
        elif charge and (product.action == "add" or not product.previous_prices):
            await self._billing.call("DELETE", at(CHARGE, charge), key=f"{request.key}/void", accept=(404,))
        elif charge:
            await self._change(request, charge, product.previous_prices, _account_before(product))

    @activity.defn
    async def read_charges_back(self, expected: list[Expectation]) -> list[Residue]:
        """Ask after an undo what products are charged, and return what is not as it should be."""
        residue = []
        for each in expected:
            state = await self._state(each.id)
            if state is not None and state not in each.states:
                residue.append(residue_of(each, state, "its charge"))
        return residue

    async def _state(self, product_id: str) -> str | None:
        """Return whether a product is charged (`active`), was (`ended`), or never; None where that cannot be asked."""
        for state in (ACTIVE, ENDED):
            if (charges := await self._asked(product_id, state)) is None:
                return None
            if charges:
                return state
        return ABSENT

    async def _start_once(self, request: Bill) -> str:
        """Start a charge; on a repeat, the one that was started is found.

        A workflow that was restored from a backup repeats what it has forgotten, and says a later time: billing refuses
        that under the same key.
        """
        wanted, carries = _of_product(request.product_id, ACTIVE)
        repeated = is_repeat(request.asked_before)
        if repeated and (started := await made_before(self._billing, CHARGE, wanted, Charge, carries)):
            return started.id
        try:
            return await self._start(request)
        except DownstreamError as error:
            started = None
            if error.status in _TAKEN:
                started = await made_before(self._billing, CHARGE, wanted, Charge, carries)
            if started is None:
                raise
            return started.id

    async def _start(self, request: Bill) -> str:
        product = request.product
        body: dict[str, Any] = {
            "name": product.name,
            "product": {"id": request.product_id},
            "price": prices(product.prices),
            "startDate": request.at,
        }
        if product.customer_id:
            body["customer"] = {"id": product.customer_id}
        if product.billing_account:
            body["billingAccount"] = {"id": product.billing_account}
        return await self._billing.create(CHARGE, key=f"{request.key}/start", body=body)

    async def _change(self, request: Bill, charge: str, to: list[OrderPrice], account: str | None) -> None:
        body: dict[str, Any] = {"price": prices(to)}
        if request.product.billing_account != _account_before(request.product):
            body["billingAccount"] = {"id": account} if account else None
        await self._billing.call("PATCH", at(CHARGE, charge), key=f"{request.key}/change", body=body)

    async def _do(self, request: Bill, charge: str, step: str, body: dict[str, Any] | None = None) -> None:
        await self._billing.call("POST", f"{at(CHARGE, charge)}/{step}", key=f"{request.key}/{step}", body=body)

    async def _active_charge(self, product_id: str) -> str | None:
        """Return the charge of a product.

        Raises:
            NotTheOrdersError: when there are several, so that it is for people to say which.
        """
        active = await self._charges(product_id, ACTIVE)
        if len(active) > 1:
            ids = ", ".join(each.id for each in active[:10])
            raise NotTheOrdersError(
                self._billing.name,
                f"product {product_id} has {len(active)} active charges, where one was expected: {ids}",
            )
        return active[0].id if active else None

    async def _charges(self, product_id: str, state: str) -> list[Charge]:
        found = await self._asked(product_id, state)
        if found is None:
            raise NotTheOrdersError(self._billing.name, f"{self._billing.name} cannot be asked for charges")
        return found

    async def _asked(self, product_id: str, state: str) -> list[Charge] | None:
        wanted, carries = _of_product(product_id, state)
        return await carrying(self._billing, CHARGE, wanted, Charge, carries)


def _of_product(product_id: str, state: str) -> tuple[dict[str, str], Callable[[Charge], bool]]:
    """Return by what a product's charges in a state are found, and are known by."""
    wanted = {"product.id": product_id, "state": state}
    return (
        wanted,
        lambda charge: charge.product is not None and (charge.product.id, charge.state) == (product_id, state),
    )


def _account_before(product: ProductPlan) -> str | None:
    """Return the account that paid for an installed product before its order."""
    account = product.record.get("billingAccount")
    return account["id"] if account else None
