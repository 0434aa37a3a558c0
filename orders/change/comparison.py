"""The first step of an in-flight amendment: what differs between two plans, whatever of them has been done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from orders.model.product_orders import WITH_VALUES, Action
from orders.plan.keys import REPLACED
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import Delivery, Move, ProductPlan, ResourceItem, ResourcePlan, ServiceItem, ServiceOrderPlan


class Comparison(StrEnum):
    """How a node of the new plan differs from the one of the same key in the old plan."""

    SAME = "same"
    CHANGED = "changed"
    """What was done of it can be changed in place, by a service order that modifies it."""
    MOVED = "moved"
    """What was done of it must be undone and done anew."""
    ADDED = "added"
    REMOVED = "removed"


class Read(NamedTuple):
    """Something that a late expression reads; None stands for any name, any attribute."""

    variable: str
    name: str | None
    attribute: str | None


_VARIABLE = re.compile(
    r"""(?:(?:"(?P<in2>[^"]*)"|'(?P<in1>[^']*)')\s+in\s+)?"""
    r"""\b(?P<variable>assigned|services)\b"""
    r"""(?:\s*\.\s*(?P<field>\w+)|\s*\[\s*(?:"(?P<key2>[^"]*)"|'(?P<key1>[^']*)')\s*\])?"""
    r"""(?:\s*\.\s*(?P<attribute>\w+)\b(?!\s*\())?"""
)

Node = ServiceOrderPlan | ResourcePlan | ProductPlan | Delivery

PLANNED_FROM = frozenset(
    {"allOrNothing", "billingAccount", "category", "description", "externalId", "priority", "relatedParty"}
)
"""The attributes of an order, beside its items, that its plan may depend on: whom it is for, and what catalogs read."""


def reads(text: str) -> Iterator[Read]:
    """Yield what a late expression may read; where its text leaves that open, more than it does."""
    for found in _VARIABLE.finditer(text):
        name = found["field"] or found["key2"] or found["key1"] or found["in2"] or found["in1"]
        yield Read(found["variable"], name, found["attribute"] if name else None)


def compare(old: OrchestrationPlan, new: OrchestrationPlan) -> dict[str, Comparison]:
    """Return how each node of either plan differs, those of the new plan first.

    Compared is what a node comes to: which services, resources and products there are, with which values, where and
    for whom. How it comes to that is not: nodes that differ only in what they start after, in their policies, tests,
    manual work, milestones or durations, are the same for what is done; those of them that have not begun are done as
    the new plan says anyway. Deliveries, which have no effect of their own, are the same wherever both plans have them.
    """
    before, after = _nodes(old), _nodes(new)
    compared = {key: _compare(before.get(key), node) for key, node in after.items()}
    return compared | {key: Comparison.REMOVED for key in before if key not in after}


def to_be_done(plan: OrchestrationPlan, comparison: Mapping[str, Comparison]) -> OrchestrationPlan:
    """Return a plan with those of its service and resource orders alone that are new or different."""
    new = (Comparison.ADDED, Comparison.CHANGED, Comparison.MOVED)
    touched = {
        "service_orders": [each for each in plan.service_orders if comparison[each.key] in new],
        "resource_orders": [each for each in plan.resource_orders if comparison[each.key] in new],
    }
    return plan.model_copy(update=touched)


def can_be_changed(old: ServiceOrderPlan, new: ServiceOrderPlan) -> bool:
    """Return whether a modifying service order leads from what `old` did to what `new` wants; see `change.redo`."""
    if (old.action, old.customer_id, old.specification.id) != (new.action, new.customer_id, new.specification.id):
        return False
    if new.action not in WITH_VALUES:
        return False
    before = {item.key: item for item in old.items}
    both = [(before[item.key], item) for item in new.items if item.key in before]
    return (
        _agree(_fates(old.items), _fates(new.items))
        and all(one.specification.id == other.specification.id for one, other in both)
        and all(other.move == Move.IN_PLACE or old.place_of(one) == new.place_of(other) for one, other in both)
        and all(_agree(_fates(one.resources), _fates(other.resources)) for one, other in both)
    )


def _nodes(plan: OrchestrationPlan) -> dict[str, Node]:
    nodes: list[Node] = [*plan.service_orders, *plan.deliveries, *plan.products, *plan.resource_orders]
    return {each.key: each for each in nodes}


def _compare(old: Node | None, new: Node) -> Comparison:
    if old is None:
        return Comparison.ADDED
    if old == new or isinstance(new, Delivery):
        return Comparison.SAME
    if isinstance(old, ServiceOrderPlan) and isinstance(new, ServiceOrderPlan):
        if _service_order(old) == _service_order(new):
            return Comparison.SAME
        return Comparison.CHANGED if can_be_changed(old, new) else Comparison.MOVED
    if isinstance(old, ResourcePlan) and isinstance(new, ResourcePlan):
        return Comparison.SAME if _single(old) == _single(new) else Comparison.MOVED
    if isinstance(old, ProductPlan) and isinstance(new, ProductPlan) and _product(old) == _product(new):
        return Comparison.SAME
    return Comparison.MOVED


def _product(plan: ProductPlan) -> tuple[Any, ...]:
    """Return what product inventory and billing hold of a product."""
    return (
        plan.action,
        plan.product_id,
        plan.name,
        plan.offering and plan.offering.id,
        plan.specification and plan.specification.id,
        plan.place,
        plan.customer_id,
        plan.billing_account,
        set(plan.components),
        set(plan.services),
        set(plan.relies_on),
        plan.characteristics,
        sorted(json.dumps(each.model_dump(mode="json", exclude_none=True), sort_keys=True) for each in plan.prices),
    )


def _service_order(plan: ServiceOrderPlan) -> tuple[Any, ...]:
    """Return what a service order comes to, with those values of other services that it reads."""
    late = [late for item in plan.items for late in (item.late, *(each.late for each in item.resources))]
    read = {
        each.name for texts in late for text in texts.values() for each in reads(text) if each.variable == "services"
    }
    return (
        plan.action,
        plan.specification.id,
        plan.customer_id,
        {name: key for name, key in plan.inputs.items() if name in read or None in read},
        {name: values for name, values in plan.given.items() if name in read or None in read},
        {item.key: (plan.place_of(item), _item(item)) for item in plan.items},
    )


def _item(item: ServiceItem) -> tuple[Any, ...]:
    return (
        item.action,
        item.specification.id,
        item.service_id,
        set(item.relies_on),
        item.characteristics,
        item.late,
        {each.key: _resource(each) for each in item.resources},
    )


def _resource(item: ResourceItem) -> tuple[Any, ...]:
    return (item.action, item.specification.id, item.resource_id, item.demand, item.characteristics, item.late)


def _single(plan: ResourcePlan) -> tuple[Any, ...]:
    return (plan.customer_id, _resource(plan.resource), plan.replaced and _resource(plan.replaced))


def _fates(items: Iterable[ServiceItem | ResourceItem]) -> dict[str, tuple[str, str | None]]:
    """Return what becomes of each service or resource, and which one it is, where it is installed already."""
    return {
        each.key: (
            "stays" if each.action in (Action.MODIFY, Action.NO_CHANGE) else each.action,
            each.service_id if isinstance(each, ServiceItem) else each.resource_id,
        )
        for each in items
    }


def _agree(old: Mapping[str, tuple[str, str | None]], new: Mapping[str, tuple[str, str | None]]) -> bool:
    """Return whether the same becomes of all that both plans have, and nothing that was installed is left out.

    What the old plan deleted cannot come back in place, and what it kept cannot be left with the old plan's changes.
    """
    if any(fate != new.get(key, (Action.ADD, None)) for key, fate in old.items()):
        return False
    replaced = (key.removesuffix(REPLACED) for key in new if key.endswith(REPLACED) and key not in old)
    return not any(key in old for key in replaced)
