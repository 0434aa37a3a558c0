"""Feasibility: can each service be had at its place (TMF645), and are there resources enough for it?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from temporalio import activity

from activities.documents import AvailabilityAnswer, Qualification, QualifiedItem
from activities.http import DownstreamSystem
from orders.documents import characteristic_list
from orders.identity import root_kind
from orders.lifecycle import ITEM_LISTS, OrderKind
from orders.model import Model
from orders.plan import OrchestrationPlan, ResourceItem, ServiceItem, ServiceOrderPlan
from orders.tmf import Action
from orders.violation import Violation, in_bounds
from store.plans import PlanStore

QUALIFICATION = "/tmf-api/serviceQualificationManagement/v4/checkServiceQualification"
AVAILABILITY = "/tmf-api/resourcePoolManagement/v4/availabilityCheck"


class FeasibilityRequest(Model):
    order_id: str
    revision: int


class QualificationActivities:
    """Asks inventory what is possible; nothing is reserved."""

    def __init__(self, inventory: DownstreamSystem, plans: PlanStore) -> None:
        self._inventory = inventory
        self._plans = plans

    @activity.defn
    async def check_feasibility(self, request: FeasibilityRequest) -> list[Violation]:
        """Return why an order's plan is not possible, item by item; nothing where it is."""
        plan = await self._plans.load(request.order_id, request.revision)
        return in_bounds(await self.infeasible(plan)) if plan else []

    async def infeasible(self, plan: OrchestrationPlan, running: OrchestrationPlan | None = None) -> list[Violation]:
        """Return why a plan is not possible, item by item.

        Args:
            running: the plan that the order runs already: what its service orders ask for, they have or will get.
        """
        return [*await self._unqualified(plan), *await self._unavailable(plan, running)]

    async def _unqualified(self, plan: OrchestrationPlan) -> list[Violation]:
        asked = [
            (order, item)
            for order in plan.service_orders
            for item in order.items
            if item.customer_facing and item.action in (Action.ADD, Action.MODIFY)
        ]
        if not asked:
            return []
        body = {"serviceQualificationItem": [_qualification(index, *each) for index, each in enumerate(asked)]}
        answer = await self._inventory.call("POST", QUALIFICATION, body=body)
        results = answer.read_as(Qualification).service_qualification_item
        if len(results) != len(asked):
            raise answer.senseless(f"{len(results)} answers to {len(asked)} questions")
        return [
            Violation(
                code="notFeasible",
                path=_path(plan, order.item_id, order.item_id in _moving(plan)),
                item_id=order.item_id,
                message=f"{item.specification.name} is not possible at {order.place or 'no place'}: {_why(result)}",
            )
            for (order, item), result in zip(asked, results, strict=True)
            if result.qualification_result != "qualified"
        ]

    async def _unavailable(self, plan: OrchestrationPlan, running: OrchestrationPlan | None) -> list[Violation]:
        demands = Counter[str]()
        items: dict[str, set[str]] = {}
        before = {key: _demands(resources) for key, _, resources in _resources(running)} if running else {}
        for key, item_id, resources in _resources(plan):
            more = _demands(resources) - before.get(key, Counter())
            demands += more
            for demand in more:
                items.setdefault(demand, set()).add(item_id)
        if not demands:
            return []
        asked = [{**json.loads(demand), "quantity": count} for demand, count in demands.items()]
        answer = await self._inventory.call("POST", AVAILABILITY, body={"demands": asked})
        results = answer.read_as(AvailabilityAnswer).results
        if len(results) != len(asked):
            raise answer.senseless(f"{len(results)} answers to {len(asked)} demands")
        return [
            Violation(
                code="noCapacity",
                path=_path(plan, item_id, "place" in json.loads(demand) and item_id in _moving(plan)),
                item_id=item_id,
                message=result.reason or f"{count} asked for, {result.free} free",
            )
            for (demand, count), result in zip(demands.items(), results, strict=True)
            if not result.available
            for item_id in sorted(items[demand])
        ]


def _path(plan: OrchestrationPlan, item_id: str, for_its_place: bool) -> str:
    """Return the path of an item, or of the place that it asks for."""
    kind = root_kind(plan.order_id)
    path = f"{ITEM_LISTS[kind]}[id={item_id}]"
    return f"{path}.{_SUBJECTS[kind]}.place" if for_its_place else path


_SUBJECTS = {OrderKind.PRODUCT: "product", OrderKind.SERVICE: "service", OrderKind.RESOURCE: "resource"}


def _moving(plan: OrchestrationPlan) -> set[str]:
    """Return the items of a plan by which something installed goes to another place."""
    products = (each.item_id for each in plan.products if each.moves)
    services = (order.item_id for order in plan.service_orders if any(item.moves for item in order.items))
    resources = (single.item_id for single in plan.resource_orders if single.replaced)
    return {*products, *services, *resources}


def _resources(plan: OrchestrationPlan) -> Iterator[tuple[str, str, list[ResourceItem]]]:
    """Yield each service or resource order of a plan by key, with the posted order's item, and its resources."""
    for order in plan.service_orders:
        yield order.key, order.item_id, [resource for item in order.items for resource in item.resources]
    for single in plan.resource_orders:
        yield single.key, single.item_id, [single.resource]


def _demands(resources: list[ResourceItem]) -> Counter[str]:
    """Return how often the pools are asked for what, as JSON."""
    return Counter(
        json.dumps(_demand(resource), sort_keys=True) for resource in resources if resource.action == Action.ADD
    )


def _demand(resource: ResourceItem) -> dict[str, Any]:
    demand: dict[str, Any] = {"resourceSpecification": {"id": resource.specification.id}}
    if resource.demand.criteria:
        demand["criteria"] = resource.demand.criteria
    if resource.demand.pool:
        demand["pool"] = resource.demand.pool
    if resource.demand.place:
        demand["place"] = {"id": resource.demand.place}
    if resource.demand.value is not None:
        demand["value"] = resource.demand.value
    return demand


def _qualification(index: int, order: ServiceOrderPlan, item: ServiceItem) -> dict[str, Any]:
    return {
        "id": str(index),
        "service": {
            "serviceSpecification": {"id": item.specification.id},
            "place": [{"id": order.place}] if order.place else [],
            "serviceCharacteristic": characteristic_list(item.characteristics),
        },
    }


def _why(result: QualifiedItem) -> str:
    reasons = [reason.label or reason.code or "" for reason in result.eligibility_unavailability_reason]
    return "; ".join(filter(None, reasons)) or "no reason given"
