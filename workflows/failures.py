"""Failures in words: from Temporal's chain of errors to the one cause that a person needs to read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    FailureError,
    TerminatedError,
    is_cancelled_exception,
)
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from activities.children import ChildEnd, EndState
from orders.plan.outcome import Failure, Residue
from orders.plan.policy import Policy

ORDER_FAILED = "OrderFailed"
"""The type of the error with which an order's workflow fails; its detail is a `Failure`."""

RESIDUE = "residue"
"""The code of a failure that is nothing but what an undo has left."""

_TERMINATED = "was terminated, so that nothing of what it did itself is undone"


def order_failed(failure: Failure) -> ApplicationError:
    """Return the error with which an order's workflow fails."""
    return ApplicationError(failure.message, failure.model_dump(mode="json"), type=ORDER_FAILED, non_retryable=True)


def explain(error: BaseException, step: str, attempts_before: int = 0) -> Failure:
    """Return why `step` failed, from the innermost cause that says something.

    `attempts_before` is how often it was tried before the attempts that the error counts.
    """
    cause = error
    while isinstance(cause, ActivityError | ChildWorkflowError) and cause.cause is not None:
        cause = cause.cause
    if is_cancelled_exception(error):
        return Failure(code="cancelled", message=f"{step}: cancelled", step=step)
    if isinstance(cause, ApplicationError):
        if cause.type == ORDER_FAILED and cause.details:
            return Failure.model_validate(cause.details[0])
        told = told_by(cause)
        return Failure(
            code=cause.type or "error",
            message=f"{step}: {cause.message}",
            step=step,
            system=told.get("system"),
            attempts=told["attempt"] + attempts_before if told.get("attempt") else None,
        )
    if isinstance(cause, TerminatedError) and isinstance(error, ChildWorkflowError):
        left = Residue(step=step, system="ordersaga", target=f"workflow {error.workflow_id}", message=_TERMINATED)
        return Failure(code="TerminatedError", message=f"{step}: {cause.message}", step=step, residue=[left])
    if isinstance(cause, TemporalTimeoutError):
        return Failure(code="timeout", message=f"{step}: no answer in time ({cause.message})", step=step)
    message = cause.message if isinstance(cause, FailureError) else str(cause)
    return Failure(code=type(cause).__name__, message=f"{step}: {message}", step=step)


def was_silent(error: ActivityError) -> bool:
    """Return whether an activity has failed since a system said nothing, which is no failure of what was asked."""
    return told_by(error.cause).get("said") is False


def told_by(error: BaseException | None) -> dict[str, Any]:
    """Return what an error of an activity tells beside its message, as `DownstreamError` does; nothing, of others."""
    details = error.details if isinstance(error, ApplicationError) else ()
    return details[0] if details and isinstance(details[0], dict) else {}


def child_failed(workflow_id: str, end: ChildEnd) -> ChildWorkflowError:
    """Return the error of a child that has not ended well, as the run that started it would have got it."""
    cause: FailureError
    match end.state:
        case EndState.CANCELLED:
            cause = CancelledError(end.message)
        case EndState.TERMINATED:
            cause = TerminatedError(end.message)
        case _:
            cause = ApplicationError(end.message, *end.details, type=end.type, non_retryable=True)
    error = ChildWorkflowError(
        "Child Workflow execution failed",
        namespace=workflow.info().namespace,
        workflow_id=workflow_id,
        run_id="",
        workflow_type="",
        initiated_event_id=0,
        started_event_id=0,
        retry_state=None,
    )
    error.__cause__ = cause
    return error


def fallout(failure: Failure, policy: Policy, system: str) -> dict[str, Any]:
    """Return what a fallout task says of a failure."""
    return {
        "system": failure.system or system,
        "error_code": failure.code,
        "error": failure.message,
        "attempts": failure.attempts or policy.attempts,
    }


def not_done(what: str, reason: str | None) -> ApplicationError:
    """Return the error of a step that people could not do."""
    return ApplicationError(f"{what}: {reason or 'people could not do it'}", type="notDone", non_retryable=True)


def left_behind(residue: Iterable[Residue]) -> str:
    """Return a sentence on what an undo has left; empty where there is nothing."""
    named = [f"{each.target} ({each.message})" for each in residue]
    return f"The undo left behind: {'; '.join(named)}." if named else ""
