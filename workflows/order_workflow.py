"""The base of every order's workflow: the messages that it takes, each handed to the part that it concerns.

What people send is there as a signal, for a terminal or the Web UI, and as an update, which is answered. A message that
the order's state does not allow is refused, and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from orders.lifecycle.admission import Message
from orders.model.revision import Revision
from workflows.contracts import policies
from workflows.contracts.payloads import (
    Amend,
    Cancel,
    ChildReport,
    Complete,
    Hold,
    OrderView,
    PlanView,
    PointOfNoReturn,
    ProgressView,
    Reschedule,
    Resolve,
    Resume,
    SystemEvent,
    TimelineEntry,
)
from workflows.contracts.refusals import RefusedError
from workflows.parts.assembly import OrderParts
from workflows.parts.structure import Structure
from workflows.posted.posted_order import PostedOrderParts

_CANCEL = "Cancel the order: it is undone, unless an item cannot be any more."
_HOLD = "Start nothing new below the order, or one item of it, until `resume`."
_RESUME = "Go on with the order, or with one item of it, after `hold`."
_RESOLVE = "Settle a fallout task: retry, complete (with values), fail, rollback."
_COMPLETE = "Say that a manual task is done, with the values that it gave."
_RESCHEDULE = "Plan a manual task for another date."
_AMEND = "Change the order to a revision that is proposed in the order store."


class OrderWorkflow:
    """Takes the messages of one order's workflow."""

    def __init__(self, parts: OrderParts[Structure]) -> None:
        self._parts = parts
        self._in_order = asyncio.Lock()
        self._posted = parts if isinstance(parts, PostedOrderParts) else None

    # --- what people tell it ---

    @workflow.signal(name="cancel", description=_CANCEL)
    async def cancel_signal(self, command: Cancel | None = None) -> None:
        await self._or_note("cancel", lambda: self._parts.cancellation.request(command or Cancel()))

    @workflow.update(name="cancel", description=_CANCEL)
    async def cancel_update(self, command: Cancel | None = None) -> None:
        await self._answered(lambda: self._parts.cancellation.request(command or Cancel()))

    @workflow.signal(name="hold", description=_HOLD)
    async def hold_signal(self, command: Hold | None = None) -> None:
        await self._or_note("hold", lambda: self._parts.holds.hold(command or Hold()))

    @workflow.update(name="hold", description=_HOLD)
    async def hold_update(self, command: Hold | None = None) -> None:
        await self._answered(lambda: self._parts.holds.hold(command or Hold()))

    @workflow.signal(name="resume", description=_RESUME)
    async def resume_signal(self, command: Resume | None = None) -> None:
        await self._or_note("resume", lambda: self._parts.holds.resume(command or Resume()))

    @workflow.update(name="resume", description=_RESUME)
    async def resume_update(self, command: Resume | None = None) -> None:
        await self._answered(lambda: self._parts.holds.resume(command or Resume()))

    @workflow.signal(name="resolve", description=_RESOLVE)
    async def resolve_signal(self, command: Resolve) -> None:
        await self._or_note("resolve", lambda: self._parts.settlement.settle(command, Message.RESOLVE))

    @workflow.update(name="resolve", description=_RESOLVE)
    async def resolve_update(self, command: Resolve) -> None:
        await self._answered(lambda: self._parts.settlement.settle(command, Message.RESOLVE))

    @workflow.signal(name="complete", description=_COMPLETE)
    async def complete_signal(self, command: Complete) -> None:
        await self._or_note("complete", lambda: self._parts.settlement.settle(command, Message.COMPLETE))

    @workflow.update(name="complete", description=_COMPLETE)
    async def complete_update(self, command: Complete) -> None:
        await self._answered(lambda: self._parts.settlement.settle(command, Message.COMPLETE))

    @workflow.signal(name="reschedule", description=_RESCHEDULE)
    async def reschedule_signal(self, command: Reschedule) -> None:
        await self._or_note("reschedule", lambda: self._parts.settlement.settle(command, Message.RESCHEDULE))

    @workflow.update(name="reschedule", description=_RESCHEDULE)
    async def reschedule_update(self, command: Reschedule) -> None:
        await self._answered(lambda: self._parts.settlement.settle(command, Message.RESCHEDULE))

    @workflow.signal(name="amend", description=_AMEND)
    async def amend_signal(self, command: Amend) -> None:
        try:
            await self._amend(command)
        except ApplicationError as error:
            self._note_refusal("amend", error)

    @workflow.update(name="amend", description=_AMEND)
    async def amend_update(self, command: Amend) -> Revision:
        return await self._amend(command)

    # --- what other workflows and systems tell it ---

    @workflow.signal(name="report", description="What a child waits for. The child sends it.")
    def report(self, report: ChildReport) -> None:
        self._parts.children.report(report)

    @workflow.signal(name="adopted", description="A new run of the order above goes on with this one. It sends that.")
    def adopted(self) -> None:
        self._parts.context.adoptions += 1

    @workflow.signal(name="child_ends", description="A child that was adopted is about to end. The child sends it.")
    def child_ends(self, workflow_id: str) -> None:
        self._parts.children.ends(workflow_id)

    @workflow.signal(
        name="ask_point_of_no_return", description="A child asks whether it may pass a point of no return."
    )
    async def ask_point_of_no_return(self, message: PointOfNoReturn) -> None:
        await self._parts.points_of_no_return.asked(message)

    @workflow.signal(
        name="grant_point_of_no_return", description="The order above lets a point of no return be passed."
    )
    def grant_point_of_no_return(self, message: PointOfNoReturn) -> None:
        self._parts.points_of_no_return.granted(message)

    @workflow.signal(name="your_turn", description="An order that goes before this one has ended. That order sends it.")
    def your_turn(self) -> None:
        if self._posted is not None:
            self._posted.acceptance.your_turn()

    @workflow.signal(
        name="system_event", description="A system says how what it was asked to do has ended. The gateway sends it."
    )
    def system_event(self, event: SystemEvent) -> None:
        self._parts.activations.called_back(event)

    # --- what people ask it ---

    @workflow.query(
        name="order", description="The order as it stands: its state, its items' states, and what it waits for."
    )
    def order_query(self) -> OrderView:
        parts = self._parts
        shown = {
            "revision": parts.context.revision,
            "held": parts.holds.named(),
            "tasks": list(parts.standing.tasks()),
            "version": parts.context.tracker.version,
        }
        return parts.context.tracker.view().model_copy(update=shown)

    @workflow.query(name="timeline", description="What happened to the order so far, and when.")
    def timeline_query(self) -> list[TimelineEntry]:
        return self._parts.context.tracker.timeline()

    @workflow.query(
        name="plan", description="A posted order's plan: each node with what it waits for, and how far it is."
    )
    def plan_query(self) -> list[PlanView]:
        plan = self._posted.plan if self._posted else None
        return [PlanView(node=node, state=plan.state_of(node.key).value) for node in plan.graph.nodes] if plan else []

    @workflow.query(
        name="progress",
        description="How far each node of a posted order's plan is, and which are past their point of no return.",
    )
    def progress_query(self) -> ProgressView:
        nodes = self._posted.plan.progress(self._parts.points_of_no_return.passed) if self._posted else {}
        return ProgressView(revision=self._parts.context.revision, nodes=nodes)

    async def _amend(self, command: Amend) -> Revision:
        if self._posted is None:
            order_id = self._parts.context.order_id
            raise RefusedError(f"order {order_id} is amended with the order above it: amend that one")
        self._parts.context.calls.events += policies.EVENTS_OF_MESSAGE
        return await self._posted.amendments.amend(command)

    async def _answered(self, act: Callable[[], None]) -> None:
        """Do as an update says, once it cannot be forgotten any more."""
        await self._caught_up(act, self._parts.context.calls.in_history)

    async def _caught_up(self, act: Callable[[], None], first: Callable[[], Awaitable[None]] | None = None) -> None:
        """Do as a message says, once all local calls are known that were begun; messages keep their order."""
        self._parts.context.calls.events += policies.EVENTS_OF_MESSAGE
        async with self._in_order:
            if first is not None:
                await first()
            await self._parts.context.calls.caught_up()
            act()

    async def _or_note(self, message: str, act: Callable[[], None]) -> None:
        """Do as a signal says; note a refusal, since nobody waits for the answer."""
        try:
            await self._caught_up(act)
        except ApplicationError as error:
            self._note_refusal(message, error)

    def _note_refusal(self, message: str, error: ApplicationError) -> None:
        self._parts.context.tracker.note(f"{message} refused: {error.message}")
