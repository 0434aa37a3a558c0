"""A registered listener: it is told of events in their order, however long it takes, until it is taken off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.events import (
    Delivered,
    EventActivities,
    Noted,
    Redelivery,
    ReplayFrom,
    Round,
    SubscriptionActivities,
    needed_after,
)
from application.event_delivery import Stuck
from orders.events.subscription import SubscriptionState
from tmf.instants import timestamp
from workflows.contracts import policies
from workflows.contracts.refusals import RefusedError
from workflows.contracts.subscriptions import Redeliver, Replay, Skip, SubscriptionInput, SubscriptionView
from workflows.runtime.waiting import wait_until

MOST_STUCK = 500
"""Order trees that may wait for another try; with so many, nothing further is looked at before that."""

_GIVEN_UP_SHOWN = 20
_PAUSE = "Deliver nothing until `resume`; what comes meanwhile is kept."
_RESUME = "Go on after `pause`, or try at once after a failure."
_REPLAY = 'Deliver everything again from a time on: {"from": "2026-11-25T00:00:00Z"}.'
_SKIP = 'Leave out what waits, up to a position: {"to": 4711}.'
_REDELIVER = 'Deliver one event again, at once: {"eventId": "6c1f0a52-…"}. Refused where the listener does not take it.'
_STOP = "Take the listener off: deliver nothing any more, and end."


@workflow.defn(name="EventSubscription")
class EventSubscriptionWorkflow:
    """Delivers events to one listener, until it is stopped."""

    @workflow.init
    def __init__(self, listener: SubscriptionInput) -> None:
        self.listener = listener
        self.policy = listener.policy
        self.state = listener.state
        self.position = listener.position
        self.stuck = listener.stuck
        self.failures = listener.failures
        self.delivered = listener.delivered
        self.given_up = listener.given_up
        self.last_given_up = listener.last_given_up
        self.backlog = 0
        self.error = listener.error
        self.next_try = listener.next_try
        self.replay_from = listener.replay_from
        self.skip_to = listener.skip_to
        self._round: workflow.ActivityHandle[Delivered] | None = None
        self._interrupted = False

    @workflow.run
    async def run(self, listener: SubscriptionInput) -> None:
        try:
            await self._told_until_stopped()
        except (asyncio.CancelledError, ActivityError) as error:
            if not is_cancelled_exception(error):
                raise
            self.state = SubscriptionState.ENDED
            await asyncio.shield(asyncio.create_task(self._noted()))
            raise
        await self._noted()
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _told_until_stopped(self) -> None:
        while self.state != SubscriptionState.ENDED:
            self._show()
            if self.skip_to is not None:
                await self._go_forward()
            elif self.replay_from is not None:
                await self._go_back()
            elif self.state == SubscriptionState.PAUSED:
                await self._until_resumed()
            elif self.next_try and self.next_try > workflow.now() and len(self.stuck) >= MOST_STUCK:
                await self._until_next_try(self.next_try)
            else:
                await self._deliver()
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(self._carried_over())
        self._show()

    @workflow.query(description="How far the delivery is: its backlog, its last error, and when it is tried again.")
    def subscription(self) -> SubscriptionView:
        return SubscriptionView(
            id=self.listener.subscription_id,
            callback=self.listener.callback,
            state=self.state,
            position=self.position,
            backlog=self.backlog,
            stuck=len(self.stuck),
            delivered=self.delivered,
            given_up=self.given_up,
            last_given_up=self.last_given_up,
            error=self.error,
            next_try=self.next_try,
        )

    @workflow.signal(name="pause", description=_PAUSE)
    def pause_signal(self) -> None:
        self._apply(self._pause)

    @workflow.update(name="pause", description=_PAUSE)
    def pause_update(self) -> None:
        self._pause()

    @workflow.signal(name="resume", description=_RESUME)
    def resume_signal(self) -> None:
        self._apply(self._resume)

    @workflow.update(name="resume", description=_RESUME)
    def resume_update(self) -> None:
        self._resume()

    @workflow.signal(name="replay", description=_REPLAY)
    def replay_signal(self, command: Replay) -> None:
        self._apply(partial(self._replay, command))

    @workflow.update(name="replay", description=_REPLAY)
    def replay_update(self, command: Replay) -> None:
        self._replay(command)

    @workflow.signal(name="skip", description=_SKIP)
    def skip_signal(self, command: Skip) -> None:
        self._apply(partial(self._skip, command))

    @workflow.update(name="skip", description=_SKIP)
    def skip_update(self, command: Skip) -> None:
        self._skip(command)

    @workflow.signal(name="redeliver", description=_REDELIVER)
    async def redeliver_signal(self, command: Redeliver) -> None:
        with suppress(RefusedError, ActivityError):
            await self._redeliver(command)

    @workflow.update(name="redeliver", description=_REDELIVER)
    async def redeliver_update(self, command: Redeliver) -> None:
        await self._redeliver(command)

    @workflow.signal(name="stop", description=_STOP)
    def stop_signal(self) -> None:
        self._stop()

    @workflow.update(name="stop", description=_STOP)
    def stop_update(self) -> None:
        self._stop()

    def _apply(self, command: Callable[[], None]) -> None:
        """Apply a signal; what is refused is passed over, since nobody waits for the answer."""
        with suppress(RefusedError):
            command()

    def _pause(self) -> None:
        self._admit()
        self.state = SubscriptionState.PAUSED
        self._interrupt()

    def _resume(self) -> None:
        self._admit()
        self.state = SubscriptionState.ACTIVE
        self.next_try = None
        # Time in which nothing was tried does not count towards giving up.
        self.stuck = [each.model_copy(update={"since": workflow.now()}) for each in self.stuck]
        self._interrupt()

    def _replay(self, command: Replay) -> None:
        self._admit()
        self.replay_from = command.at
        self._interrupt()

    def _skip(self, command: Skip) -> None:
        self._admit()
        # What was asked for last counts: a replay from before would tell what is to be left out.
        self.skip_to, self.replay_from = command.to, None
        self._interrupt()

    async def _redeliver(self, command: Redeliver) -> None:
        """Deliver one event beside all others: it is not behind what waits, and changes nothing of it."""
        self._admit()
        refused = await workflow.execute_activity_method(
            EventActivities.redeliver,
            Redelivery(subscription_id=self.listener.subscription_id, event_id=command.event_id),
            task_queue=policies.task_queue(workflow.info().task_queue, policies.EVENTS),
            summary=f"redeliver {command.event_id}"[:200],
            **policies.REDELIVERY,
        )
        if refused:
            raise RefusedError(refused)

    def _stop(self) -> None:
        self.state = SubscriptionState.ENDED
        self._interrupt()

    def _admit(self) -> None:
        if self.state == SubscriptionState.ENDED:
            raise RefusedError(f"listener {self.listener.subscription_id} was taken off")

    def _interrupt(self) -> None:
        """End the round that runs, which says what it has delivered so far."""
        self._interrupted = True
        if self._round is not None:
            self._round.cancel()

    def _is_told_to_move(self) -> bool:
        return self.replay_from is not None or self.skip_to is not None

    async def _deliver(self) -> None:
        """Run one round, and take in what came of it."""
        now = workflow.now()
        retry = self.next_try is None or self.next_try <= now
        patience = self.policy.idle if retry or self.next_try is None else min(self.policy.idle, self.next_try - now)
        request = Round(
            subscription_id=self.listener.subscription_id,
            position=self.position,
            stuck=self.stuck,
            retry=retry,
            look_further=len(self.stuck) < MOST_STUCK,
            patience=patience,
            give_up_after=self.policy.give_up_after,
            given_up=self.given_up,
        )
        self._interrupted = False
        self._round = workflow.start_activity_method(
            EventActivities.deliver,
            request,
            task_queue=policies.task_queue(workflow.info().task_queue, policies.EVENTS),
            summary=f"deliver after {self.position}"[:200],
            **policies.delivery(patience),
        )
        try:
            done: Delivered = await self._round
        except (ActivityError, asyncio.CancelledError) as error:
            if _is_being_cancelled():
                raise
            # Nothing is known of this round: the next one begins where it did.
            if not self._interrupted:
                await self._put_off(str(error.__cause__ or error))
            return
        finally:
            self._round = None
        if _is_being_cancelled():
            # The activity has obeyed the cancel by ending well, which must not hide it.
            raise asyncio.CancelledError
        self._take_in(done, retried=retry)

    def _take_in(self, done: Delivered, *, retried: bool) -> None:
        if done.state == SubscriptionState.ENDED:
            self.state = SubscriptionState.ENDED
            return
        self.position, self.backlog, self.stuck = done.position, done.backlog, self._resumed(done.stuck)
        self.delivered += done.delivered
        self.given_up += len(done.given_up)
        self.last_given_up = [*self.last_given_up, *done.given_up][-_GIVEN_UP_SHOWN:]
        if done.state == SubscriptionState.PAUSED:
            # What was said to us since counts more than what the row said then.
            if not self._interrupted:
                self.state = SubscriptionState.PAUSED
        elif done.gone and self.state == SubscriptionState.ACTIVE and not self._interrupted:
            self.state, self.error = SubscriptionState.PAUSED, done.error
        elif done.error is not None and not self._interrupted:
            self._try_later(done.error, retried=retried)
        elif done.error is None and retried:
            self.error, self.next_try, self.failures = None, None, 0

    def _resumed(self, stuck: list[Stuck]) -> list[Stuck]:
        """Return what is stuck, with the times to count from that `resume` set while the round ran."""
        since = {each.root_id: each.since for each in self.stuck}
        return [
            each.model_copy(update={"since": max(each.since, since.get(each.root_id, each.since))}) for each in stuck
        ]

    def _try_later(self, error: str, *, retried: bool) -> None:
        """Put the next try off, each time for twice as long as before."""
        self.error = error
        self.failures += retried
        if retried or self.next_try is None:
            pause: timedelta = self.policy.first_pause * 2 ** min(max(self.failures - 1, 0), 30)
            self.next_try = workflow.now() + min(pause, self.policy.longest_pause)

    async def _put_off(self, error: str) -> None:
        """Do nothing until the next try: a round could not be run at all."""
        self._try_later(error, retried=True)
        assert self.next_try is not None
        self._show()
        await self._until_next_try(self.next_try)

    async def _until_resumed(self) -> None:
        await self._noted()
        await workflow.wait_condition(
            lambda: self.state != SubscriptionState.PAUSED or self._is_told_to_move(),
        )
        await self._noted()

    async def _until_next_try(self, at: datetime) -> None:
        await wait_until(
            lambda: self.next_try != at or self.state != SubscriptionState.ACTIVE or self._is_told_to_move(),
            at - workflow.now(),
            f"next try: {self.error}",
        )

    async def _go_forward(self) -> None:
        """Leave out what waits up to a position."""
        assert self.skip_to is not None
        to, self.skip_to = self.skip_to, None
        self.position = to
        self.stuck = [each for each in self.stuck if each.after >= to]
        self.next_try = None
        await self._noted(moved=True)

    async def _go_back(self) -> None:
        """Begin again at a time; what failed since is delivered on the way."""
        assert self.replay_from is not None
        at, self.replay_from = self.replay_from, None
        position: int = await workflow.execute_local_activity_method(
            SubscriptionActivities.position_before,
            ReplayFrom(at=at),
            summary=f"replay from {timestamp(at)}",
            **policies.LOCAL,
        )
        # A tree that is stuck further on is told again from there, like all others.
        self.position = min(position, self.position)
        self.stuck = [each for each in self.stuck if each.after < self.position]
        self.next_try = None
        await self._noted(moved=True)

    async def _noted(self, *, moved: bool = False) -> None:
        noted = Noted(
            subscription_id=self.listener.subscription_id,
            state=self.state,
            position=needed_after(self.position, self.stuck) if moved else None,
            error=self.error,
        )
        await workflow.execute_local_activity_method(
            SubscriptionActivities.note_subscription, noted, summary=f"note: {self.state}", **policies.LOCAL
        )

    def _carried_over(self) -> SubscriptionInput:
        return self.listener.model_copy(
            update={
                "position": self.position,
                "state": self.state,
                "stuck": self.stuck,
                "failures": self.failures,
                "delivered": self.delivered,
                "given_up": self.given_up,
                "last_given_up": self.last_given_up,
                "error": self.error,
                "next_try": self.next_try,
                "replay_from": self.replay_from,
                "skip_to": self.skip_to,
            }
        )

    def _show(self) -> None:
        """Show in the Web UI how far the delivery is."""
        lines = [f"**{self.state}**, {self.backlog} waiting, {self.delivered} delivered, at {self.position}", ""]
        if self.error:
            lines.append(f"> {self.error}")
        if self.next_try:
            lines.append(f"> next try at {timestamp(self.next_try)}, after {self.failures} failures")
        if self.given_up:
            lines.append(f"- given up: {self.given_up}, the last ones:")
            lines += [f"  - {each.event_type} of {each.order_id}, {timestamp(each.at)}" for each in self.last_given_up]
        lines.append(
            f"- listener: {self.listener.callback}" + (f"?{self.listener.query}" if self.listener.query else "")
        )
        workflow.set_current_details("\n".join(lines))


def _is_being_cancelled() -> bool:
    """Return whether the workflow itself is cancelled, rather than a round of it by us."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
