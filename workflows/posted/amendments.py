"""The amendments of a posted order while it runs: planned, compared with what is done, and carried out."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.amendments import AmendmentActivities, ApplyAmendment, PlanAmendment, PlannedAmendment
from activities.records import RecordActivities
from orders.change.amendment import Amendment, decide
from orders.lifecycle.admission import Message
from orders.model.revision import NodeAction, Revision, RevisionState
from orders.model.wishes import AS_LATE_AS_POSSIBLE, SCHEDULING
from orders.plan.plan_graph import PlanGraph
from workflows.contracts import policies, search_attributes
from workflows.contracts.payloads import Amend
from workflows.contracts.refusals import OVERTAKEN, REFUSED, REFUSED_FOR_NOW, RefusedError, in_words
from workflows.failures import explain
from workflows.parts.assembly import OrderParts
from workflows.posted.dates import Dates
from workflows.posted.plan import OrderPlan
from workflows.runtime.context import OrderContext

_UNDONE = frozenset({NodeAction.REPLACE, NodeAction.UNDO})

_PASSING = frozenset({"DownstreamError", "StoreUnavailableError", "timeout"})
"""Why an amendment cannot be planned now, and may be later: what it asks is away, or gave no answer in time."""

_CHANGES_TOLD = 1000
"""Changes of an amendment that its answer tells, which Temporal bounds; the revision in the order store has all."""


class Amendments:
    """The amendments of one posted order, one after another."""

    def __init__(self, parts: OrderParts[OrderPlan], dates: Dates, amending: asyncio.Lock) -> None:
        """Make it; `amending` is taken while a new version is planned and written: its document is not there yet."""
        self._parts = parts
        self._context = parts.context
        self._tracker = parts.context.tracker
        self._plan = parts.structure
        self._dates = dates
        self._amending = amending

    async def amend(self, command: Amend) -> Revision:
        """Amend the order, after all amendments before; return the revision with the first of what it changes.

        Raises:
            RefusedError: when it cannot be; nothing has changed then.
        """
        plan = self._plan
        await workflow.wait_condition(lambda: plan.is_made or not plan.is_carried)
        async with self._amending:
            revision = Revision(
                order_id=self._context.order_id,
                number=command.revision,
                author=command.by,
                requested_at=workflow.now(),
            )
            try:
                planned, amendment = await self._decided(command)
            except RefusedError as error:
                await self._refuse(revision, error)
                raise
            self._carry_out(command, planned, amendment)
            plan.revisions.add(command.revision)
            applied = {"state": RevisionState.APPLIED, "changes": amendment.diff(), "decided_at": workflow.now()}
            revision = revision.model_copy(update=applied)
            await self._tracker.apart(lambda version: self._apply(revision, version))
            if not plan.is_made:
                await self._load_items()
            return revision.model_copy(update={"changes": revision.changes[:_CHANGES_TOLD]})

    async def _decided(self, command: Amend) -> tuple[PlannedAmendment, Amendment]:
        """Plan an amendment, and compare it with what is done.

        Raises:
            RefusedError: when it is not possible, cannot be planned now, or comes too late.
        """
        self._context.admit(Message.AMEND)
        if command.revision in self._plan.revisions:
            raise RefusedError(f"revision {command.revision} has been applied already; propose a new one")
        # What an order runs is its revision with the highest number.
        if command.revision < (last := max(self._plan.revisions)) and workflow.patched("amendments-by-their-numbers"):
            raise RefusedError(f"revision {last} has been applied before it", kind=OVERTAKEN)
        planned = await self._planned(command)
        self._context.admit(Message.AMEND)
        if planned.graph is None:
            return planned, Amendment()
        if self._plan.is_undone_whole():
            raise RefusedError(f"order {self._context.order_id} is being undone; it cannot be amended any more")
        progress = self._plan.progress(self._parts.points_of_no_return.passed)
        amendment = decide(planned.comparison, self._plan.graph, planned.graph, progress)
        if amendment.refusals:
            raise RefusedError(f"too late to change: {in_words(amendment.refusals)}", amendment.refusals)
        return planned, amendment

    async def _planned(self, command: Amend) -> PlannedAmendment:
        while True:
            base = self._context.revision if self._plan.is_made else None
            planned = await planned_on(self._context, command, base)
            await self._context.calls.caught_up()
            # An order that was planned meanwhile has a plan now that the new version is compared with.
            if (base is not None) == self._plan.is_made:
                return planned

    def _carry_out(self, command: Amend, planned: PlannedAmendment, amendment: Amendment) -> None:
        """Go on as the new version says; only nodes that it touches stop."""
        plan = self._plan
        self._tracker.note(f"amended to revision {command.revision}" + (f" by {command.by}" if command.by else ""))
        if planned.graph is not None:
            self._go_by(planned.graph, planned, amendment, command.revision)
        elif not plan.is_made:
            self._context.revision = command.revision
        self._take_wishes(planned)
        if plan.is_made:
            self._dates.changed()

    def _go_by(self, graph: PlanGraph, planned: PlannedAmendment, amendment: Amendment, revision: int) -> None:
        actions = {each.key: each.action for each in amendment.changes}
        saga = self._parts.saga
        self._plan.adopt(graph, planned.parents, planned.planned_at)
        self._context.revision = revision
        self._tracker.amended(planned.names)
        self._parts.holds.items &= set(planned.names)
        if not saga.has_begun:
            return
        undone = [key for key, action in actions.items() if action in _UNDONE]
        for key in undone:
            self._plan.begun.pop(key, None)
        saga.amend(
            graph.dependencies(),
            undo=undone,
            again=[key for key, action in actions.items() if action == NodeAction.MODIFY],
        )
        self._plan.roll_up()
        self._context.changed(undone)

    def _take_wishes(self, planned: PlannedAmendment) -> None:
        """Go by the dates and the priority of the new version, and be found by what it says."""
        dates, attributes = self._dates, planned.attributes
        if "requestedStartDate" in attributes:
            dates.requested_start = planned.requested_start_date
        if "requestedCompletionDate" in attributes:
            dates.requested_completion = planned.requested_completion_date
        if SCHEDULING in attributes:
            dates.as_late_as_possible = attributes[SCHEDULING] == AS_LATE_AS_POSSIBLE
        if "priority" in attributes:
            number = search_attributes.priority_number(planned.priority)
            self._context.calls.priority = replace(workflow.info().priority, priority_key=number + 1)
        if found_by := search_attributes.of_amendment(planned):
            workflow.upsert_search_attributes(found_by)

    async def _refuse(self, revision: Revision, error: RefusedError) -> None:
        refused = {"state": RevisionState.REFUSED, "refusals": error.refusals, "decided_at": workflow.now()}
        await self._context.calls.local(
            AmendmentActivities.refuse_amendment, revision.model_copy(update=refused), "refuse the amendment"
        )

    async def _apply(self, revision: Revision, version: int) -> None:
        tracker = self._tracker
        request = ApplyAmendment(revision=revision, version=version, state=tracker.state, items=dict(tracker.items))
        await self._context.calls.local(
            AmendmentActivities.apply_amendment, request, f"apply revision {revision.number}"
        )

    async def _load_items(self) -> None:
        names = await self._context.calls.local(
            RecordActivities.item_names, self._context.order_id, "load the amended items"
        )
        self._tracker.amended(names)


async def planned_on(context: OrderContext, command: Amend, base: int | None) -> PlannedAmendment:
    """Plan an amendment of the plan of a revision; of an order that has none yet, check it only.

    Raises:
        RefusedError: when it is not possible, or cannot be planned now.
    """
    request = PlanAmendment(order_id=context.order_id, revision=command.revision, base_revision=base)
    summary = f"plan revision {command.revision}"
    try:
        planned = await context.calls.ask(AmendmentActivities.plan_amendment, request, summary, policies.AMENDMENT)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        failure = explain(error, summary)
        message = f"the amendment cannot be planned now: {failure.message}"
        raise RefusedError(message, kind=REFUSED_FOR_NOW if failure.code in _PASSING else REFUSED) from error
    if planned.violations:
        raise RefusedError(f"the new version is not possible: {planned.violations[0]}", planned.violations)
    return planned
