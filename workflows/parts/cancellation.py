"""The cancellation of an order: asked for by a person or by Temporal, assessed, and settled with who asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.cancellations import CancellationActivities, SettleCancellation
from orders.lifecycle.admission import Message
from orders.lifecycle.states import ITEM_LISTS
from orders.model.revision import Refusal
from orders.plan.outcome import Failure
from tmf.instants import timestamp
from workflows.contracts.carried import CarriedCancellation
from workflows.contracts.payloads import Cancel
from workflows.contracts.refusals import RefusedError, in_words, said
from workflows.runtime.context import OrderContext
from workflows.runtime.waiting import wait_until


class Cancellation:
    """Who has asked for an order to be cancelled, and what becomes of that."""

    def __init__(self, context: OrderContext, refusals: Callable[[], list[Refusal]]) -> None:
        self.command = Cancel()
        """The message that was accepted."""
        self.by_temporal = False
        """Whether the workflow itself was cancelled: by an operator at the top, or by its parent."""
        self.later: list[Cancel] = []
        """Those that are asked for at a later date."""
        self._interrupted = False
        """Whether a new run of the order goes on from here."""
        self._context = context
        self._refusals = refusals
        self._resources: list[str] = []
        """The TMF cancellation resources that wait for the end of the cancellation."""
        self._process: asyncio.Task[Any] | None = None

    def watch(self, process: asyncio.Task[Any] | None) -> None:
        """Cancel this task when a cancellation is accepted, or was already."""
        self._process = process
        self._stop(when=self._context.being_cancelled)

    def request(self, command: Cancel) -> None:
        """Cancel the order, at once or at the date that the message names.

        Raises:
            RefusedError: when that is too late; the order is as it was before.
        """
        try:
            self._context.admit(Message.CANCEL)
            if command.at and command.at > workflow.now():
                self.at_its_date(command)
            else:
                self._assess(command)
        except RefusedError as error:
            if command.task:
                self._settle(command.task, "terminatedWithError", errorMessage=self._denial(error))
            raise

    def request_or_note(self, command: Cancel) -> None:
        """Cancel the order where that is possible; note a refusal, since nobody waits for the answer."""
        try:
            self.request(command)
        except ApplicationError as error:
            self._context.tracker.note(f"cancel refused: {error.message}")

    def at_its_date(self, command: Cancel) -> None:
        """Cancel at the date that the message names; a message that comes again is the same."""
        if command not in self.later:
            self.later.append(command)
            self._context.background.start(self._at_its_date(command))

    async def requested_by_temporal(self, *, assessed: bool) -> None:
        """Take note that the workflow was cancelled: by an operator, which is assessed, or else by its parent."""
        await self._context.calls.caught_up()
        self.by_temporal = True
        if self._context.stopping:
            return
        if assessed:
            self.request_or_note(Cancel(reason="its workflow was cancelled"))
        else:
            self._context.being_cancelled = True
            self._stop()

    def carried(self) -> CarriedCancellation:
        """Return what the next run is to know of the cancellation."""
        accepted = self.command if self._context.being_cancelled else None
        return CarriedCancellation(accepted=accepted, resources=self._resources, later=self.later)

    def go_on_from(self, carried: CarriedCancellation) -> None:
        """Go on where an earlier run has come to."""
        self._resources = list(carried.resources)
        if carried.accepted is not None:
            self._context.being_cancelled, self.command = True, carried.accepted
        for command in carried.later:
            self.at_its_date(command)

    def interrupt(self) -> None:
        """Wait for no date any more, since the next run of the order does."""
        self._interrupted = True

    def go_on(self) -> None:
        """Wait for the dates again, since there is no next run after all."""
        self._interrupted = False
        for command in self.later:
            self._context.background.start(self._at_its_date(command))

    def done(self) -> None:
        """Settle all that have asked for the cancellation."""
        later = [command.task for command in self.later if command.task]
        self.later.clear()
        for resource in dict.fromkeys([*self._resources, *later]):
            self._settle(resource, "done", effectiveCancellationDate=timestamp(workflow.now()))
        self._resources = []

    def by_a_person(self) -> Failure:
        """Return that a person has cancelled the order, and why."""
        because = f": {self.command.reason}" if self.command.reason else ""
        return Failure(code="cancelled", message=f"order {self._context.order_id} was cancelled{because}")

    def _assess(self, command: Cancel) -> None:
        context = self._context
        if not context.being_cancelled and (refusals := self._refusals()):
            context.tracker.denies_cancellation()
            raise RefusedError(f"too late to cancel: {in_words(refusals)}", refusals)
        if command.task and command.task not in self._resources:
            self._resources.append(command.task)
            self._settle(command.task, "inProgress")
        if context.being_cancelled:
            return
        context.being_cancelled, self.command = True, command
        context.tracker.note(said("cancel", command))
        self._stop()

    def _stop(self, *, when: bool = True) -> None:
        if when and self._process is not None:
            self._process.cancel()

    async def _at_its_date(self, command: Cancel) -> None:
        assert command.at is not None
        tracker = self._context.tracker
        tracker.note(f"cancel at {timestamp(command.at)}")
        over = command.at - workflow.now()
        await wait_until(lambda: tracker.ended or self._interrupted, over, "requested cancellation")
        if self._interrupted:
            return
        await self._context.calls.caught_up()
        if command in self.later:
            self.later.remove(command)
            self.request_or_note(command)

    def _denial(self, error: RefusedError) -> dict[str, Any]:
        """Return why a cancellation is denied, as TM Forum's error messages have it, and for which items."""
        about = dict.fromkeys(each.item_id for each in error.refusals if each.item_id)
        items = {ITEM_LISTS[self._context.kind]: [{"id": item} for item in about]} if about else {}
        return {"code": "refused", "reason": error.message, **items}

    def _settle(self, resource: str, state: str, **attributes: Any) -> None:
        """Bring a TMF cancellation resource to a state."""
        settled = SettleCancellation(kind=self._context.kind, task=resource, state=state, attributes=attributes)
        self._context.background.start(
            self._context.calls.local(CancellationActivities.settle_cancellation, settled, f"cancellation {state}")
        )
