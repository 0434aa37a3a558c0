"""The products of a product order: each is recorded in product inventory, and billed."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from temporalio import workflow

from activities.billing import Bill, BillingActivities
from activities.expectations import ABSENT, ACTIVE, ENDED, Expectation, Kind
from activities.inventory import InventoryActivities
from activities.product_records import Named, RecordProduct, RestoreProduct
from activities.records import LoadProduct, RecordActivities
from orders.model.product_orders import Action
from orders.model.server_set import REALIZED_PRODUCT
from orders.model.wanted import RECORDED
from orders.plan.parts import ProductPlan, Step
from orders.plan.plan_graph import NodeKind, PlanNode
from tmf.instants import UtcDatetime, timestamp
from tmf.model import Model
from workflows.contracts import policies
from workflows.parts.assembly import OrderParts
from workflows.parts.steps import id_in_inventory
from workflows.posted.plan import OrderPlan
from workflows.runtime.calls import Call
from workflows.saga.saga import Saga
from workflows.service_orders import ServiceOrders

_FAILED_TOO = "saga-log-has-what-failed"
"""Patch: runs that began without it forgot, in a new run, what a product had done whose undo was under way."""


class ProductRun(Model):
    """What was done of a product under one revision of the order."""

    revision: int
    action: Action
    product_id: str | None = None
    """Its id in inventory, once it is recorded."""
    before: list[str] = []
    """The states of which inventory must show one once it is undone."""
    at: UtcDatetime | None = None
    """When it is billed from, once that is known."""
    charge: list[str] = []
    """The states of which billing must show one of its charge once it is undone; empty where it has none."""
    is_done: bool = False


class Products:
    """Records and bills the products of one order."""

    def __init__(self, parts: OrderParts[OrderPlan], service_orders: ServiceOrders) -> None:
        self._parts = parts
        self._context = parts.context
        self._plan = parts.structure
        self._children = parts.children
        self._steps = parts.steps
        self._service_orders = service_orders
        self._recorded: dict[str, str] = {}
        """Key of a product → its id in inventory."""
        self._runs: dict[str, list[ProductRun]] = {}
        """Key of a product → what was done of it, by revision."""

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        """Record a product and bill it."""
        product = await self._load(node, self._context.revision)
        related = (*product.services, *product.components, *product.relies_on)
        await self._parts.saga.sagas.remember([node.key, *related])
        if product.action == Action.NO_CHANGE:
            self._recorded[node.key] = product.product_id or ""
            stands = ProductRun(revision=self._context.revision, action=product.action, product_id=product.product_id)
            self._runs[node.key] = [stands.model_copy(update={"is_done": True})]
            return
        # All keys name the revision that began this: the same product may be undone, and done again by another.
        run = ProductRun(revision=self._context.revision, action=node.action)
        self._runs.setdefault(node.key, []).append(run)
        target = f"product {product.product_id or node.key}"
        saga.add("restore", lambda: self._restore(node, run), system="inventory", target=target)
        saga.expect(self._unrecorded(node, run))
        run.product_id = self._recorded[node.key] = await self._record(product, self._key(node, run, "record"))
        run.before = [str(product.record.get("status") or "active")] if product.product_id else ["absent"]
        self._expect(run, saga)
        run.at = self._plan.ready_at(node.key, self._children.ended_at) or workflow.now()
        saga.add("restore charge", lambda: self._unbill(node, run), system="billing", target=target)
        run.charge = _charge_before(product)
        saga.expect(_charge(run))
        await self._bill(product, self._key(node, run, "bill"), run.at)
        run.is_done = True

    def steps(self, key: str) -> list[dict[str, Any]]:
        """Return what was done of a product, for the saga log; what runs still is done once more."""
        runs = self._runs.get(key, [])
        if not all(run.is_done for run in runs) and (self._is_running(key) or not workflow.patched(_FAILED_TOO)):
            runs = [run for run in runs if run.is_done]
        return [run.model_dump(mode="json") for run in runs]

    def recall(self, node: PlanNode, steps: list[dict[str, Any]], saga: Saga) -> None:
        """Know again what an earlier run of the workflow did of a product."""
        self._runs[node.key] = [ProductRun.model_validate(step) for step in steps]
        for run in self._runs[node.key]:
            self._recorded[node.key] = run.product_id or ""
            if run.action == Action.NO_CHANGE:
                continue
            target = f"product {run.product_id or node.key}"
            saga.add("restore", partial(self._restore, node, run), system="inventory", target=target)
            saga.expect(self._unrecorded(node, run))
            self._expect(run, saga)
            if run.at is not None:
                saga.add("restore charge", partial(self._unbill, node, run), system="billing", target=target)
                saga.expect(_charge(run))

    def _is_running(self, key: str) -> bool:
        return key in self._parts.saga.running or key in self._parts.saga.stopping

    def _unrecorded(self, node: PlanNode, run: ProductRun) -> Expectation:
        """Return what inventory must show of a product whose record has no id yet, since its answer is lost."""
        order, effect = self._context.order_id, self._key(node, run, "record")
        return Expectation(kind=Kind.PRODUCT, id="", states=[ABSENT], order=order, item=node.key, effect=effect)

    def _expect(self, run: ProductRun, saga: Saga) -> None:
        saga.expect(Expectation(kind=Kind.PRODUCT, id=run.product_id or "", states=run.before))

    def _key(self, node: PlanNode, run: ProductRun, step: str) -> str:
        return self._context.key(node.key, step, run.action, revision=run.revision)

    async def _load(self, node: PlanNode, revision: int) -> ProductPlan:
        request = LoadProduct(order_id=self._context.order_id, revision=revision, key=node.key)
        return await self._context.calls.local(RecordActivities.load_product, request, f"load product {node.key}")

    async def show_realised(self) -> None:
        """Name the products that were made; of an item that orders several, in the sequence of its instances."""
        await self._parts.saga.sagas.remember(self._parts.saga.done)
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

    async def _restore(self, node: PlanNode, run: ProductRun) -> None:
        product = await self._load(node, run.revision)
        request = RestoreProduct(
            key=self._key(node, run, "record/undo"),
            order_id=self._context.order_id,
            product=product,
            product_id=self._recorded.get(product.key),
        )
        summary = f"undo: record {product.name}"
        restore, undoes = InventoryActivities.restore_product, (self._key(node, run, "record"),)
        await self._context.calls.undo(Call(policies.INVENTORY, restore, request, product.policy, summary, undoes))
        # What is recorded anew is another one, which is to be looked for where its answer is lost.
        self._recorded.pop(product.key, None)
        self._runs[node.key].remove(run)

    async def _bill(self, product: ProductPlan, key: str, at: datetime) -> None:
        summary = f"{policies.BILLING}: {product.action} {product.name}"
        bill = self._charge(product, key, at)
        call = Call(policies.BILLING, BillingActivities.bill, bill, product.policy, summary)
        await self._steps.call(product, Step.BILL, call)

    async def _unbill(self, node: PlanNode, run: ProductRun) -> None:
        product = await self._load(node, run.revision)
        bill = self._charge(product, self._key(node, run, "bill/undo"), run.at or workflow.now())
        unbill, undoes = BillingActivities.unbill, (self._key(node, run, "bill"),)
        summary = f"undo: bill {product.name}"
        await self._context.calls.undo(Call(policies.BILLING, unbill, bill, product.policy, summary, undoes))

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


def _charge_before(product: ProductPlan) -> list[str]:
    """Return the states of which billing must show one of a product's charge once what an order did to it is undone."""
    if product.action == Action.ADD:
        return [ABSENT, ENDED] if product.prices else []
    if product.previous_prices:
        return [ACTIVE, ABSENT]
    return [ABSENT, ENDED] if product.action == Action.MODIFY and product.prices else []


def _charge(run: ProductRun) -> Expectation:
    """Return what billing must show of a product's charge; of one that is none of its matter, anything."""
    states = run.charge or [ACTIVE, ENDED, ABSENT]
    return Expectation(kind=Kind.PRODUCT, id=run.product_id or "", states=states, system="billing")
