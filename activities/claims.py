"""Turns: orders that touch the same installed product or resource run one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from temporalio import activity

from orders.plan import OrchestrationPlan, ResourceItem
from orders.tmf import Action, ProductOrder, timestamp
from store.claims import ClaimStore

_PRODUCT = "product:"


class ClaimActivities:
    """What an order gives up at its end; what it touches is claimed as it is planned."""

    def __init__(self, claims: ClaimStore) -> None:
        self._claims = claims

    @activity.defn
    async def release_claims(self, order_id: str) -> list[str]:
        """Give up an order's claims; return the ids of the orders that wait for one of them, first accepted first."""
        return await self._claims.release(order_id)


def accepted_at(order: ProductOrder) -> str:
    """Return when an order was accepted, as the store writes times."""
    return timestamp(order.order_date) if order.order_date else ""


def is_product(subject: str) -> bool:
    return subject.startswith(_PRODUCT)


def named_subjects(order: ProductOrder) -> Iterator[str]:
    """Yield the installed products that the items of an order are about."""
    for item, _, _ in order.items():
        if item.product and item.product.id:
            yield f"{_PRODUCT}{item.product.id}"


def planned_subjects(plan: OrchestrationPlan) -> Iterator[str]:
    """Yield the installed products that a plan changes, and the members of pools that it takes or gives back."""
    for product in plan.products:
        if product.product_id and product.action != Action.NO_CHANGE:
            yield f"{_PRODUCT}{product.product_id}"
    for service_order in plan.service_orders:
        for item in service_order.items:
            yield from filter(None, map(_subject, item.resources))


def _subject(resource: ResourceItem) -> str | None:
    if resource.action not in (Action.ADD, Action.DELETE) or resource.demand.value is None:
        return None
    return f"resource:{resource.specification.id}:{resource.demand.value}"
