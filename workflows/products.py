"""The products of a product order: each is recorded in product inventory, and billed."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from activities.billing import Bill, BillingActivities
from activities.inventory import Expectation, InventoryActivities, Kind, Named, RecordProduct, RestoreProduct
from activities.records import LoadProduct, RecordActivities
from orders.instants import timestamp
from orders.plan import ProductPlan, Step
from orders.plan_graph import NodeKind, PlanNode
from orders.server_set import REALIZED_PRODUCT
from orders.tmf import Action
from orders.wanted import RECORDED
from workflows import policies
from workflows.calls import Call
from workflows.children import Children
from workflows.context import OrderContext
from workflows.plan import OrderPlan
from workflows.saga import Saga
from workflows.service_orders import ServiceOrders
from workflows.steps import Steps, id_in_inventory


class Products:
    """Records and bills the products of one order."""

    def __init__(
        self,
        context: OrderContext,
        plan: OrderPlan,
        steps: Steps,
        children: Children,
        service_orders: ServiceOrders,
    ) -> None:
        self._context = context
        self._plan = plan
        self._children = children
        self._steps = steps
        self._service_orders = service_orders
        self._recorded: dict[str, str] = {}
        """Key of a product → its id in inventory."""

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        """Record a product and bill it."""
        # All keys name the revision that began this: the same product may be undone, and done again by another.
        steps = ("record", "record/undo", "bill", "bill/undo")
        recording, undo, billing, unbill = (self._context.key(node.key, step, node.action) for step in steps)
        request = LoadProduct(order_id=self._context.order_id, revision=self._context.revision, key=node.key)
        product = await self._context.calls.local(RecordActivities.load_product, request, f"load product {node.key}")
        if product.action == Action.NO_CHANGE:
            self._recorded[node.key] = product.product_id or ""
            return
        target = f"product {product.product_id or node.key}"
        saga.add("restore", lambda: self._restore(product, undo), system="inventory", target=target)
        product_id = await self._record(product, recording)
        self._recorded[node.key] = product_id
        before = [str(product.record.get("status") or "active")] if product.product_id else ["absent"]
        saga.expect(Expectation(kind=Kind.PRODUCT, id=product_id, states=before))
        at = self._plan.ready_at(node.key, self._children.ended_at) or workflow.now()
        saga.add("restore charge", lambda: self._unbill(product, unbill, at), system="billing", target=target)
        await self._bill(product, billing, at)

    def show_realised(self) -> None:
        """Name the products that were made; of an item that orders several, in the sequence of its instances."""
        ordered: dict[str, list[str]] = {}
        for node in self._plan.graph.nodes:
            if node.kind == NodeKind.PRODUCT and node.action == Action.ADD and node.item_id:
                ordered.setdefault(node.item_id, []).append(node.key)
        for item, keys in ordered.items():
            made = [{"id": self._recorded[key]} for key in keys if self._plan.is_done(key)]
            if made and len(keys) == 1:
                self._context.tracker.item_set(item, product=made[0])
            elif made:
                self._context.tracker.item_set(item, **{REALIZED_PRODUCT: made})

    async def _record(self, product: ProductPlan, key: str) -> str:
        record = RecordProduct(
            key=key,
            order_id=self._context.order_id,
            product=product,
            services=self._services_of(product),
            components=[self._recorded[each] for each in product.components],
            relies_on=[self._recorded[each] for each in product.relies_on if each in self._recorded],
            ended=self._ended(product),
        )
        summary = f"{policies.INVENTORY}: {product.action} {product.name}"
        call = Call(policies.INVENTORY, InventoryActivities.record_product, record, product.policy, summary)
        return await self._steps.call(product, Step.RECORD, call, parse=id_in_inventory("product"), wanted=RECORDED)

    async def _restore(self, product: ProductPlan, key: str) -> None:
        request = RestoreProduct(
            key=key,
            order_id=self._context.order_id,
            product=product,
            product_id=self._recorded.get(product.key),
        )
        summary = f"undo: record {product.name}"
        call = Call(policies.INVENTORY, InventoryActivities.restore_product, request, product.policy, summary)
        await self._context.calls.undo(call)
        # What is recorded anew is another one, which is to be looked for where its answer is lost.
        self._recorded.pop(product.key, None)

    async def _bill(self, product: ProductPlan, key: str, at: datetime) -> None:
        summary = f"{policies.BILLING}: {product.action} {product.name}"
        bill = self._charge(product, key, at)
        call = Call(policies.BILLING, BillingActivities.bill, bill, product.policy, summary)
        await self._steps.call(product, Step.BILL, call)

    async def _unbill(self, product: ProductPlan, key: str, at: datetime) -> None:
        bill, summary = self._charge(product, key, at), f"undo: bill {product.name}"
        await self._context.calls.undo(Call(policies.BILLING, BillingActivities.unbill, bill, product.policy, summary))

    def _charge(self, product: ProductPlan, key: str, at: datetime) -> Bill:
        return Bill(
            key=key,
            order_id=self._context.order_id,
            product=product,
            product_id=self._recorded[product.key],
            at=timestamp(at),
        )

    def _ended(self, product: ProductPlan) -> list[str]:
        """Return those of the products it bundles or relies on that the order ends."""
        related = (*product.components, *product.relies_on)
        return [
            self._recorded[key]
            for key in related
            if key in self._recorded and self._plan.nodes[key].action == Action.DELETE
        ]

    def _services_of(self, product: ProductPlan) -> list[Named]:
        """Return the customer-facing services that realise a product once the order is done."""
        named = []
        for key in product.services:
            node = self._plan.nodes[key]
            done = self._service_orders.outcomes.get(key)
            service_id = done.customer_facing().id if done else node.service_id
            if service_id and node.action != Action.DELETE:
                named.append(Named(key=key.rpartition(":")[2], id=service_id))
        return named
