"""Amendments of orders: planned against what the first version was planned against, then applied or refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.planning import parents_in, plan_with_locks, prices_of_items, too_large, total_of
from activities.resource_locks import named_subjects, planned_subjects
from application.feasibility import FeasibilityCheck
from application.planner import PlannedOrder, Planner, plans_alike
from orders.change.comparison import PLANNED_FROM, Comparison, compare, to_be_done
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import ITEM_LISTS, OrderKind, OrderState
from orders.model.order_ids import root_kind
from orders.model.posted import PostedOrder, names_of_items, paths_of, posted_order
from orders.model.product_orders import ProductOrder
from orders.model.revision import Revision, RevisionState
from orders.model.task import is_task_id
from orders.model.violation import Violation, in_bounds
from orders.model.wishes import SCHEDULING
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.plan_graph import PlanGraph
from store.errors import UnknownPlanError
from store.orders import OrderStore
from store.plans import PlanStore
from store.recording import Recorded
from store.resource_locks import ResourceLocks
from store.revisions import RevisionStore
from tmf.bodies import Document
from tmf.instants import UtcDatetime
from tmf.model import Model

_PRODUCTS = ITEM_LISTS[OrderKind.PRODUCT]
_NOTE = "note"
_FOUND_BY = 1000
_TOTAL = "orderTotalPrice"
_PRICES = ("itemPrice", "itemTotalPrice")


class PlanAmendment(Model):
    order_id: str
    revision: int
    """The number of the proposal."""
    base_revision: int | None
    """The revision of the plan that runs; None where the order has none yet, so that the proposal is only checked."""


class PlannedAmendment(Model):
    """What an amendment comes to, or every reason for which it is not possible."""

    graph: PlanGraph | None = None
    """None where the plan stays as it is, or is still to be made."""
    comparison: dict[str, Comparison] = {}
    names: dict[str, str] = {}
    """Every item of the new version, nested ones too, and the offering or product that it is about."""
    parents: dict[str, str] = {}
    """Item → its bundle."""
    violations: list[Violation] = []
    attributes: dict[str, Any] = {}
    """What the amendment sets, in JSON names, but for the items; with its value only what the order goes by.

    The rest stays in the order store: it may be larger than what Temporal takes.
    """
    planned_at: UtcDatetime
    requested_start_date: UtcDatetime | None = None
    """As it is in the new version, whether the amendment sets it or not; so are those below."""
    requested_completion_date: UtcDatetime | None = None
    priority: str | None = None
    customer: str | None = None
    category: str | None = None
    external_id: str | None = None


class ApplyAmendment(Model):
    revision: Revision
    version: int
    """The version under which the order's change is recorded."""
    state: OrderState
    items: dict[str, OrderState]


class AmendmentActivities:
    """The planning, and the store's part, of amendments."""

    def __init__(
        self,
        planner: Planner,
        feasibility: FeasibilityCheck,
        orders: OrderStore,
        plans: PlanStore,
        revisions: RevisionStore,
        locks: ResourceLocks,
    ) -> None:
        self._planner = planner
        self._feasibility = feasibility
        self._orders = orders
        self._plans = plans
        self._revisions = revisions
        self._locks = locks

    @activity.defn
    async def plan_amendment(self, request: PlanAmendment) -> PlannedAmendment:
        """Plan the new version of an order and compare it with the plan that runs; the order itself stays as it is."""
        proposal = await self._proposal(request.order_id, request.revision)
        kind = root_kind(request.order_id)
        order = posted_order(kind, await self._amended(request.order_id, proposal))
        amendment = PlannedAmendment(
            planned_at=datetime.now(UTC),
            names=names_of_items(order),
            parents=parents_in(order),
            attributes={
                name: value if name == SCHEDULING else None
                for name, value in proposal.items()
                if name not in (ITEM_LISTS[kind], _TOTAL)
            },
            requested_start_date=order.requested_start_date,
            requested_completion_date=order.requested_completion_date,
            priority=None if order.priority is None else str(order.priority),
            customer=_as_key(order.customer_id()),
            category=_as_key(order.category),
            external_id=_as_key(order.external_id),
        )
        if not proposal.keys() & {ITEM_LISTS[kind], *PLANNED_FROM}:
            return amendment
        if ITEM_LISTS[kind] not in proposal and await self._leaves_the_plan(order, request):
            return amendment
        planned = await self._planned(order, request)
        if planned.plan is None:
            return _impossible(amendment, planned.violations)
        if isinstance(planned.order, ProductOrder) and ITEM_LISTS[kind] in proposal:
            await self._revisions.revise(request.order_id, request.revision, _priced(proposal, planned.order))
        if request.base_revision is None:
            return amendment
        running = await self._plan(request.order_id, request.base_revision)
        graph, comparison = planned.plan.graph(), compare(running, planned.plan)
        whole = amendment.model_copy(update={"graph": graph, "comparison": comparison})
        if violations := too_large(whole, planned.plan):
            return _impossible(amendment, violations)
        await self._plans.save(planned.plan, planned.installed)
        # Where an earlier attempt has kept a plan already, that one counts.
        plan = await self._plan(request.order_id, request.revision)
        comparison = compare(running, plan)
        if violations := await self._feasibility.infeasible(to_be_done(plan, comparison), paths_of(order), running):
            return _impossible(amendment, violations)
        return amendment.model_copy(update={"graph": plan.graph(), "comparison": comparison})

    @activity.defn
    async def apply_amendment(self, request: ApplyAmendment) -> None:
        """Write the new version into the order's document, and say that the revision is applied."""
        revision = request.revision
        kind = root_kind(revision.order_id)
        items = ITEM_LISTS[kind]
        attributes = dict(await self._proposal(revision.order_id, revision.number))
        if items in attributes:
            attributes[items] = [_with_states(item, items, request.items) for item in attributes[items]]
        else:
            attributes.pop(_TOTAL, None)
        if _NOTE in attributes:
            stored = await self._orders.get(kind, revision.order_id) or {}
            attributes[_NOTE] = _with_resolutions(attributes[_NOTE] or [], stored.get(_NOTE) or [])
        change = OrderChange(
            kind=kind,
            order_id=revision.order_id,
            version=request.version,
            state=request.state,
            revision=revision.number,
            attributes=attributes,
        )
        if Recorded.UNKNOWN in await self._orders.record([change]):
            activity.logger.error("order not in the store", extra={"order": revision.order_id, "state": request.state})
        await self._revisions.settle(revision.model_copy(update={"state": RevisionState.APPLIED}))

    @activity.defn
    async def refuse_amendment(self, revision: Revision) -> None:
        """Say that a revision is refused, and why; others may have what only that one would have touched."""
        await self._revisions.settle(revision.model_copy(update={"state": RevisionState.REFUSED}))
        kind = root_kind(revision.order_id)
        document = await self._orders.get(kind, revision.order_id)
        plan = await self._plans.load(revision.order_id)
        if document is not None and plan is not None:
            needed = {*named_subjects(posted_order(kind, document)), *planned_subjects(plan)}
            await self._locks.reduce(revision.order_id, needed)

    async def _proposal(self, order_id: str, number: int) -> Document:
        revision = await self._revisions.get(order_id, number)
        if revision is None:
            message = f"order {order_id} has no revision {number} in the order store"
            raise ApplicationError(message, type="UnknownRevision", non_retryable=True)
        return revision.document

    async def _amended(self, order_id: str, proposal: Document) -> Document:
        """Return the order's document as the proposal makes it."""
        document = await self._orders.get(root_kind(order_id), order_id)
        if document is None:
            message = f"order {order_id} is not in the order store"
            raise ApplicationError(message, type="UnknownOrder", non_retryable=True)
        merged = {**document, **proposal}
        return {name: value for name, value in merged.items() if value is not None or name not in proposal}

    async def _leaves_the_plan(self, order: PostedOrder, request: PlanAmendment) -> bool:
        """Return whether the new version comes to what the order comes to as it is; nothing is locked for that."""
        before = posted_order(order.kind, await self._amended(request.order_id, {}))
        base = request.base_revision
        installed = await self._plans.installed(request.order_id, base) if base is not None else None
        old, new = [await self._planner.plan(each, request.revision, installed) for each in (before, order)]
        return plans_alike(old, new)

    async def _planned(self, order: PostedOrder, request: PlanAmendment) -> PlannedOrder:
        """Plan the new version: of an order that runs, against what its first version was planned against.

        What such an order has not touched yet is locked for it, but it cannot wait for others in the middle of things.
        """
        if request.base_revision is None:
            return await self._planner.plan(order, request.revision)
        installed = await self._plans.installed(request.order_id, request.base_revision)
        running = await self._plan(request.order_id, request.base_revision)
        planned = await plan_with_locks(
            self._planner, self._locks, order, request.revision, installed, running, queue=False
        )
        if isinstance(planned, list):
            return PlannedOrder(order=order, violations=[_taken_by(planned, ITEM_LISTS[order.kind])])
        return planned

    async def _plan(self, order_id: str, revision: int) -> OrchestrationPlan:
        plan = await self._plans.load(order_id, revision)
        if plan is None:
            error = UnknownPlanError(order_id, revision)
            raise ApplicationError(str(error), type="UnknownPlan", non_retryable=True)
        return plan


def _impossible(amendment: PlannedAmendment, violations: Sequence[Violation]) -> PlannedAmendment:
    """Return that an amendment is not possible, and nothing of what it would have come to."""
    return PlannedAmendment(planned_at=amendment.planned_at, violations=in_bounds(violations))


def _as_key(text: str | None) -> str | None:
    """Return the beginning of a text by which an order is found: Temporal finds by no more."""
    return text and text[:_FOUND_BY]


def _with_resolutions(sent: list[Document], stored: list[Document]) -> list[Document]:
    """Return a client's notes with those that say who settled a task: these stay on the order."""
    ids = {note.get("id") for note in sent}
    return [*(note for note in stored if is_task_id(note.get("id")) and note.get("id") not in ids), *sent]


def _taken_by(order_ids: list[str], path: str) -> Violation:
    orders = f"order {order_ids[0]}" if len(order_ids) == 1 else f"orders {', '.join(order_ids)}"
    return Violation(
        code="changedByAnotherOrder",
        path=path,
        message=f"{orders} must end first, as the same things change there; send the amendment again then",
    )


def _priced(proposal: Document, order: ProductOrder) -> Document:
    """Return a proposal with the prices of the new version on its items, and their total."""
    items = prices_of_items(order)
    return {**proposal, **total_of(order), _PRODUCTS: [_with_prices(item, items) for item in proposal[_PRODUCTS]]}


def _with_prices(item: Document, priced: dict[str, Document]) -> Document:
    kept = {name: value for name, value in item.items() if name not in _PRICES}
    parts = {_PRODUCTS: [_with_prices(each, priced) for each in item[_PRODUCTS]]} if item.get(_PRODUCTS) else {}
    return {**kept, **priced[item["id"]], **parts}


def _with_states(item: Document, name: str, states: dict[str, OrderState]) -> Document:
    """Return an item with its state, and with those of the items that are nested in it under `name`."""
    state = states.get(item["id"], OrderState.ACKNOWLEDGED)
    parts = {name: [_with_states(each, name, states) for each in item[name]]} if item.get(name) else {}
    return {**item, **parts, "state": state.value}
