"""The undo of a service order that was done: a service order that takes every part of it the other way."""

from __future__ import annotations

from orders.graph import reverse
from orders.outcome import AssignedResource, RealisedService, ServiceOrderOutcome
from orders.plan import Demand, ResourceItem, ServiceItem, ServiceOrderPlan
from orders.tmf import Action

_OPPOSITE = {
    Action.ADD: Action.DELETE,
    Action.DELETE: Action.ADD,
    Action.MODIFY: Action.MODIFY,
    Action.NO_CHANGE: Action.NO_CHANGE,
}


def reverse_service_order(plan: ServiceOrderPlan, done: ServiceOrderOutcome) -> ServiceOrderPlan:
    """Return the service order that takes back what `plan` did, with the ids and values that it came to.

    Items that `done` does not know were not reached: there is nothing to take back of them.
    """
    graph = reverse({item.key: item.depends_on for item in plan.items}, done.services.keys())
    return plan.model_copy(
        update={
            "action": _OPPOSITE[plan.action],
            "items": [
                _reverse_item(item, done.services[item.key], graph[item.key])
                for item in reversed(plan.items)
                if item.key in done.services
            ],
        }
    )


def reverse_resources(resources: list[ResourceItem], done: dict[str, AssignedResource]) -> list[ResourceItem]:
    """Return the resource items that take back those of `resources` that are in `done`, last first."""
    graph = reverse({each.key: each.depends_on for each in resources}, done.keys())
    return [
        _reverse_resource(each, done[each.key], graph[each.key]) for each in reversed(resources) if each.key in done
    ]


def _reverse_item(item: ServiceItem, done: RealisedService, depends_on: list[str]) -> ServiceItem:
    return item.model_copy(
        update={
            "action": _OPPOSITE[item.action],
            "service_id": done.id,
            "characteristics": item.previous,
            "previous": done.characteristics,
            "late": {},
            "depends_on": depends_on,
            "resources": reverse_resources(item.resources, done.resources),
            "test": None,
        }
    )


def _reverse_resource(item: ResourceItem, done: AssignedResource, depends_on: list[str]) -> ResourceItem:
    return item.model_copy(
        update={
            "action": _OPPOSITE[item.action],
            "resource_id": done.id,
            "demand": Demand(pool=item.demand.pool, place=item.demand.place, value=done.value),
            "characteristics": item.previous,
            "previous": done.characteristics,
            "late": {},
            "depends_on": depends_on,
        }
    )
