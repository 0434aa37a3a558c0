"""Calls whose end was unclear: whether they have had an effect, or have one yet, is known only after a while.

Such a call is not decided about before its system can have done it at the latest: what undoes it is done once more
then, by the keys of the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    FailureError,
    TimeoutType,
)
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from activities.limits import NOT_LOCAL
from orders.plan.policy import Policy
from workflows.contracts import policies
from workflows.failures import ORDER_FAILED, told_by


class UnclearCalls:
    """Which calls of a workflow may have an effect yet, by their keys, and until when."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}
        self._running: dict[str, Policy] = {}

    @contextmanager
    def noting(self, key: str, policy: Policy) -> Iterator[None]:
        """Take note of how the call of the block ends, and of failures within it by `failed`."""
        self._running[key] = policy
        try:
            yield
        except FailureError as error:
            self.failed(key, error)
            raise
        else:
            self._until.pop(key, None)
        finally:
            del self._running[key]

    def failed(self, key: str, error: FailureError) -> None:
        """Take note of how one try of a call has failed."""
        if key in self._running and is_unclear(error):
            self.note(key, self._running[key])

    def note(self, key: str, policy: Policy) -> None:
        """Take note that a call which is given up may have its effect yet."""
        self._until[key] = workflow.now() + policies.settle_after(policy)

    def until(self, keys: Iterable[str]) -> datetime | None:
        """Return when the last of these calls, or of those made under keys below, can have its effect at the latest."""
        found = [at for key in keys for each, at in self._until.items() if each == key or each.startswith(f"{key}/")]
        return max(found, default=None)

    def __contains__(self, key: str) -> bool:
        return self.until([key]) is not None

    @property
    def last(self) -> datetime | None:
        """When the last of all can have its effect at the latest."""
        return max(self._until.values(), default=None)

    def carried(self) -> dict[str, datetime]:
        """Return what a new run is to know; what runs now is called by it once more, or undone."""
        running = {key: workflow.now() + policies.settle_after(policy) for key, policy in self._running.items()}
        return {**self._until, **running}

    def go_on_from(self, carried: Mapping[str, datetime]) -> None:
        """Know what an earlier run has left unclear."""
        self._until = dict(carried)


def is_unclear(error: BaseException) -> bool:
    """Return whether a call that failed so may have had an effect, or may have one yet; an error says so of itself."""
    cause = error
    while isinstance(cause, ActivityError) and cause.cause is not None:
        cause = cause.cause
    if isinstance(cause, TemporalTimeoutError):
        return cause.type != TimeoutType.SCHEDULE_TO_START
    if isinstance(cause, CancelledError):
        return isinstance(error, ActivityError)
    if not isinstance(cause, ApplicationError) or cause.type in (NOT_LOCAL, ORDER_FAILED):
        return False
    return bool(told_by(cause).get("unclear", True))
