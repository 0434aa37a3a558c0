"""Calls whose end was unclear: which those are, and until when each may have its effect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

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

from activities.billing import Bill, BillingActivities
from application.http import DownstreamError
from orders.model.product_orders import Action
from orders.plan.outcome import Failure
from orders.plan.parts import ProductPlan
from orders.plan.policy import Policy
from workflows.contracts import policies
from workflows.failures import order_failed
from workflows.runtime.calls import Call, Calls
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


@pytest.mark.anyio
@pytest.mark.parametrize(("began", "times"), [(-1, 2), (0, 1)], ids=["before the effect can come", "after that"])
async def test_what_was_undone_before_its_effect_could_come_is_undone_again_however_long_that_took(
    monkeypatch: pytest.MonkeyPatch, began: int, times: int
) -> None:
    calls, undone = Calls(undoing=True), list[str]()
    failing(calls.unclear, "a/bill/add", refused(unclear=True), Policy(settle_after=MINUTE))
    monkeypatch.setattr(workflow, "now", lambda: NOW + MINUTE + timedelta(seconds=began))
    monkeypatch.setattr(workflow, "patched", lambda _name: True)

    async def of_system(call: Call[Any, Any], *_: Any, **__: Any) -> None:
        undone.append(call.request.key)

    async def finish(_: None) -> None:
        monkeypatch.setattr(workflow, "now", lambda: NOW + MINUTE * 3)

    monkeypatch.setattr(calls, "_of_system", of_system)
    product = ProductPlan(key="1", item_id="1", unit="1", action=Action.ADD, name="Fibre")
    request = Bill(key="a/bill/undo", order_id="a", product=product, product_id="p-1", at="2026-03-01T10:00:00.000Z")
    undo = Call("billing", BillingActivities.unbill, request, Policy(), "undo", undoes=("a/bill/add",))
    await calls.undo(undo, finish)

    assert undone == ["a/bill/undo", "a/bill/undo/again"][:times]
