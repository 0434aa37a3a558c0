"""The plan of a posted order while it runs: its nodes and items, how far they are, and the states that this makes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from temporalio import workflow

from orders.change.amendment import NodeProgress, NodeState
from orders.lifecycle.rollup import RollUp
from orders.lifecycle.states import OrderKind, OrderState
from orders.plan.plan_graph import PlanGraph, PlanNode
from workflows.failures import explain
from workflows.runtime.context import OrderContext
from workflows.saga.saga_graph import SagaGraph

_RUNNING = (OrderState.IN_PROGRESS, OrderState.HELD)


class OrderPlan:
    """The plan that a posted order goes by, of the revision that it is at."""

    def __init__(self, context: OrderContext, saga: SagaGraph) -> None:
        self.graph = PlanGraph()
        self.nodes: dict[str, PlanNode] = {}
        self.parents: dict[str, str] = {}
        """Item → the bundle around it, or the item that it is nested in."""
        self.is_made = False
        """Whether there is a plan, so that amendments are compared with it."""
        self.is_carried = False
        """Whether an earlier run of the workflow has made the plan, which is to be loaded."""
        self.revisions: set[int] = {context.revision}
        """The revisions that the order is at, or was: what ran for one has its keys, so that none comes twice."""
        self.awaits_start = False
        """Whether the order waits for its requested start."""
        self.made_at: datetime | None = None
        """When planning made the plan, of this revision; it says so itself."""
        self._ready_at: dict[str, datetime | None] = {}
        self.begun: dict[str, datetime] = {}
        """When each node began that the plan's revisions so far have not undone."""
        self._context = context
        self._saga = saga
        self._roll_up = RollUp({}, {})

    def adopt(self, graph: PlanGraph, parents: dict[str, str], made_at: datetime | None) -> None:
        """Go by this graph from now on."""
        self.graph, self.parents, self.made_at = graph, parents, made_at
        self._ready_at = {}
        self.nodes = graph.by_key()
        nodes_of: dict[str, list[str]] = {}
        for node in graph.nodes:
            if node.item_id is not None:
                nodes_of.setdefault(node.item_id, []).append(node.key)
        self._roll_up = RollUp(nodes_of, self._grouped(nodes_of) if self._context.kind == OrderKind.SERVICE else {})
        self._count(self.nodes)

    def begins(self, key: str) -> None:
        """Take note that a node begins now, and show it on its item."""
        self.begun[key] = workflow.now()
        self._show(self._count([key]))

    def ready_at(self, key: str, ended_at: Mapping[str, datetime]) -> datetime | None:
        """Return when all was done that a node waits for, as those say that did it, or else when the plan was made.

        It is the same whenever it is asked: a call that is repeated, by a key that is known, must say the same.
        """
        if key not in self._ready_at:
            needs = [need for need in self.nodes[key].depends_on if need in self.nodes]
            times = [ended_at.get(need) or self.ready_at(need, ended_at) for need in needs]
            self._ready_at[key] = max((at for at in (*times, self.made_at) if at is not None), default=None)
        return self._ready_at[key]

    def item_of(self, key: str) -> str | None:
        return self.nodes[key].item_id if key in self.nodes else None

    def around(self, item: str) -> list[str]:
        chain = [item]
        while (bundle := self.parents.get(chain[-1])) is not None and bundle not in chain:
            chain.append(bundle)
        return chain

    def running(self) -> Iterable[str]:
        return (key for key in self.begun if self.state_of(key) == NodeState.RUNNING)

    def state_when_not_held(self) -> OrderState:
        return OrderState.PENDING if self.awaits_start else OrderState.IN_PROGRESS

    def state_of(self, key: str) -> NodeState:
        saga = self._saga
        if key not in saga.started:
            return NodeState.WITHDRAWN if key in saga.withdrawn else NodeState.WAITING
        if key in saga.done or key in saga.again:
            return NodeState.DONE
        return NodeState.WITHDRAWN if key in saga.withdrawn else NodeState.RUNNING

    def is_done(self, key: str) -> bool:
        """Return whether a node is done, and stands."""
        return key in self.nodes and self.state_of(key) == NodeState.DONE

    def progress(self, past: Mapping[str, str]) -> dict[str, NodeProgress]:
        """Return how far each node is, and why it is past its point of no return, where it is."""
        return {key: NodeProgress(state=self.state_of(key), past=past.get(key)) for key in self.nodes}

    def is_undone_whole(self) -> bool:
        """Return whether the order is being undone, so that nothing of the plan is left to change."""
        return self._saga.ended or (self._saga.has_begun and set(self.nodes) <= self._saga.withdrawn)

    def taken_by_failure(self, key: str) -> set[str]:
        """Return what a failure takes with it: all of it, where a person has decided to roll the order back."""
        error = self._saga.failures.get(key)
        if error is not None and explain(error, key).rollback:
            return set(self.nodes)
        return self.graph.taken_by_failure(key)

    def nodes_changed(self, nodes: Collection[str]) -> None:
        """Bring the items of nodes to the states that these make."""
        self._show(self._count(nodes))

    def roll_up(self) -> None:
        """Bring each item to the state that its nodes make."""
        self._count(self.nodes)
        self._show(self._context.tracker.items)

    def _count(self, nodes: Iterable[str]) -> list[str]:
        """Take how far nodes are now; return the items that they count for."""
        saga = self._saga
        counted = (
            self._roll_up.update(key, started=key in self.begun, done=key in saga.done, withdrawn=key in saga.withdrawn)
            for key in nodes
        )
        return list(dict.fromkeys(item for items in counted for item in items))

    def _show(self, items: Iterable[str]) -> None:
        tracker = self._context.tracker
        if not self._saga.has_begun or self._context.being_cancelled or tracker.state not in _RUNNING:
            return
        for item in [each for each in items if each in tracker.items]:
            state, before = self._roll_up.state(item), tracker.items[item]
            if state == OrderState.ACKNOWLEDGED and before != OrderState.ACKNOWLEDGED:
                state = OrderState.IN_PROGRESS  # an item that an amendment undoes whole has begun all the same
            if not (state == OrderState.IN_PROGRESS and before == OrderState.HELD):
                tracker.item_to(item, state)

    def _grouped(self, nodes_of: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """Return the items that do nothing but group others, each with the nodes of those."""
        groups: dict[str, list[str]] = {}
        for item, nodes in nodes_of.items():
            for outer in self.around(item)[1:]:
                if outer not in nodes_of:
                    groups.setdefault(outer, []).extend(nodes)
        return groups
