"""The ending of a posted order: rejected, completed, partial, failed or cancelled; those that waited go on then."""

from __future__ import annotations

import asyncio

from temporalio import workflow

from activities.records import RecordActivities
from orders.lifecycle.rollup import order_state
from orders.lifecycle.states import OrderState
from orders.model.violation import Violation
from orders.plan.outcome import Failure, RootOrderOutcome
from orders.plan.reasons import residue_document
from tmf.instants import timestamp
from workflows.contracts import ids
from workflows.failures import RESIDUE, left_behind, order_failed
from workflows.parts.assembly import OrderParts
from workflows.posted.next_run import NextRun
from workflows.posted.plan import OrderPlan


class Ending:
    """The last states of a posted order, and what is told at its end."""

    def __init__(self, parts: OrderParts[OrderPlan], amending: asyncio.Lock, next_run: NextRun) -> None:
        """Make it; while `amending` is taken, the planning of an amendment acquires more locks."""
        self._parts = parts
        self._context = parts.context
        self._tracker = parts.context.tracker
        self._saga = parts.saga
        self._plan = parts.structure
        self._amending = amending
        self._next_run = next_run

    def outcome(self) -> RootOrderOutcome:
        """Return how the order ended."""
        return RootOrderOutcome(state=self._tracker.state, items=self._tracker.items, residue=self._saga.residue)

    def reject(self, violations: list[Violation]) -> None:
        """Reject the order, with every reason."""
        failures = failures_of(violations)
        for failure in failures:
            self._tracker.remark(failure)
        for item in self._tracker.items:
            self._tracker.item_to(item, OrderState.REJECTED)
        self._tracker.to(OrderState.REJECTED, **self._parts.reasons.document(failures))

    async def fail(self, failures: list[Failure]) -> RootOrderOutcome:
        """Bring an order to its end of which nothing has begun.

        Raises:
            ApplicationError: always.
        """
        await self._load_items()
        self._tracker.to(OrderState.IN_PROGRESS)
        for item in self._tracker.items:
            self._tracker.item_to(item, OrderState.FAILED)
        return await self.conclude(failures)

    async def conclude(self, failures: list[Failure] | None = None) -> RootOrderOutcome:
        """Bring the order to the state that its items make, and end it; `failures` are those of its nodes, if None.

        Raises:
            ApplicationError: when the order failed.
        """
        self._plan.roll_up()
        failures = self._parts.reasons.of_nodes() if failures is None else failures
        residue = self._saga.residue
        for failure in failures:
            self._tracker.remark(failure)
        self._tracker.to(
            order_state(self._tracker.items.values()),
            completionDate=timestamp(workflow.now()),
            **self._parts.reasons.document(failures),
            **residue_document(residue),
        )
        outcome = await self.end()
        if self._tracker.state == OrderState.FAILED:
            raise order_failed(failures[0].model_copy(update={"residue": residue}))
        return outcome

    async def cancelled(self) -> None:
        """Undo all that was done, and end cancelled.

        Raises:
            ApplicationError: when the undo has left something behind.
        """
        await self._load_items()
        if self._tracker.state != OrderState.PENDING_CANCELLATION:
            self._tracker.cancel_begins()
        await self._next_run.through(self._saga.undone())
        cancellation, residue = self._parts.cancellation, self._saga.residue
        reason = {"cancellationReason": cancellation.command.reason} if cancellation.command.reason else {}
        self._tracker.cancel_ends(
            cancellationDate=timestamp(workflow.now()),
            **reason,
            **self._parts.reasons.document(self._parts.reasons.of_nodes()),
            **residue_document(residue),
        )
        cancellation.done()
        await self.end()
        if residue:
            raise order_failed(Failure(code=RESIDUE, message=f"cancelled. {left_behind(residue)}", residue=residue))

    async def _load_items(self) -> None:
        """Load what the order consists of, where planning has not said it."""
        if not self._tracker.items:
            names = await self._context.calls.local(
                RecordActivities.item_names, self._context.order_id, "load the items"
            )
            self._tracker.follow(names)

    async def end(self) -> RootOrderOutcome:
        """Let those go on that wait for this order, with all of it kept."""
        await self._parts.tasks.withdraw_carried()
        async with self._amending:
            waiting = await self._context.calls.end(await self._tracker.last_changes())
        for order_id in waiting:
            other = workflow.get_external_workflow_handle(ids.root_workflow(order_id))
            self._context.background.start(other.signal("your_turn"))
        return self.outcome()


def failures_of(violations: list[Violation]) -> list[Failure]:
    """Return rules that an order breaks as reasons of its failure."""
    return [Failure(code=each.code, message=str(each), step=each.item_id) for each in violations]
