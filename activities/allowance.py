"""What a step's call may take: so many attempts that its system answers, and so long a time without a word of it.

Temporal counts attempts blindly, so steps are retried without end, and the activity itself says when that is enough:
how many attempts were answered is kept in details of its heartbeats, which outlast an attempt and are in no history.
What is allowed comes in a header of the activity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import model_validator
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from application.http import DownstreamError, SystemAwayError
from tmf.model import Model
from tmf.words import reason_of

NOT_YET: Final = "NotYet"
"""The type of the error by which a call says that what it waits for has not come yet."""
_HEADER: Final = "ordersaga-allowance"


class Allowance(Model):
    """What the call of a step may take."""

    attempts: int | None = None
    """How many attempts that the system answers; any number, where it is None."""
    wait: timedelta | None = None
    """How long it may take in all, while the system is there."""
    outage: timedelta
    """How long the system may say nothing."""
    unclear: bool = False
    """Whether an attempt before, a local one, may have had an effect."""


class Tries(Model):
    """How often a call was tried so far."""

    attempt: int = 0
    """The number of the last attempt that is counted here."""
    made: int = 0
    """Attempts in which the system was asked."""
    said: int = 0
    """Attempts in which it said something."""
    heard_at: datetime | None = None
    """When it said something last; later by the pauses since."""
    silent_since: datetime | None = None
    """Since when it has said nothing; later by the pauses since."""
    paused_since: datetime | None = None
    """Since when operators have paused it: until that is over, no time of silence passes."""
    held: bool = False
    """Whether the last one was kept from going out while the system may be there: it is never the last."""
    silence: timedelta = timedelta()
    """How long it has said nothing before, or was paused."""
    unclear: bool = False
    """Whether one of them may have had an effect."""
    unheard: bool = False
    """Whether the last one had no end that anybody knows, as with a time-out."""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, kept: Any) -> Any:
        """Read what earlier releases have kept: a pause was a silence with a mark."""
        if isinstance(kept, dict) and kept.get("paused"):
            return {**kept, "held": True, "pausedSince": kept.get("silentSince"), "silentSince": None}
        return kept

    def begun(self, attempt: int, first_at: datetime, scheduled_at: datetime) -> Tries:
        """Return how it stands as an attempt begins: one before that is not counted had no end that anybody knows.

        The first one was scheduled `first_at`, this one `scheduled_at`.
        """
        if attempt - 1 <= self.attempt:
            return self
        tries = self._after_pause(scheduled_at)
        since = tries.silent_since or tries.heard_at or (scheduled_at if self.attempt else first_at)
        return tries.model_copy(
            update={
                "attempt": attempt - 1,
                "made": self.made + attempt - 1 - self.attempt,
                "silent_since": since,
                "held": False,
                "unclear": True,
                "unheard": True,
            }
        )

    def failed(self, attempt: int, error: Exception, now: datetime) -> Tries:
        """Return how it stands after an attempt has failed."""
        if isinstance(error, SystemAwayError) and error.held:
            since = self.paused_since or (now if error.paused else None)
            return self.model_copy(update={"attempt": attempt, "held": True, "paused_since": since, "unheard": False})
        silent = isinstance(error, DownstreamError) and not error.said
        tries = self._after_pause(now)
        since = tries.silent_since
        return Tries(
            attempt=attempt,
            made=self.made + (not isinstance(error, SystemAwayError)),
            said=self.said + (not silent),
            heard_at=tries.heard_at if silent else now,
            silent_since=since or now if silent else None,
            silence=tries.silence + (now - since if since and not silent else timedelta()),
            unclear=self.unclear or (isinstance(error, DownstreamError) and error.unclear),
        )

    def _after_pause(self, now: datetime) -> Tries:
        """Return how it stands with its pause, if there is one, over by now."""
        if self.paused_since is None:
            return self
        pause = now - self.paused_since
        return self.model_copy(
            update={
                "heard_at": self.heard_at and self.heard_at + pause,
                "silent_since": self.silent_since and self.silent_since + pause,
                "paused_since": None,
                "silence": self.silence + pause,
            }
        )

    def used_up(self, allowance: Allowance, since: datetime, now: datetime) -> bool:
        """Return whether no other attempt is allowed of a call that was made `since` then."""
        if self.held:
            return False
        if self.silent_since:
            return now - self.silent_since >= allowance.outage
        if allowance.attempts is not None and self.said >= allowance.attempts:
            return True
        return allowance.wait is not None and now - since - self.silence >= allowance.wait


def verdict(error: Exception, tries: Tries, *, final: bool, now: datetime) -> Exception:
    """Return the error with which an attempt ends; there is no other one where it is `final`."""
    if isinstance(error, DownstreamError):
        return error.in_all(tries.made, unclear=tries.unclear, final=final, more=_silence(tries, now) if final else "")
    if not final or (isinstance(error, ApplicationError) and error.non_retryable):
        return error
    kind, message = type(error).__name__, reason_of(error)
    if isinstance(error, ApplicationError):
        kind, message = error.type or kind, error.message
    kind = "timeout" if kind == NOT_YET else kind
    return ApplicationError(f"{message}, and there was no time or attempt left", type=kind, non_retryable=True)


def no_end_known(system: str, tries: Tries, now: datetime) -> DownstreamError:
    """Return the error of a call whose last attempt has ended without a word of anybody, and is to be the last."""
    message = f"{system} gave no answer in time{_silence(tries, now)}"
    return DownstreamError(system, message, retryable=False, said=False, unclear=True, attempt=tries.made)


def tries_so_far(info: activity.Info, allowance: Allowance) -> Tries:
    """Return how often the activity that runs was tried before."""
    kept = next((each for each in info.heartbeat_details if isinstance(each, dict)), {})
    tries = Tries.model_validate({"unclear": allowance.unclear, **kept})
    return tries.begun(info.attempt, info.scheduled_time, info.current_attempt_scheduled_time)


def allowance_of(headers: Mapping[str, Payload]) -> Allowance | None:
    """Return what an activity's call may take; None where it is retried as Temporal is told."""
    payload = headers.get(_HEADER)
    return activity.payload_converter().from_payload(payload, Allowance) if payload else None


_allowance: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def allowing(allowance: Allowance | None) -> Iterator[None]:
    """Give the activities that a workflow starts in the block an allowance."""
    before = _allowance.set(allowance)
    try:
        yield
    finally:
        _allowance.reset(before)


class AllowanceHeaders(Interceptor):
    """Sends the allowance of a call with its activity."""

    def workflow_interceptor_class(self, _input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, started: StartActivityInput) -> workflow.ActivityHandle[Any]:
        if allowance := _allowance.get():
            started.headers = {**started.headers, _HEADER: workflow.payload_converter().to_payload(allowance)}
        return super().start_activity(started)


def _silence(tries: Tries, now: datetime) -> str:
    if tries.silent_since is None:
        return ""
    return f"; it has said nothing for {timedelta(seconds=int((now - tries.silent_since).total_seconds()))}"
