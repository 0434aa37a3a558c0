"""The service orders of a posted order: each runs, is changed by an amendment, and is undone."""

from __future__ import annotations

import asyncio
from typing import Any

from orders.lifecycle import in_words
from orders.outcome import Redo, ServiceOrderOutcome
from orders.plan import Characteristics
from orders.plan_graph import PlanNode
from orders.redo import differing
from workflows import ids, policies
from workflows.children import Children
from workflows.context import OrderContext
from workflows.messages import ServiceOrderInput
from workflows.plan import OrderPlan
from workflows.saga import Saga
from workflows.service_order import ServiceOrderWorkflow


class ServiceOrders:
    """What the service orders of a posted order came to."""

    def __init__(self, context: OrderContext, plan: OrderPlan, children: Children) -> None:
        self.outcomes: dict[str, ServiceOrderOutcome] = {}
        """Key of a service order that is done → what stands of it."""
        self._context = context
        self._plan = plan
        self._children = children
        self._done_in: dict[str, int] = {}
        """Service order → the revision that it was done, or last changed, in."""
        self._ran_with: dict[str, dict[str, Characteristics]] = {}
        """Service order → the values of other services that it was done, or last changed, with."""
        self._window = asyncio.Semaphore(policies.CONCURRENT_CHILDREN)

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        """Run a service order; one that was done under an earlier revision is changed to what the new one wants."""
        before = self.outcomes.get(node.key)
        services = self._inputs(node)
        order = ServiceOrderInput(
            order_id=self._context.order_id,
            revision=self._context.revision,
            key=node.key,
            services=services,
            redo=self._redo(node, before, services) if before else None,
        )
        done: list[ServiceOrderOutcome] = []
        target = f"service order {node.key}"
        saga.add("undo", lambda: self._undo(node, order, done, before), system="ordersaga", target=target)
        async with self._window:
            outcome = await self._run(
                order,
                node,
                f"{node.action} {node.name}" if before is None else f"amend {node.name}",
                f"Service order `{node.key}` of {self._root()}, item {node.item_id}.",
            )
        done.append(outcome)
        standing = outcome.services if outcome.standing is None else outcome.standing
        self.outcomes[node.key] = ServiceOrderOutcome(services=standing)
        self._done_in[node.key] = order.revision
        self._ran_with[node.key] = services

    async def _undo(
        self,
        node: PlanNode,
        order: ServiceOrderInput,
        done: list[ServiceOrderOutcome],
        before: ServiceOrderOutcome | None,
    ) -> None:
        """Undo a finished service order by one that goes the other way; one that did not finish undid itself."""
        for outcome in done:
            await self._run(
                order.model_copy(update={"undo": outcome}),
                node,
                f"undo: {node.action} {node.name}",
                f"Undoes service order `{node.key}` of {self._root()}.",
            )
        if order.redo is None or before is None:
            self.outcomes.pop(node.key, None)
        else:
            self.outcomes[node.key] = before
            self._done_in[node.key] = order.redo.revision

    async def _run(self, order: ServiceOrderInput, node: PlanNode, summary: str, details: str) -> ServiceOrderOutcome:
        undo = order.undo is not None
        workflow_id = ids.service_order_workflow(
            self._context.workflow_id, node.key, revision=order.revision, undo=undo
        )
        return await self._children.run(ServiceOrderWorkflow.run, order, workflow_id, node.key, summary, details)

    def _redo(self, node: PlanNode, done: ServiceOrderOutcome, services: dict[str, Characteristics]) -> Redo:
        """Return what a service order had done, and which of the services that it reads have changed since."""
        known = self._ran_with[node.key]
        changed = {name: differing(known[name], now) if name in known else None for name, now in services.items()}
        return Redo(revision=self._done_in[node.key], done=done, changed_inputs=changed)

    def _inputs(self, node: PlanNode) -> dict[str, dict[str, Any]]:
        """Return what the service orders that a node relies on came to, by the name its expressions use."""
        return {
            name: self.outcomes[key].customer_facing().characteristics
            for name, key in node.inputs.items()
            if key in self.outcomes
        }

    def _root(self) -> str:
        return f"{in_words(self._context.kind)} {self._context.order_id}"
