"""What a product order does for each of its products: it is recorded in product inventory, and billed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio import workflow

from activities.billing import Bill, BillingActivities
from activities.inventory import Expectation, InventoryActivities, Kind, Named, RecordProduct, RestoreProduct
from activities.records import LoadProduct, RecordActivities
from orders.instants import timestamp
from orders.plan import ProductPlan, Step
from orders.plan_graph import NodeKind, PlanNode
from orders.server_set import REALIZED_PRODUCT
from orders.tmf import Action
from orders.wanted import RECORDED, WantedValue
from workflows import policies
from workflows.desk import Parse
from workflows.saga import Saga
from workflows.service_orders import ServiceOrders


class Products(ServiceOrders):
    """The products of a product order."""

    async def product(self, node: PlanNode, saga: Saga) -> None:
        """Record a product and bill it."""
        # All keys name the revision that began this: the same product may be undone, and done again by another.
        steps = ("record", "record/undo", "bill", "bill/undo")
        recording, undo, billing, unbill = (self.key(node.key, step, node.action) for step in steps)
        request = LoadProduct(order_id=self.order_id, revision=self.revision, key=node.key)
        product: ProductPlan = await self.local(RecordActivities.load_product, request, f"load product {node.key}")
        if product.action == Action.NO_CHANGE:
            self.products[node.key] = product.product_id or ""
            return
        target = f"product {product.product_id or node.key}"
        saga.add("restore", lambda: self._restore_product(product, undo), system="inventory", target=target)
        record = RecordProduct(
            key=recording,
            order_id=self.order_id,
            product=product,
            services=self._services_of(product),
            components=[self.products[key] for key in product.components],
            relies_on=[self.products[key] for key in product.relies_on if key in self.products],
            ended=self._ended(product),
        )
        product_id = await self._product_step(
            product, Step.RECORD, InventoryActivities.record_product, record, _product_id, RECORDED
        )
        self.products[node.key] = product_id
        before = [str(product.record.get("status") or "active")] if product.product_id else ["absent"]
        saga.expect(Expectation(kind=Kind.PRODUCT, id=product_id, states=before))
        saga.add("restore charge", lambda: self._unbill(product, unbill), system="billing", target=target)
        await self._product_step(product, Step.BILL, BillingActivities.bill, self._bill(product, billing))

    def show_realised(self) -> None:
        """Name the products that were made; of an item that orders several, in the sequence of its instances."""
        ordered: dict[str, list[str]] = {}
        for node in self.plan_graph.nodes:
            if node.kind == NodeKind.PRODUCT and node.action == Action.ADD and node.item_id:
                ordered.setdefault(node.item_id, []).append(node.key)
        for item, keys in ordered.items():
            made = [{"id": self.products[key]} for key in keys if self.is_done(key)]
            if made and len(keys) == 1:
                self.tracker.item_set(item, product=made[0])
            elif made:
                self.tracker.item_set(item, **{REALIZED_PRODUCT: made})

    def _ended(self, product: ProductPlan) -> list[str]:
        """Return those of the products it bundles or relies on that the order ends."""
        related = (*product.components, *product.relies_on)
        return [
            self.products[key] for key in related if key in self.products and self.nodes[key].action == Action.DELETE
        ]

    async def _product_step(
        self,
        product: ProductPlan,
        step: Step,
        activity: Any,
        request: Any,
        parse: Parse = lambda values: None,
        wanted: Sequence[WantedValue] = (),
    ) -> Any:
        system = policies.BILLING if step == Step.BILL else policies.INVENTORY
        summary = f"{system}: {product.action} {product.name}"

        async def call() -> Any:
            return await self.call(system, activity, request, product.policy, summary)

        return await self.step(product, step, call, summary, system=system, parse=parse, wanted=wanted)

    async def _restore_product(self, product: ProductPlan, key: str) -> None:
        request = RestoreProduct(
            key=key,
            order_id=self.order_id,
            product=product,
            product_id=self.products.get(product.key),
        )
        summary = f"undo: record {product.name}"
        await self.take_back(policies.INVENTORY, InventoryActivities.restore_product, request, product.policy, summary)
        # What is recorded anew is another one, which is to be looked for where its answer is lost.
        self.products.pop(product.key, None)

    async def _unbill(self, product: ProductPlan, key: str) -> None:
        request = self._bill(product, key)
        summary = f"undo: bill {product.name}"
        await self.take_back(policies.BILLING, BillingActivities.unbill, request, product.policy, summary)

    def _bill(self, product: ProductPlan, key: str) -> Bill:
        return Bill(
            key=key,
            order_id=self.order_id,
            product=product,
            product_id=self.products[product.key],
            at=timestamp(workflow.now()),
        )

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


def _product_id(values: dict[str, Any]) -> str:
    """Return the id of a product that a person has recorded by hand.

    Raises:
        ValueError: when it is not among the values.
    """
    if not isinstance(values.get("id"), str):
        raise ValueError("`id`, that of the product in inventory, is missing")
    return str(values["id"])
