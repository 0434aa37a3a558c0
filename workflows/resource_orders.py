"""The resource orders of a posted one: each runs, and is undone."""

from __future__ import annotations

import asyncio

from orders.documents import characteristic_list
from orders.outcome import AssignedResource, ResourceOrderOutcome
from orders.plan_graph import PlanNode
from orders.tmf import Action
from workflows import ids, policies
from workflows.children import Children
from workflows.context import OrderContext
from workflows.messages import ResourceOrderInput
from workflows.plan import OrderPlan
from workflows.resource_order import ResourceOrderWorkflow
from workflows.saga import Saga


class ResourceOrders:
    """What the resource orders of a posted order came to."""

    def __init__(self, context: OrderContext, plan: OrderPlan, children: Children) -> None:
        self._context = context
        self._plan = plan
        self._children = children
        self._assigned: dict[str, AssignedResource] = {}
        self._window = asyncio.Semaphore(policies.CONCURRENT_CHILDREN)

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        """Run a resource order."""
        order = ResourceOrderInput(order_id=self._context.order_id, revision=self._context.revision, item=node.key)
        done: list[ResourceOrderOutcome] = []
        target = f"resource order {node.key}"
        saga.add("undo", lambda: self._undo(node, order, done), system="ordersaga", target=target)
        root = f"resource order {self._context.order_id}"
        async with self._window:
            outcome = await self._run(
                order,
                node,
                f"{node.action} {node.name}",
                f"Resource order `{node.key}` of {root}, item {node.item_id}.",
            )
        done.append(outcome)
        self._assigned[node.key] = outcome.resources[node.key]

    def show_realised(self) -> None:
        """Show on the order's items the resources as they are now."""
        for key, resource in self._assigned.items():
            if not self._plan.is_done(key):
                continue
            node = self._plan.nodes[key]
            shown: dict[str, object] = {"id": resource.id, "value": resource.value, "usageState": "idle"}
            if node.action != Action.DELETE:
                characteristics = characteristic_list(resource.characteristics)
                shown |= {"usageState": "active", "resourceCharacteristic": characteristics}
            if resource.category:
                shown["category"] = resource.category
            self._context.tracker.item_set(node.item_id, resource=shown)

    async def _undo(self, node: PlanNode, order: ResourceOrderInput, done: list[ResourceOrderOutcome]) -> None:
        """Undo a finished resource order by one that goes the other way; one that did not finish undid itself."""
        for outcome in done:
            await self._run(
                order.model_copy(update={"undo": outcome.resources}),
                node,
                f"undo: {node.action} {node.name}",
                f"Undoes resource order `{node.key}` of resource order {self._context.order_id}.",
            )
        self._assigned.pop(node.key, None)

    async def _run(self, order: ResourceOrderInput, node: PlanNode, summary: str, details: str) -> ResourceOrderOutcome:
        workflow_id = ids.resource_order_workflow(
            self._context.workflow_id, node.key, revision=order.revision, undo=order.undo is not None
        )
        return await self._children.run(ResourceOrderWorkflow.run, order, workflow_id, node.key, summary, details)
