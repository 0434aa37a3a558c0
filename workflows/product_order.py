"""A product order, from its acceptance to its end: the business process."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from activities.billing import Bill, BillingActivities
from activities.inventory import Expectation, InventoryActivities, Kind, Named, RecordProduct, RestoreProduct
from activities.planning import PlanAnswer, PlanningActivities, PlanRequest
from activities.qualification import FeasibilityRequest, QualificationActivities
from activities.records import LoadProduct, RecordActivities
from orders.lifecycle import OrderKind, OrderState
from orders.outcome import Failure, ProductOrderOutcome, ServiceOrderOutcome
from orders.plan import NodeKind, PlanGraph, PlanNode, ProductPlan
from orders.rollup import item_state, order_state
from orders.tmf import Action, timestamp
from orders.violation import Violation
from workflows import ids, policies
from workflows.failures import explain, left_behind, order_failed
from workflows.messages import PlanView, ProductOrderInput, ServiceOrderInput
from workflows.order_workflow import OrderWorkflow
from workflows.saga import Saga, SagaGraph, stop_if_cancelled
from workflows.service_order import ServiceOrderWorkflow
from workflows.tracking import messages, residue_document


@workflow.defn(name="ProductOrder")
class ProductOrderWorkflow(OrderWorkflow):
    """Runs one product order. Completes when the order is completed, partial or rejected; fails when it failed."""

    @workflow.init
    def __init__(self, order: ProductOrderInput) -> None:
        super().__init__(OrderKind.PRODUCT, order.revision)
        self.input = order
        self.plan_graph = PlanGraph()
        self.nodes: dict[str, PlanNode] = {}
        self.service_orders: dict[str, ServiceOrderOutcome] = {}
        self.products: dict[str, str] = {}
        self._children = asyncio.Semaphore(policies.CONCURRENT_CHILDREN)

    @workflow.run
    async def run(self, order: ProductOrderInput) -> ProductOrderOutcome:
        try:
            await self._load_items()
            if not (self._accept(await self._planned()) and self._accept(await self._infeasible())):
                return await self._outcome()
            if await self._waited_for_start_date() and (violations := await self._infeasible()):
                return await self._conclude(_failures(violations))
            await self._fulfil()
        except (asyncio.CancelledError, FailureError) as error:
            if not is_cancelled_exception(error):
                raise
            if self.graph is not None:
                self.graph.stop()
            await asyncio.shield(asyncio.create_task(self._cancel()))
            raise
        return await self._conclude(self._failures_of_nodes())

    @workflow.query(description="The order's plan: each node with what it waits for, and how far it is.")
    def plan(self) -> list[PlanView]:
        return [PlanView(node=node, state=self._progress(node.key)) for node in self.plan_graph.nodes]

    async def _load_items(self) -> None:
        self.tracker.follow(await self.local(RecordActivities.item_names, self.order_id, "load the items"))

    async def _planned(self) -> list[Violation]:
        """Check the order against the catalogs and the installed base, price it, and make its plan."""
        self.tracker.waits("planning")
        request = PlanRequest(order_id=self.order_id, revision=self.revision, version=self.tracker.next_version())
        answer: PlanAnswer = await self._ask(PlanningActivities.plan_order, request, "check, price and decompose")
        self.tracker.waits()
        self.plan_graph = answer.graph
        self.nodes = answer.graph.by_key()
        return answer.violations

    async def _infeasible(self) -> list[Violation]:
        """Ask the inventories whether every service is possible at its place, and whether resources are there."""
        self.tracker.waits("feasibility")
        request = FeasibilityRequest(order_id=self.order_id, revision=self.revision)
        violations: list[Violation] = await self._ask(
            QualificationActivities.check_feasibility, request, "check feasibility"
        )
        self.tracker.waits()
        return violations

    async def _ask(self, activity: Any, request: Any, summary: str) -> Any:
        """Ask what has no effect.

        Raises:
            ApplicationError: when there is no sense in asking again; the order has failed then.
        """
        stop_if_cancelled()
        try:
            return await workflow.execute_activity_method(activity, request, summary=summary, **policies.PLANNING)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self.tracker.waits()
            self.tracker.to(OrderState.IN_PROGRESS)
            return await self._conclude([explain(error, summary)])

    async def _waited_for_start_date(self) -> bool:
        start = self.input.requested_start_date
        if start is None or start <= workflow.now():
            return False
        self.tracker.to(OrderState.PENDING)
        self.tracker.waits(f"its requested start, {timestamp(start)}")
        await workflow.sleep((start - workflow.now()).total_seconds(), summary="requested start date")
        self.tracker.waits()
        self.tracker.to(OrderState.IN_PROGRESS)
        return True

    async def _fulfil(self) -> None:
        """Run the plan: service orders as their dependencies allow, then products and what they cost."""
        self.tracker.to(OrderState.IN_PROGRESS)
        self.graph = SagaGraph(
            self.plan_graph.dependencies(),
            self._do,
            taken_by_failure=self.plan_graph.taken_by_failure,
            read_back=self.read_back,
            changed=self._roll_up,
        )
        await self.graph.run()

    async def _do(self, key: str, saga: Saga) -> None:
        self._roll_up()
        node = self.nodes[key]
        match node.kind:
            case NodeKind.SERVICE_ORDER if node.action != Action.NO_CHANGE:
                await self._service_order(node, saga)
            case NodeKind.PRODUCT:
                await self._product(node, saga)

    async def _service_order(self, node: PlanNode, saga: Saga) -> None:
        saga.add("take back", lambda: self._reverse(node), system="ordersaga", target=f"service order {node.key}")
        async with self._children:
            self.service_orders[node.key] = await self.child(
                ServiceOrderWorkflow.run,
                ServiceOrderInput(
                    order_id=self.order_id, revision=self.revision, key=node.key, services=self._inputs(node)
                ),
                ids.service_order_workflow(self.workflow_id, node.key),
                f"{node.action} {node.name}",
                f"Service order `{node.key}` of product order {self.order_id}, item {node.item_id}.",
            )

    async def _reverse(self, node: PlanNode) -> None:
        """Take a finished service order back by one that goes the other way; one that did not finish undid itself."""
        outcome = self.service_orders.get(node.key)
        if outcome is None:
            return
        await self.child(
            ServiceOrderWorkflow.run,
            ServiceOrderInput(order_id=self.order_id, revision=self.revision, key=node.key, undo=outcome),
            ids.service_order_workflow(self.workflow_id, node.key, undo=True),
            f"undo: {node.action} {node.name}",
            f"Takes service order `{node.key}` of product order {self.order_id} back.",
        )

    async def _product(self, node: PlanNode, saga: Saga) -> None:
        """Record a product and bill it."""
        request = LoadProduct(order_id=self.order_id, revision=self.revision, key=node.key)
        product: ProductPlan = await self.local(RecordActivities.load_product, request, f"load product {node.key}")
        if product.action == Action.NO_CHANGE:
            self.products[node.key] = product.product_id or ""
            return
        target = f"product {product.product_id or node.key}"
        saga.add("restore", lambda: self._restore_product(product), system="inventory", target=target)
        record = RecordProduct(
            key=self.key(node.key, "record", product.action),
            order_id=self.order_id,
            product=product,
            services=self._services_of(product),
            components=[self.products[key] for key in product.components],
            relies_on=[self.products[key] for key in product.relies_on if key in self.products],
            ended=self._ended(product),
        )
        product_id = await self._call_for(product, policies.INVENTORY, InventoryActivities.record_product, record)
        self.products[node.key] = product_id
        before = ["active"] if product.product_id else ["absent"]
        saga.expect(Expectation(kind=Kind.PRODUCT, id=product_id, states=before))
        saga.add("restore charge", lambda: self._unbill(product), system="billing", target=target)
        await self._call_for(product, policies.BILLING, BillingActivities.bill, self._bill(product, "bill"))

    def _ended(self, product: ProductPlan) -> list[str]:
        """Return those of the products it bundles or relies on that the order ends."""
        related = (*product.components, *product.relies_on)
        return [
            self.products[key] for key in related if key in self.products and self.nodes[key].action == Action.DELETE
        ]

    async def _call_for(self, product: ProductPlan, system: str, activity: Any, request: Any) -> Any:
        summary = f"{system}: {product.action} {product.name}"
        return await self.call(system, activity, request, product.policy, summary)

    async def _restore_product(self, product: ProductPlan) -> None:
        request = RestoreProduct(
            key=self.key(product.key, "record/undo", product.action),
            order_id=self.order_id,
            product=product,
            product_id=self.products.get(product.key),
        )
        summary = f"undo: record {product.name}"
        await self.take_back(policies.INVENTORY, InventoryActivities.restore_product, request, product.policy, summary)

    async def _unbill(self, product: ProductPlan) -> None:
        request = self._bill(product, "bill/undo")
        summary = f"undo: bill {product.name}"
        await self.take_back(policies.BILLING, BillingActivities.unbill, request, product.policy, summary)

    def _bill(self, product: ProductPlan, step: str) -> Bill:
        return Bill(
            key=self.key(product.key, step, product.action),
            order_id=self.order_id,
            product=product,
            product_id=self.products[product.key],
            at=timestamp(workflow.now()),
        )

    def _inputs(self, node: PlanNode) -> dict[str, dict[str, Any]]:
        """Return what the service orders that a node relies on came to, by the name its expressions use."""
        return {
            name: self.service_orders[key].customer_facing().characteristics
            for name, key in node.inputs.items()
            if key in self.service_orders
        }

    def _services_of(self, product: ProductPlan) -> list[Named]:
        """Return the customer-facing services that realise a product once the order is done."""
        named = []
        for key in product.services:
            node = self.nodes[key]
            done = self.service_orders.get(key)
            service_id = done.customer_facing().id if done else node.service_id
            if service_id and node.action != Action.DELETE:
                named.append(Named(key=key.rpartition(":")[2], id=service_id))
        return named

    def _accept(self, violations: list[Violation]) -> bool:
        """Reject the order, with every reason, where there is one."""
        if not violations:
            return True
        failures = _failures(violations)
        for failure in failures:
            self.tracker.remark(failure)
        for item in self.tracker.items:
            self.tracker.item_to(item, OrderState.REJECTED)
        self.tracker.to(OrderState.REJECTED, productOrderErrorMessage=self._messages(failures))
        return False

    def _roll_up(self) -> None:
        """Bring each item to the state that its nodes of the plan make."""
        graph = self.graph
        if graph is None or self.tracker.state != OrderState.IN_PROGRESS:
            return
        for item, nodes in self._nodes_by_item().items():
            state = item_state(
                nodes=len(nodes),
                started=sum(key in graph.started for key in nodes),
                done=sum(key in graph.done for key in nodes),
                withdrawn=sum(key in graph.withdrawn for key in nodes),
            )
            self.tracker.item_to(item, state)

    def _nodes_by_item(self) -> dict[str, list[str]]:
        by_item: dict[str, list[str]] = {item: [] for item in self.tracker.items}
        for node in self.plan_graph.nodes:
            if node.item_id is not None:
                by_item[node.item_id].append(node.key)
        return by_item

    def _progress(self, key: str) -> Literal["waiting", "running", "done", "withdrawn"]:
        graph = self.graph
        if graph is None or key not in graph.started:
            return "waiting"
        return "done" if key in graph.done else "withdrawn" if key in graph.withdrawn else "running"

    def _failures_of_nodes(self) -> list[Failure]:
        """Return why nodes of the plan failed, each under the item that it belongs to."""
        failed = self.graph.failures.items() if self.graph else ()
        return [
            explain(error, key).model_copy(update={"step": self.nodes[key].item_id or key}) for key, error in failed
        ]

    async def _conclude(self, failures: list[Failure]) -> ProductOrderOutcome:
        """Bring the order to the state that its items make.

        Raises:
            ApplicationError: when the order failed.
        """
        self._roll_up()
        residue = self.graph.residue if self.graph else []
        for failure in failures:
            self.tracker.remark(failure)
        if self.graph is None:
            for item in self.tracker.items:
                self.tracker.item_to(item, OrderState.FAILED)
        self.tracker.to(
            order_state(self.tracker.items.values()),
            completionDate=timestamp(workflow.now()),
            **({"productOrderErrorMessage": self._messages(failures)} if failures else {}),
            **residue_document(residue),
        )
        outcome = await self._outcome()
        if self.tracker.state == OrderState.FAILED:
            raise order_failed(failures[0].model_copy(update={"residue": residue}))
        return outcome

    async def _cancel(self) -> None:
        """Undo all that was done, and end cancelled."""
        if not self.tracker.items:
            await self._load_items()
        self.tracker.cancel_begins()
        residue = []
        if self.graph is not None:
            await self.graph.undone()
            residue = self.graph.residue
        self.tracker.cancel_ends(cancellationDate=timestamp(workflow.now()), **residue_document(residue))
        await self.tracker.flushed()
        if residue:
            raise order_failed(Failure(code="residue", message=f"cancelled. {left_behind(residue)}", residue=residue))

    async def _outcome(self) -> ProductOrderOutcome:
        await self.tracker.flushed()
        residue = self.graph.residue if self.graph else []
        return ProductOrderOutcome(state=self.tracker.state, items=self.tracker.items, residue=residue)

    def _messages(self, failures: list[Failure]) -> list[dict[str, Any]]:
        return messages(failures, workflow.now(), "productOrderItem", self.tracker.items)


def _failures(violations: list[Violation]) -> list[Failure]:
    return [Failure(code=each.code, message=str(each), step=each.item_id) for each in violations]
