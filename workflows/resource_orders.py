"""The resource orders of a posted one: each runs, and is undone."""

from __future__ import annotations

from typing import Any

from orders.model.product_orders import Action
from orders.plan.order_documents import characteristic_list
from orders.plan.outcome import ResourceOrderOutcome
from orders.plan.plan_graph import PlanNode
from tmf.model import Model
from workflows.contracts import ids
from workflows.contracts.payloads import ResourceOrderInput
from workflows.parts.assembly import OrderParts
from workflows.posted.plan import OrderPlan
from workflows.resource_order import ResourceOrderWorkflow
from workflows.saga.saga import Saga


class ResourceOrderRun(Model):
    """The run of a resource order."""

    order: ResourceOrderInput
    outcome: ResourceOrderOutcome | None = None
    """None until it is done."""


class ResourceOrders:
    """What the resource orders of a posted order came to."""

    def __init__(self, parts: OrderParts[OrderPlan]) -> None:
        self._parts = parts
        self._context = parts.context
        self._plan = parts.structure
        self._children = parts.children
        self._runs: dict[str, ResourceOrderRun] = {}
        """Key of a resource order → its run, while that stands."""

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        """Run a resource order."""
        run = self._runs.get(node.key)
        if run is None or run.outcome is not None:
            order = ResourceOrderInput(order_id=self._context.order_id, revision=self._context.revision, item=node.key)
            run = self._runs[node.key] = ResourceOrderRun(order=order)
            self._add_undo(node, run, saga)
        root = f"resource order {self._context.order_id}"
        run.outcome = await self._run(
            run.order,
            node,
            f"{node.action} {node.name}",
            f"Resource order `{node.key}` of {root}, item {node.item_id}.",
        )

    def steps(self, key: str) -> list[dict[str, Any]]:
        """Return what was done of a resource order, for the saga log."""
        return [self._runs[key].model_dump(mode="json")] if key in self._runs else []

    def recall(self, node: PlanNode, steps: list[dict[str, Any]], saga: Saga) -> None:
        """Know again what an earlier run of the workflow did of a resource order."""
        for step in steps:
            run = self._runs[node.key] = ResourceOrderRun.model_validate(step)
            self._add_undo(node, run, saga)

    async def show_realised(self) -> None:
        """Show on the order's items the resources as they are now."""
        await self._parts.saga.sagas.remember(self._parts.saga.done)
        for key, run in self._runs.items():
            if not self._plan.is_done(key) or run.outcome is None:
                continue
            node, resource = self._plan.nodes[key], run.outcome.resources[key]
            shown: dict[str, object] = {"id": resource.id, "value": resource.value, "usageState": "idle"}
            if node.action != Action.DELETE:
                characteristics = characteristic_list(resource.characteristics)
                shown |= {"usageState": "active", "resourceCharacteristic": characteristics}
            if resource.category:
                shown["category"] = resource.category
            self._context.tracker.item_set(node.item_id, resource=shown)

    def _add_undo(self, node: PlanNode, run: ResourceOrderRun, saga: Saga) -> None:
        saga.add("undo", lambda: self._undo(node, run), system="ordersaga", target=f"resource order {node.key}")

    async def _undo(self, node: PlanNode, run: ResourceOrderRun) -> None:
        """Undo a finished resource order by one that goes the other way; one that did not finish undid itself."""
        if run.outcome is not None:
            await self._run(
                run.order.model_copy(update={"undo": run.outcome.resources}),
                node,
                f"undo: {node.action} {node.name}",
                f"Undoes resource order `{node.key}` of resource order {self._context.order_id}.",
            )
        self._runs.pop(node.key, None)

    async def _run(self, order: ResourceOrderInput, node: PlanNode, summary: str, details: str) -> ResourceOrderOutcome:
        workflow_id = ids.resource_order_workflow(
            self._context.workflow_id, node.key, revision=order.revision, undo=order.undo is not None
        )
        return await self._children.run(ResourceOrderWorkflow.run, order, workflow_id, node.key, summary, details)
