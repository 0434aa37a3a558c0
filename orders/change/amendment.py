"""The second step of an in-flight amendment: what the difference of two plans means for what is done already.

How far each node is decides what becomes of it (`decide`). A cancellation is the same step for a version that has
nothing at all (`cancellation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from pydantic import Field

from orders.change.comparison import Comparison
from orders.model.product_orders import WITH_VALUES, Action
from orders.model.revision import NodeAction, NodeChange, Refusal
from orders.plan.graph import dependents
from orders.plan.plan_graph import NodeKind, PlanGraph, PlanNode
from tmf.model import Model


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


_STARTED = frozenset({NodeState.RUNNING, NodeState.DONE})
_TAKEN_BACK = frozenset({NodeAction.REPLACE, NodeAction.UNDO})


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
                if self.actions[key] != NodeAction.LEAVE or self.nodes[key].action not in WITH_VALUES:
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
