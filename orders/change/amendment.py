"""The diff of an in-flight amendment: what differs between two plans, and what that means for what is done already.

The first step compares plan with plan and knows nothing of what ran (`compare`); the second decides by how far each
node is (`decide`). A cancellation is the same second step for a version that has nothing at all (`cancellation`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import Field

from orders.model.product_orders import Action
from orders.model.revision import NodeAction, NodeChange, Refusal
from orders.plan.graph import dependents
from orders.plan.keys import REPLACED
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import Delivery, Move, ProductPlan, ResourceItem, ResourcePlan, ServiceItem, ServiceOrderPlan
from orders.plan.plan_graph import NodeKind, PlanGraph, PlanNode
from tmf.model import Model


class Comparison(StrEnum):
    """How a node of the new plan differs from the one of the same key in the old plan."""

    SAME = "same"
    CHANGED = "changed"
    """What was done of it can be changed in place, by a service order that modifies it."""
    MOVED = "moved"
    """What was done of it must be undone and done anew."""
    ADDED = "added"
    REMOVED = "removed"


class NodeState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    """It failed, or was taken along by a failure; what it had done is undone."""


class NodeProgress(Model):
    """How far a node is."""

    state: NodeState = NodeState.WAITING
    past: str | None = None
    """Why it is past its point of no return, in words: «activate Internet access has begun»; None where it is not."""


class Amendment(Model):
    """What an amendment, or a cancellation, would do. It must not be done where there is a refusal."""

    changes: list[NodeChange] = Field(default_factory=list)
    """Every node, those that stay as they are too; of a cancellation, those that are undone."""
    refusals: list[Refusal] = Field(default_factory=list)

    def diff(self) -> list[NodeChange]:
        """Return the changes without what stays as it is."""
        return [each for each in self.changes if each.action != NodeAction.LEAVE]


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

_STARTED = frozenset({NodeState.RUNNING, NodeState.DONE})
_WITH_VALUES = frozenset({Action.ADD, Action.MODIFY})
_TAKEN_BACK = frozenset({NodeAction.REPLACE, NodeAction.UNDO})


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
    if new.action not in _WITH_VALUES:
        return False
    before = {item.key: item for item in old.items}
    both = [(before[item.key], item) for item in new.items if item.key in before]
    return (
        _agree(_fates(old.items), _fates(new.items))
        and all(one.specification.id == other.specification.id for one, other in both)
        and all(other.move == Move.IN_PLACE or old.place_of(one) == new.place_of(other) for one, other in both)
        and all(_agree(_fates(one.resources), _fates(other.resources)) for one, other in both)
    )


def decide(
    comparison: Mapping[str, Comparison], old: PlanGraph, new: PlanGraph, progress: Mapping[str, NodeProgress]
) -> Amendment:
    """Return what the amendment from `old` to `new` does to each node, and what it must not be done for.

    Args:
        progress: how far the nodes of `old` are; one that is left out has not begun.
    """
    return _Decision(comparison, old, new, progress).amendment()


def cancellation(graph: PlanGraph, progress: Mapping[str, NodeProgress]) -> Amendment:
    """Return what a cancellation would undo, and what it must not be done for.

    Nodes that have not begun, that failed, or that have no effect of their own, are not in it.
    """
    undone = [
        node
        for node in graph.nodes
        if _progress(progress, node.key).state in _STARTED
        and node.kind != NodeKind.DELIVERY
        and node.action != Action.NO_CHANGE
    ]
    return Amendment(
        changes=[_change(node, NodeAction.UNDO) for node in undone],
        refusals=[
            _refusal(node, f"cannot be cancelled any more: {past}")
            for node in undone
            if (past := _progress(progress, node.key).past)
        ],
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


class _Decision:
    """The second step, as it grows: first each node by itself, then what it takes along."""

    def __init__(
        self,
        comparison: Mapping[str, Comparison],
        old: PlanGraph,
        new: PlanGraph,
        progress: Mapping[str, NodeProgress],
    ) -> None:
        self.comparison, self.progress = comparison, progress
        self.old, self.new = old, new
        self.nodes = old.by_key() | new.by_key()
        self.actions = {key: self._by_itself(key) for key in comparison}

    def amendment(self) -> Amendment:
        self._take_back_dependents(self._taken_back())
        self._pass_changes_on()
        self._deliver_again()
        changes = [_change(self.nodes[key], action) for key, action in self.actions.items()]
        return Amendment(changes=changes, refusals=[*self._refusals()])

    def _state(self, key: str) -> NodeState:
        return _progress(self.progress, key).state

    def _by_itself(self, key: str) -> NodeAction:
        match self.comparison[key], self._state(key):
            case Comparison.SAME, _:
                return NodeAction.LEAVE
            case Comparison.REMOVED, _:
                return NodeAction.UNDO
            case Comparison.ADDED, _:
                return NodeAction.DO
            case _, NodeState.WAITING:
                return NodeAction.DO
            case Comparison.CHANGED, NodeState.DONE:
                return NodeAction.MODIFY
        return NodeAction.REPLACE

    def _taken_back(self) -> list[str]:
        return [key for key, action in self.actions.items() if action in _TAKEN_BACK and self._state(key) in _STARTED]

    def _take_back_dependents(self, roots: Iterable[str]) -> None:
        """Undo what has begun and stands on what is undone: it goes first, and comes again last."""
        for key in dependents(_foundations(self.old), roots):
            has_effect = self._state(key) in _STARTED and self.nodes[key].kind != NodeKind.DELIVERY
            if has_effect and self.actions[key] not in _TAKEN_BACK:
                self.actions[key] = NodeAction.REPLACE

    def _pass_changes_on(self) -> None:
        """Change what reads the values of what is changed, and so on; what runs is undone, since it has read."""
        readers: dict[str, list[str]] = {}
        for node in self.new.nodes:
            for key in set(node.inputs.values()):
                readers.setdefault(key, []).append(node.key)
        queue = [key for key, action in self.actions.items() if action == NodeAction.MODIFY]
        running: list[str] = []
        while queue:
            for key in readers.get(queue.pop(), ()):
                if self.actions[key] != NodeAction.LEAVE or self.nodes[key].action not in _WITH_VALUES:
                    continue
                if self._state(key) == NodeState.DONE:
                    self.actions[key] = NodeAction.MODIFY
                    queue.append(key)
                elif self._state(key) == NodeState.RUNNING:
                    self.actions[key] = NodeAction.REPLACE
                    running.append(key)
        self._take_back_dependents(running)

    def _deliver_again(self) -> None:
        """Let a delivery wait again where something of its unit is done, changed or done anew.

        Nothing is undone by that: products that were recorded after it stay.
        """
        busy = {NodeAction.DO, NodeAction.MODIFY, NodeAction.REPLACE}
        for node in self.new.nodes:
            reached = node.kind == NodeKind.DELIVERY and self._state(node.key) in _STARTED
            if reached and any(self.actions.get(need) in busy for need in node.depends_on):
                self.actions[node.key] = NodeAction.REPLACE

    def _refusals(self) -> Iterator[Refusal]:
        failed_units = {self.nodes[key].unit for key in self.comparison if self._state(key) == NodeState.WITHDRAWN}
        for key, action in self.actions.items():
            node, progress = self.nodes[key], _progress(self.progress, key)
            if action == NodeAction.LEAVE:
                continue
            if progress.state == NodeState.WITHDRAWN:
                yield _refusal(node, "has failed and is undone, so that it cannot be changed in this order")
            elif progress.past:
                yield _refusal(node, f"cannot be changed any more: {progress.past}")
            elif action == NodeAction.DO:
                needs = [need for need in node.depends_on if self._state(need) == NodeState.WITHDRAWN]
                if needs or node.unit in failed_units:
                    what = ", ".join(_title(self.nodes[need]) for need in needs) or "the rest of its bundle"
                    yield _refusal(node, f"cannot be done, since it depends on what has failed: {what}")


def _foundations(graph: PlanGraph) -> dict[str, list[str]]:
    """Return what each node stands on: its needs, and for a product in place of its delivery its own service orders.

    A delivery says when a product may be recorded; the product is not made of the others that are delivered with it.
    """
    deliveries = {node.key for node in graph.nodes if node.kind == NodeKind.DELIVERY}
    own: dict[str, list[str]] = {}
    for node in graph.nodes:
        if node.kind == NodeKind.SERVICE_ORDER:
            own.setdefault(node.key.rpartition(":")[0], []).append(node.key)
    return {
        node.key: [*(need for need in node.depends_on if need not in deliveries), *own.get(node.key, ())]
        if node.kind == NodeKind.PRODUCT
        else node.depends_on
        for node in graph.nodes
    }


def _progress(progress: Mapping[str, NodeProgress], key: str) -> NodeProgress:
    return progress.get(key) or _NOT_BEGUN


_NOT_BEGUN = NodeProgress()


def _change(node: PlanNode, action: NodeAction) -> NodeChange:
    return NodeChange(key=node.key, item_id=node.item_id, name=node.name, action=action)


def _refusal(node: PlanNode, why: str) -> Refusal:
    return Refusal(item_id=node.item_id, key=node.key, reason=f"{_title(node)} {why}")


def _title(node: PlanNode) -> str:
    return f"{node.name or node.key} of item {node.item_id}" if node.item_id else node.name or node.key
