"""The end of a child workflow, asked of Temporal by a run of its parent that has not started it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError, FailureError, TerminatedError

from tmf.model import Model


class EndState(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"


class ChildEnd(Model):
    """How a child has ended, or that it runs."""

    state: EndState
    result: Any = None
    """What it returned, as JSON."""
    message: str = ""
    """Why it failed, with the type and details of its error."""
    type: str | None = None
    details: list[Any] = []


class AskChild(Model):
    workflow_id: str
    wait: bool
    """Whether it is about to end, so that its end is waited for."""


class ChildActivities:
    """What a parent asks of its children."""

    @activity.defn
    async def end_of_child(self, asked: AskChild) -> ChildEnd:
        """Return how a child has ended, or that it runs; where it is about to end, wait for that."""
        child = activity.client().get_workflow_handle(asked.workflow_id)
        if not asked.wait and (await child.describe()).status == WorkflowExecutionStatus.RUNNING:
            return ChildEnd(state=EndState.RUNNING)
        try:
            return ChildEnd(state=EndState.COMPLETED, result=await child.result())
        except WorkflowFailureError as error:
            return _failed(error.cause)


def _failed(cause: BaseException) -> ChildEnd:
    match cause:
        case CancelledError():
            return ChildEnd(state=EndState.CANCELLED, message=cause.message)
        case TerminatedError():
            return ChildEnd(state=EndState.TERMINATED, message=cause.message)
        case ApplicationError():
            return ChildEnd(state=EndState.FAILED, message=cause.message, type=cause.type, details=list(cause.details))
        case FailureError():
            return ChildEnd(state=EndState.FAILED, message=cause.message, type=type(cause).__name__)
    return ChildEnd(state=EndState.FAILED, message=str(cause), type=type(cause).__name__)
