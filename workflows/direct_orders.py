"""Service and resource orders that were posted by themselves: by another BSS, or by a network team."""

from __future__ import annotations

from temporalio import workflow

from orders.documents import characteristic_list
from orders.lifecycle import OrderKind
from orders.outcome import AssignedResource, ResourceOrderOutcome, RootOrderOutcome
from orders.plan_graph import PlanNode
from orders.tmf import Action
from workflows import ids
from workflows.messages import ResourceOrderInput, RootOrderInput
from workflows.resource_order import ResourceOrderWorkflow
from workflows.root_order import RootOrder
from workflows.saga import Saga
from workflows.service_orders import ServiceOrders


@workflow.defn(name="DirectServiceOrder")
class DirectServiceOrderWorkflow(ServiceOrders):
    """Runs one posted service order: a service order below it for each of its items.

    Completes when the order is completed, partial or rejected; fails when it failed.
    """

    @workflow.init
    def __init__(self, order: RootOrderInput) -> None:
        super().__init__(OrderKind.SERVICE, order)

    @workflow.run
    async def run(self, order: RootOrderInput) -> RootOrderOutcome:
        return await self.to_its_end()

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        await self.service_order(node, saga)

    def show_realised(self) -> None:
        for key, outcome in self.service_orders.items():
            if not self.is_done(key):
                continue
            node, service = self.nodes[key], outcome.customer_facing()
            shown: dict[str, object] = {"id": service.id, "state": "terminated"}
            if node.action != Action.DELETE:
                characteristics = characteristic_list(service.characteristics)
                shown |= {"state": "active", "serviceCharacteristic": characteristics}
            self.tracker.item_set(node.item_id, service=shown)


@workflow.defn(name="DirectResourceOrder")
class DirectResourceOrderWorkflow(RootOrder):
    """Runs one posted resource order: a resource order below it for each of its items.

    Completes when the order is completed, partial or rejected; fails when it failed.
    """

    @workflow.init
    def __init__(self, order: RootOrderInput) -> None:
        super().__init__(OrderKind.RESOURCE, order)
        self.resources: dict[str, AssignedResource] = {}

    @workflow.run
    async def run(self, order: RootOrderInput) -> RootOrderOutcome:
        return await self.to_its_end()

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        order = ResourceOrderInput(order_id=self.order_id, revision=self.revision, item=node.key)
        done: list[ResourceOrderOutcome] = []
        target = f"resource order {node.key}"
        saga.add("take back", lambda: self._reverse(node, order, done), system="ordersaga", target=target)
        async with self.running_children:
            outcome: ResourceOrderOutcome = await self.child(
                ResourceOrderWorkflow.run,
                order,
                ids.resource_order_workflow(self.workflow_id, node.key, revision=order.revision),
                f"{node.action} {node.name}",
                f"Resource order `{node.key}` of {self.in_words}, item {node.item_id}.",
                key=node.key,
            )
        done.append(outcome)
        self.resources[node.key] = outcome.resources[node.key]

    async def _reverse(self, node: PlanNode, order: ResourceOrderInput, done: list[ResourceOrderOutcome]) -> None:
        """Take a finished resource order back by one that goes the other way; one that did not finish undid itself."""
        for outcome in done:
            await self.child(
                ResourceOrderWorkflow.run,
                order.model_copy(update={"undo": outcome.resources}),
                ids.resource_order_workflow(self.workflow_id, node.key, revision=order.revision, undo=True),
                f"undo: {node.action} {node.name}",
                f"Takes resource order `{node.key}` of {self.in_words} back.",
                key=node.key,
            )
        self.resources.pop(node.key, None)

    def show_realised(self) -> None:
        for key, resource in self.resources.items():
            if not self.is_done(key):
                continue
            node = self.nodes[key]
            shown: dict[str, object] = {"id": resource.id, "value": resource.value, "usageState": "idle"}
            if node.action != Action.DELETE:
                characteristics = characteristic_list(resource.characteristics)
                shown |= {"usageState": "active", "resourceCharacteristic": characteristics}
            if resource.category:
                shown["category"] = resource.category
            self.tracker.item_set(node.item_id, resource=shown)
