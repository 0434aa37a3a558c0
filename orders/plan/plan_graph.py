"""The graph of a plan: what the workflow of a posted order schedules, without the contents of its nodes."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from functools import cached_property, partial
from operator import eq, not_

from pydantic import Field

from orders.model.product_orders import Action
from orders.plan.graph import DependencyGraph, in_order
from orders.plan.policy import OnFailure
from tmf.model import Model


class NodeKind(StrEnum):
    SERVICE_ORDER = "serviceOrder"
    RESOURCE_ORDER = "resourceOrder"
    PRODUCT = "product"
    DELIVERY = "delivery"


def _is_none(value: object) -> bool:
    return value is None


class PlanNode(Model):
    """One node of the graph, as much of it as scheduling needs.

    What goes without saying is not written: a graph of thousands of nodes must fit into one payload of Temporal.
    """

    key: str
    kind: NodeKind
    unit: str
    name: str = Field(default="", exclude_if=not_)
    item_id: str | None = Field(default=None, exclude_if=_is_none)
    action: Action = Field(default=Action.ADD, exclude_if=partial(eq, Action.ADD))
    depends_on: list[str] = Field(default_factory=list, exclude_if=not_)
    inputs: dict[str, str] = Field(default_factory=dict, exclude_if=not_)
    on_failure: OnFailure = Field(default=OnFailure.FAIL, exclude_if=partial(eq, OnFailure.FAIL))
    service_id: str | None = Field(default=None, exclude_if=_is_none)
    """The installed customer-facing service that a service order changes or leaves alone."""
    duration: timedelta = Field(default=timedelta(), exclude_if=not_)
    """How long the node is expected to take."""


class PlanGraph(Model):
    """What the workflow of a posted order schedules: it does not change, and has no contents of nodes."""

    nodes: list[PlanNode] = Field(default_factory=list)

    def by_key(self) -> dict[str, PlanNode]:
        return {node.key: node for node in self.nodes}

    def dependencies(self) -> dict[str, list[str]]:
        return {node.key: node.depends_on for node in self.nodes}

    @cached_property
    def in_order(self) -> list[str]:
        """The keys so that each comes after those it depends on."""
        return in_order(self.dependencies())

    @cached_property
    def ranks(self) -> dict[str, int]:
        """What goes first of what may begin, lowest first: what ends something begun goes before what is new."""
        places = {node.key: place for place, node in enumerate(self.nodes)}
        ranks: dict[str, int] = {}
        for key in self.in_order:
            needs = [ranks[need] for need in self._nodes[key].depends_on if need in ranks]
            ranks[key] = max(needs, default=places[key])
        return ranks

    def taken_by_failure(self, key: str) -> set[str]:
        """Return the keys that a permanent failure of `key` takes with it, itself among them.

        That is its unit (a bundle is all or nothing) and whatever depends on that, with the units of those; or every
        node, where the failed node's policy is to roll the order back.
        """
        if self._nodes[key].on_failure == OnFailure.ROLLBACK:
            return set(self._nodes)
        taken: set[str] = set()
        units: set[str] = set()
        queue = [key]
        while queue:
            each = queue.pop()
            if each in taken:
                continue
            taken.add(each)
            queue += self._graph.dependents.get(each, ())
            if (unit := self._nodes[each].unit) not in units:
                units.add(unit)
                queue += self._units[unit]
        return taken

    @cached_property
    def _nodes(self) -> dict[str, PlanNode]:
        return self.by_key()

    @cached_property
    def _graph(self) -> DependencyGraph:
        return DependencyGraph(self.dependencies())

    @cached_property
    def _units(self) -> dict[str, list[str]]:
        """Unit → the keys of its nodes."""
        units: dict[str, list[str]] = {}
        for node in self.nodes:
            units.setdefault(node.unit, []).append(node.key)
        return units
