"""What a posted order does for each of its service orders: it runs, is changed by an amendment, and is taken back."""

from __future__ import annotations

from typing import Any

from orders.lifecycle import OrderKind
from orders.outcome import Redo, ServiceOrderOutcome
from orders.plan import Characteristics
from orders.plan_graph import PlanNode
from orders.redo import differing
from workflows import ids
from workflows.messages import RootOrderInput, ServiceOrderInput
from workflows.root_order import RootOrder
from workflows.saga import Saga
from workflows.service_order import ServiceOrderWorkflow


class ServiceOrders(RootOrder):
    """The service orders of a posted order."""

    def __init__(self, kind: OrderKind, order: RootOrderInput) -> None:
        super().__init__(kind, order)
        self._ran_with: dict[str, dict[str, Characteristics]] = {}
        """Service order → the values of other services that it was done, or last changed, with."""

    async def service_order(self, node: PlanNode, saga: Saga) -> None:
        """Run a service order; one that was done under an earlier revision is changed to what the new one wants."""
        before = self.service_orders.get(node.key)
        services = self._inputs(node)
        order = ServiceOrderInput(
            order_id=self.order_id,
            revision=self.revision,
            key=node.key,
            services=services,
            redo=self._redo(node, before, services) if before else None,
        )
        done: list[ServiceOrderOutcome] = []
        target = f"service order {node.key}"
        saga.add("take back", lambda: self._reverse(node, order, done, before), system="ordersaga", target=target)
        async with self.running_children:
            outcome: ServiceOrderOutcome = await self.child(
                ServiceOrderWorkflow.run,
                order,
                ids.service_order_workflow(self.workflow_id, node.key, revision=order.revision),
                f"{node.action} {node.name}" if before is None else f"amend {node.name}",
                f"Service order `{node.key}` of {self.in_words}, item {node.item_id}.",
                key=node.key,
            )
        done.append(outcome)
        standing = outcome.services if outcome.standing is None else outcome.standing
        self.service_orders[node.key] = ServiceOrderOutcome(services=standing)
        self.done_in[node.key] = order.revision
        self._ran_with[node.key] = services

    def _redo(self, node: PlanNode, done: ServiceOrderOutcome, services: dict[str, Characteristics]) -> Redo:
        """Return what a service order had done, and which of the services that it reads have changed since."""
        known = self._ran_with[node.key]
        changed = {name: differing(known[name], now) if name in known else None for name, now in services.items()}
        return Redo(revision=self.done_in[node.key], done=done, changed_inputs=changed)

    async def _reverse(
        self,
        node: PlanNode,
        order: ServiceOrderInput,
        done: list[ServiceOrderOutcome],
        before: ServiceOrderOutcome | None,
    ) -> None:
        """Take a finished service order back by one that goes the other way; one that did not finish undid itself."""
        for outcome in done:
            await self.child(
                ServiceOrderWorkflow.run,
                order.model_copy(update={"undo": outcome}),
                ids.service_order_workflow(self.workflow_id, node.key, revision=order.revision, undo=True),
                f"undo: {node.action} {node.name}",
                f"Takes service order `{node.key}` of {self.in_words} back.",
                key=node.key,
            )
        if order.redo is None or before is None:
            self.service_orders.pop(node.key, None)
        else:
            self.service_orders[node.key] = before
            self.done_in[node.key] = order.redo.revision

    def _inputs(self, node: PlanNode) -> dict[str, dict[str, Any]]:
        """Return what the service orders that a node relies on came to, by the name its expressions use."""
        return {
            name: self.service_orders[key].customer_facing().characteristics
            for name, key in node.inputs.items()
            if key in self.service_orders
        }
