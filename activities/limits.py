"""Local calls: whether the workflows' worker may call a system itself, as a local activity.

A local activity is the quick way, and the hidden one: no queue, no attempts in the Web UI, nothing to pause. It is
refused, with `NotLocal` and without any call, whenever that would matter: an operator limits the system's queue, the
system fails or is slow, too many local calls run. The workflow then takes the system's queue.

What is let through and has an effect is noted first: the call is lost with a workflow task that is, its effect is not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.allowance import Allowance, allowance_of, no_end_known, tries_so_far, verdict
from activities.turns import Turns
from application.http import DownstreamError
from store.errors import StoreUnavailableError

NOT_LOCAL: Final = "NotLocal"
"""The type of the error by which a local call is refused. A workflow gets it as an `ApplicationError`, not wrapped."""


class Refusal(StrEnum):
    """Why local calls of a system are refused."""

    OFF = "off"
    RATE_LIMIT = "rate limit"
    FAILING = "failing"
    SLOW = "slow"
    AWAY = "away"
    BUSY = "busy"
    NOT_NOTED = "not noted"


_REASONS: Final = {
    Refusal.OFF: "they are switched off, or this worker does not serve its queue",
    Refusal.RATE_LIMIT: "its queue has a rate limit",
    Refusal.FAILING: "it failed a moment ago",
    Refusal.SLOW: "it is slow",
    Refusal.AWAY: "it is away, or paused by operators",
    Refusal.BUSY: "as many as may run at once do",
    Refusal.NOT_NOTED: "the order store cannot note what is begun",
}


Note = Callable[[str, str], Awaitable[None]]
"""Notes that a workflow, by its id, is about to have an effect, by its key; raises StoreUnavailableError."""

_AVERAGED: Final = 8
"""How many calls the average time of a call looks back on, about: a single slow one among them is no slow system."""


@dataclass(frozen=True, slots=True)
class LocalLimits:
    """How much of a system's calls may be local."""

    at_once: int = 100
    """Local calls that run at a time, in one process: as many as a worker of the queue runs."""
    slow: timedelta = timedelta(seconds=2)
    """A system whose calls take longer on average is slow: a workflow task is held up as long.

    A busy machine alone must not come to it, since calls through the queue would make it busier still.
    """
    slow_pause: timedelta = timedelta(seconds=5)
    """How long local calls are refused once a system is slow."""
    failure_pause: timedelta = timedelta(seconds=15)
    """How long they are refused after a failure that is worth another try."""
    rate_limited: bool = False
    """Whether a setting limits the calls a second: only the queue counts those of all workers."""
    longest_pause: timedelta = timedelta(minutes=2)
    """What the pauses grow to, twice as long each time, while the system stays slow or goes on to fail."""


class LocalCalls:
    """The local calls of one system in this process: which are let through. Not for use by several threads."""

    def __init__(
        self,
        system: str,
        limits: LocalLimits | None = None,
        *,
        on: bool = True,
        away: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Let calls through where they are `on`, unless the system is `away`."""
        self.system = system
        self.on = on
        self.rate_limited: bool | None = False
        """Whether an operator has limited the rate of the system's queue; None where it is not known yet."""
        self._limits, self._clock, self._away = limits or LocalLimits(), clock, away
        self._running = 0
        self._trouble: Refusal | None = None
        self._average = self._pause = 0.0
        self._since = self._until = self._due = clock()
        """When the trouble was last seen, until when calls are refused for it, and when the pause for it is over."""

    def refusal(self) -> Refusal | None:
        """Return why a local call is refused now, None where it is let through."""
        if not self.on:
            return Refusal.OFF
        if self._limits.rate_limited or self.rate_limited is not False:
            return Refusal.RATE_LIMIT
        if self._away():
            return Refusal.AWAY
        if self._trouble and self._clock() < self._until:
            return self._trouble
        return Refusal.BUSY if self._running >= self._limits.at_once else None

    @contextmanager
    def call(self, *, local: bool) -> Iterator[None]:
        """Watch how a call goes: what it shows of the system, local or not, counts for the local calls to come."""
        started = self._clock()
        if local and self._trouble:
            # The first call after a pause tries for all: the others wait for what comes of it.
            self._until = started + self._pause
        self._running += local
        try:
            yield
        except DownstreamError as error:
            if error.category == ApplicationErrorCategory.BENIGN:
                pass  # The system is known to be away: nothing is local until it is back.
            elif error.retryable or not error.said:
                self._refuse(Refusal.FAILING, started, self._limits.failure_pause, error.next_retry_delay)
            else:
                self._answered(started)
            raise
        except ApplicationError:
            self._answered(started)
            raise
        except asyncio.CancelledError:
            if _timed_out():
                self._refuse(Refusal.FAILING, started, self._limits.failure_pause)
            raise
        else:
            self._answered(started)
        finally:
            self._running -= local

    def _answered(self, started: float) -> None:
        now = self._clock()
        took = now - started
        self._average += (took - self._average) / _AVERAGED
        if (took if self._trouble else self._average) > self._limits.slow.total_seconds():
            self._refuse(Refusal.SLOW, started, self._limits.slow_pause)
        elif self._trouble and started >= self._since:
            # What began before the trouble did says nothing of its end.
            self._trouble, self._pause, self._average = None, 0.0, took
            self._due = self._until = now

    def _refuse(self, trouble: Refusal, started: float, first: timedelta, asked: timedelta | None = None) -> None:
        """Refuse local calls for a while, at least as long as the system has asked for.

        What was tried after a pause makes the next one twice as long; what was under way with others does not.
        """
        now = self._clock()
        longer = self._pause * 2 if started >= self._due else self._pause
        self._pause = min(max(longer, first.total_seconds()), self._limits.longest_pause.total_seconds())
        self._trouble, self._since = trouble, now
        self._due = self._until = max(self._due, now + max(self._pause, asked.total_seconds() if asked else 0.0))


def not_local(system: str, refusal: Refusal) -> ApplicationError:
    """Return the error by which a local call is refused."""
    return ApplicationError(
        f"{system} is not called locally: {_REASONS[refusal]}",
        type=NOT_LOCAL,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )


class LocalCallGuard(Interceptor):
    """Applies the limits of the systems to the activities that call them, by the activities' types.

    A local call whose request has a `key`, as that of each effect has, is noted before it is made.
    """

    def __init__(self, calls: Mapping[str, LocalCalls], note: Note) -> None:
        self._calls, self._note = calls, note
        self._turns = Turns()

    def intercept_activity(self, inner: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _GuardedActivity(inner, self._calls, self._note, self._turns)


class _GuardedActivity(ActivityInboundInterceptor):
    def __init__(
        self, inner: ActivityInboundInterceptor, calls: Mapping[str, LocalCalls], note: Note, turns: Turns
    ) -> None:
        super().__init__(inner)
        self._calls, self._note, self._turns = calls, note, turns

    async def execute_activity(self, request: ExecuteActivityInput) -> Any:
        info = activity.info()
        calls = self._calls.get(info.activity_type)
        if not (info.is_local and info.workflow_id):
            if info.workflow_id:
                self._turns.note(_tree_of(info.workflow_id))
            return await self._call(calls, "regular", request)
        async with self._turns.turn(_tree_of(info.workflow_id)):
            if calls and (refusal := await self._refusal(calls, info.workflow_id, request)):
                _count(calls.system, "refused", refusal)
                raise not_local(calls.system, refusal)
            return await self._call(calls, "local", request)

    async def _call(self, calls: LocalCalls | None, way: str, request: ExecuteActivityInput) -> Any:
        """Make a call; one that asks no system, `calls` being None, is watched by nobody."""
        if calls is None:
            return await super().execute_activity(request)
        _count(calls.system, way)
        with calls.call(local=way == "local"):
            allowance = None if way == "local" else allowance_of(request.headers)
            return await (self._within(allowance, calls.system, request) if allowance else self._do(request))

    async def _do(self, request: ExecuteActivityInput) -> Any:
        return await super().execute_activity(request)

    async def _within(self, allowance: Allowance, system: str, request: ExecuteActivityInput) -> Any:
        """Make an attempt of a call that has an allowance, and let it be the last one where that is used up."""
        info, tries = activity.info(), tries_so_far(activity.info(), allowance)
        begun = datetime.now(UTC)
        if tries.unheard:
            activity.heartbeat(tries.model_dump(mode="json"))
            if tries.used_up(allowance, info.scheduled_time, begun):
                raise no_end_known(system, tries, begun)
        try:
            return await self._do(request)
        except Exception as error:
            now = datetime.now(UTC)
            tries = tries.failed(info.attempt, error, now)
            activity.heartbeat(tries.model_dump(mode="json"))
            final = tries.used_up(allowance, info.scheduled_time, now)
            raise verdict(error, tries, final=final, now=now) from error.__cause__

    async def _refusal(self, calls: LocalCalls, workflow_id: str, request: ExecuteActivityInput) -> Refusal | None:
        """Return why a local call is refused, None where it is let through; its effect is noted by then."""
        refusal = calls.refusal()
        key: str | None = getattr(request.args[0], "key", None) if request.args else None
        if refusal or key is None:
            return refusal
        try:
            await self._note(workflow_id, key)
        except StoreUnavailableError:
            return Refusal.NOT_NOTED
        # Others may have called meanwhile.
        return calls.refusal()


def _count(system: str, way: str, refusal: str = "") -> None:
    meter = activity.metric_meter()
    counter = meter.create_counter("ordersaga_system_calls", "Calls of downstream systems, by their way")
    counter.add(1, {"system": system, "way": way, "refusal": refusal})


def _tree_of(workflow_id: str) -> str:
    """Return what the ids of a posted order's workflow and of all below it begin with, or another workflow's own id."""
    return ":".join(workflow_id.split(":", 2)[:2])


def _timed_out() -> bool:
    details = activity.cancellation_details() if activity.in_activity() else None
    return details is not None and details.timed_out
