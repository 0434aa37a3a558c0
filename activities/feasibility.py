"""Feasibility: can each service be had at its place (TMF645), and are there resources enough for it?"""

from __future__ import annotations

from collections.abc import Collection

from temporalio import activity

from application.feasibility import FeasibilityCheck
from application.http import DownstreamSystem
from orders.model.order_ids import root_kind
from orders.model.posted import paths_of, posted_order
from orders.model.violation import Violation, in_bounds
from orders.plan.orchestration_plan import OrchestrationPlan
from store.orders import OrderStore
from store.plans import PlanStore
from tmf.model import Model


class FeasibilityRequest(Model):
    order_id: str
    revision: int


class QualificationActivities:
    """Feasibility's part of an order."""

    def __init__(self, inventory: DownstreamSystem, plans: PlanStore, orders: OrderStore) -> None:
        self._check = FeasibilityCheck(inventory)
        self._plans = plans
        self._orders = orders

    @activity.defn
    async def check_feasibility(self, request: FeasibilityRequest) -> list[Violation]:
        """Return why an order's plan is not possible, item by item; nothing where it is."""
        kind = root_kind(request.order_id)
        plan = await self._plans.load(request.order_id, request.revision)
        document = await self._orders.get(kind, request.order_id)
        if plan is None or document is None:
            return []
        paths = paths_of(posted_order(kind, document))
        return in_bounds(await self._check.infeasible(_still_ordered(plan, paths), paths))


def _still_ordered(plan: OrchestrationPlan, items: Collection[str]) -> OrchestrationPlan:
    """Return a plan without what an amendment has taken out of its order since: nobody waits for an answer to that."""
    return plan.model_copy(
        update={
            "service_orders": [each for each in plan.service_orders if each.item_id in items],
            "resource_orders": [each for each in plan.resource_orders if each.item_id in items],
        }
    )
