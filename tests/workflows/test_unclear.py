"""Calls whose end was unclear: which those are, and until when each may have its effect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    FailureError,
    TimeoutType,
)
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from application.http import DownstreamError
from orders.plan.outcome import Failure
from orders.plan.policy import Policy
from workflows.contracts import policies
from workflows.failures import order_failed
from workflows.runtime.unclear import UnclearCalls, is_unclear

NOW = datetime(2026, 11, 28, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "now", lambda: NOW)
    # A stage that stands settles all calls sooner.
    monkeypatch.setattr(policies, "settle_after", lambda policy: policy.settle_after)


def refused(*, unclear: bool = False) -> DownstreamError:
    return DownstreamError("billing", "no", retryable=False, unclear=unclear)


def by_activity(cause: BaseException) -> ActivityError:
    error = ActivityError(
        "failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="bill",
        activity_id="1",
        retry_state=None,
    )
    error.__cause__ = cause
    return error


def timed_out(kind: TimeoutType) -> TemporalTimeoutError:
    return TemporalTimeoutError("late", type=kind, last_heartbeat_details=[])


@pytest.mark.parametrize(
    "error",
    [
        refused(unclear=True),
        by_activity(refused(unclear=True)),
        timed_out(TimeoutType.START_TO_CLOSE),
        by_activity(timed_out(TimeoutType.SCHEDULE_TO_CLOSE)),
        by_activity(CancelledError("cancelled")),
        by_activity(ApplicationError("a fault of our own", type="KeyError")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_have_been_done_is_unclear(error: FailureError) -> None:
    assert is_unclear(error)


@pytest.mark.parametrize(
    "error",
    [
        refused(),
        by_activity(refused()),
        by_activity(timed_out(TimeoutType.SCHEDULE_TO_START)),
        order_failed(Failure(code="activationFailed", message="no light")),
        ApplicationError("not now", type="NotLocal"),
        CancelledError("before it began"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_was_refused_or_never_sent_is_clear(error: FailureError) -> None:
    assert not is_unclear(error)


def failing(calls: UnclearCalls, key: str, error: FailureError, policy: Policy) -> None:
    with pytest.raises(type(error)), calls.noting(key, policy):
        raise error


def test_a_call_that_is_given_up_is_unclear_for_as_long_as_its_policy_says() -> None:
    calls = UnclearCalls()
    failing(calls, "a/activate/add/1/2", refused(unclear=True), Policy(settle_after=MINUTE * 3))
    failing(calls, "b/bill/add/1", refused(unclear=True), Policy())
    failing(calls, "c/bill/add/1", refused(), Policy())

    assert calls.until(["a/activate/add/1"]) == NOW + MINUTE * 3
    assert calls.until(["b/bill/add/1"]) == NOW + Policy().settle_after
    assert calls.until(["c/bill/add/1", "a/activate/add"]) == NOW + MINUTE * 3
    assert calls.until(["a/activate/add/11", "c/bill/add/1"]) is None
    assert calls.last == NOW + MINUTE * 3


def test_a_call_that_succeeds_in_the_end_is_clear() -> None:
    calls = UnclearCalls()
    failing(calls, "a", refused(unclear=True), Policy())
    with calls.noting("a", Policy()):
        calls.failed("a", refused(unclear=True))
        assert "a" in calls
    assert "a" not in calls
    assert calls.last is None


def test_a_try_that_was_unclear_stays_so_whatever_the_next_one_is_told() -> None:
    calls = UnclearCalls()

    def tried_twice() -> None:
        with calls.noting("a", Policy()):
            calls.failed("a", refused(unclear=True))
            raise refused()

    with pytest.raises(DownstreamError):
        tried_twice()
    assert "a" in calls


def test_a_new_run_knows_what_was_unclear_and_what_ran() -> None:
    calls, next_run = UnclearCalls(), UnclearCalls()
    failing(calls, "a", refused(unclear=True), Policy())
    with calls.noting("b", Policy(settle_after=MINUTE * 2)):
        next_run.go_on_from(calls.carried())

    assert next_run.until(["a"]) == NOW + Policy().settle_after
    assert next_run.until(["b"]) == NOW + MINUTE * 2
