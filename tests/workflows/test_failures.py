"""What went wrong, in words: the one thing in a chain of errors that a person needs to read."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    RetryState,
    TerminatedError,
    TimeoutType,
)
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from application.http import DownstreamError
from orders.plan.outcome import Failure, Residue
from workflows.failures import ORDER_FAILED, explain, left_behind, order_failed

LEFT = Residue(step="release", system="inventory", target="resource port-7", message="inventory answered 500")


def by_activity(cause: BaseException) -> ActivityError:
    error = ActivityError(
        "Activity task failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="worker",
        activity_type="activate",
        activity_id="3",
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )
    error.__cause__ = cause
    return error


def by_child(cause: BaseException) -> ChildWorkflowError:
    error = ChildWorkflowError(
        "Child Workflow execution failed",
        namespace="default",
        workflow_id="po:x:so:1:internet",
        run_id="r",
        workflow_type="ServiceOrder",
        initiated_event_id=1,
        started_event_id=2,
        retry_state=RetryState.RETRY_POLICY_NOT_SET,
    )
    error.__cause__ = cause
    return error


def test_a_step_that_a_system_refused_says_what_the_system_said() -> None:
    refused = DownstreamError("activation", "activation answered 422 to POST /x: no such profile", retryable=False)
    failure = explain(by_activity(refused), "activate TV")
    assert failure == Failure(
        code="DownstreamError",
        message="activate TV: activation answered 422 to POST /x: no such profile",
        step="activate TV",
        system="activation",
        attempts=1,
    )


def test_a_failed_child_is_explained_by_what_it_failed_of_with_what_it_left_behind() -> None:
    failed = Failure(code="DownstreamError", message="activate TV: refused", step="TV", residue=[LEFT])
    assert explain(by_child(order_failed(failed)), "1:tv") == failed
    assert explain(by_child(by_child(order_failed(failed))), "1:tv") == failed


def test_a_failure_travels_as_the_detail_of_an_error_that_is_not_tried_again() -> None:
    error = order_failed(Failure(code="x", message="why", residue=[LEFT]))
    assert (error.type, error.non_retryable, error.message) == (ORDER_FAILED, True, "why")
    assert error.details[0]["residue"][0]["target"] == "resource port-7"


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), by_activity(CancelledError("c")), by_child(CancelledError("c"))]
)
def test_what_was_cancelled_is_called_cancelled(error: BaseException) -> None:
    assert explain(error, "activate TV") == Failure(
        code="cancelled", message="activate TV: cancelled", step="activate TV"
    )


def test_a_system_that_never_answered_is_a_timeout() -> None:
    never = TemporalTimeoutError(
        "activity StartToClose timeout", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[]
    )
    failure = explain(by_activity(never), "activate TV")
    assert (failure.code, failure.step) == ("timeout", "activate TV")
    assert failure.message == "activate TV: no answer in time (activity StartToClose timeout)"


def test_a_child_that_was_ended_from_outside_says_so() -> None:
    failure = explain(by_child(TerminatedError("workflow execution terminated")), "1:tv")
    assert (failure.code, failure.message) == ("TerminatedError", "1:tv: workflow execution terminated")


def test_an_error_of_our_own_is_named_by_its_type() -> None:
    assert explain(ValueError("the plan names no service"), "1:tv") == Failure(
        code="ValueError", message="1:tv: the plan names no service", step="1:tv"
    )
    assert explain(ApplicationError("it broke"), "1:tv").code == "error"


def test_what_an_undo_left_behind_is_one_sentence_or_none() -> None:
    assert left_behind([]) == ""
    other = LEFT.model_copy(update={"target": "service s-1", "message": "is active"})
    assert left_behind([LEFT, other]) == (
        "The undo left behind: resource port-7 (inventory answered 500); service s-1 (is active)."
    )
