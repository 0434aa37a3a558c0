"""Turns: orders that touch the same installed product or resource run one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from temporalio import activity
from temporalio.exceptions import ApplicationError

from orders.lifecycle import OrderKind
from orders.model import Model
from orders.plan import OrchestrationPlan, ResourceItem
from orders.tmf import Action, ProductOrder, timestamp
from store.claims import ClaimStore
from store.errors import UnknownPlanError
from store.orders import OrderStore
from store.plans import PlanStore

_PRODUCT = "product:"


class ClaimRequest(Model):
    order_id: str
    revision: int | None = None
    """The revision whose plan says what is claimed; without one, what the order itself names is claimed."""


class ClaimActivities:
    """What workflows claim for their orders."""

    def __init__(self, orders: OrderStore, plans: PlanStore, claims: ClaimStore) -> None:
        self._orders = orders
        self._plans = plans
        self._claims = claims

    @activity.defn
    async def claim(self, request: ClaimRequest) -> list[str]:
        """Claim what an order touches; return the ids of the orders that go before it, nothing when it is its turn."""
        document = await self._orders.get(OrderKind.PRODUCT, request.order_id)
        if document is None:
            raise ApplicationError(
                f"order {request.order_id} is not in the order store", type="UnknownOrder", non_retryable=True
            )
        order = ProductOrder.model_validate(document)
        if request.revision is None:
            subjects = set(named_subjects(order))
        else:
            plan = await self._plans.load(request.order_id, request.revision)
            if plan is None:
                error = UnknownPlanError(request.order_id, request.revision)
                raise ApplicationError(str(error), type="UnknownPlan", non_retryable=True)
            subjects = set(planned_subjects(plan))
        return await self._claims.claim(request.order_id, accepted_at(order), subjects)

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
