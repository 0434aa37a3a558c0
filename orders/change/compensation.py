"""Compensation: the undo of a service order that was done, a service order that takes every part the other way.

Where a new service or resource took the key of an old one, they change their keys too: the old one takes its own again,
and the new one gives way to it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from orders.model.product_orders import Action
from orders.plan.graph import reverse
from orders.plan.keys import REPLACED
from orders.plan.outcome import AssignedResource, RealisedService, ServiceOrderOutcome
from orders.plan.parts import Demand, ManualWork, ResourceItem, ServiceItem, ServiceOrderPlan

_OPPOSITE = {
    Action.ADD: Action.DELETE,
    Action.DELETE: Action.ADD,
    Action.MODIFY: Action.MODIFY,
    Action.NO_CHANGE: Action.NO_CHANGE,
}


def undo_service_order(plan: ServiceOrderPlan, done: ServiceOrderOutcome) -> ServiceOrderPlan:
    """Return the service order that undoes what `plan` did, with the ids and values that it came to.

    Items that `done` does not know were not reached: there is nothing of them to undo.
    """
    graph = reverse({item.key: item.depends_on for item in plan.items}, done.services)
    keys = _exchanged(done.services)
    return plan.model_copy(
        update={
            "action": _OPPOSITE[plan.action],
            "items": [
                _undo_item(item, done.services[item.key]).model_copy(
                    update={"key": keys[item.key], "depends_on": [keys[need] for need in graph[item.key]]}
                )
                for item in reversed(plan.items)
                if item.key in done.services
            ],
        }
    )


def undo_resources(resources: list[ResourceItem], done: dict[str, AssignedResource]) -> list[ResourceItem]:
    """Return the resource items that undo those of `resources` that are in `done`, last first."""
    graph = reverse({each.key: each.depends_on for each in resources}, done)
    keys = _exchanged(done)
    return [
        _undo_resource(each, done[each.key]).model_copy(
            update={"key": keys[each.key], "depends_on": [keys[need] for need in graph[each.key]]}
        )
        for each in reversed(resources)
        if each.key in done
    ]


def _exchanged(keys: Collection[str]) -> dict[str, str]:
    """Return the key that each of `keys` has in the undo."""
    renamed = dict(zip(keys, keys, strict=True))
    for old in keys:
        if old.endswith(REPLACED):
            new = old.removesuffix(REPLACED)
            renamed |= {old: new, new: old}
    return renamed


def _undo_item(item: ServiceItem, done: RealisedService) -> ServiceItem:
    return item.model_copy(
        update={
            "action": _OPPOSITE[item.action],
            "service_id": done.id,
            "place": item.previous_place,
            "previous_place": item.place,
            "characteristics": item.previous,
            "previous": done.characteristics,
            "late": {},
            "resources": undo_resources(item.resources, done.resources),
            "test": None,
            **_rules_of_undo(item),
        }
    )


def _undo_resource(item: ResourceItem, done: AssignedResource) -> ResourceItem:
    return item.model_copy(
        update={
            "action": _OPPOSITE[item.action],
            "resource_id": done.id,
            "reserved_by": done.reserved_by or item.reserved_by,
            "demand": Demand(pool=item.demand.pool, place=item.demand.place, value=done.value),
            "characteristics": item.previous,
            "previous": done.characteristics,
            "late": {},
            **_rules_of_undo(item),
        }
    )


def _rules_of_undo(item: ServiceItem | ResourceItem) -> dict[str, Any]:
    """Return what people do of an undo; there is always a return from it, and it reaches no milestones."""
    work = item.manual.undo if item.manual else None
    manual = ManualWork(instructions=work, values=[]) if work else None
    return {"manual": manual, "point_of_no_return": None, "milestones": []}
