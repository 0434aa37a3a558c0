"""What goes wrong with Temporal, told as the gateway needs it: away, refused for good, or nobody there to be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor
from temporalio.api.errordetails.v1 import (
    ClientVersionNotSupportedFailure,
    NamespaceInvalidStateFailure,
    NamespaceNotActiveFailure,
    NamespaceNotFoundFailure,
    NamespaceUnavailableFailure,
    ServerVersionNotSupportedFailure,
    WorkflowNotReadyFailure,
)
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.service import RPCError, RPCStatusCode

from orders.model.revision import Refusal
from orders.model.violation import Violation
from workflows.contracts.refusals import OVERTAKEN, REFUSED, REFUSED_FOR_NOW

_ENDED_MEANWHILE = "AcceptedUpdateCompletedWorkflow"
"""The type of the error with which the server tells that a workflow ended before it had answered."""

REFUSALS = frozenset({RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION})
_NOT_FOR_GOOD = (
    NamespaceInvalidStateFailure.DESCRIPTOR,
    NamespaceNotActiveFailure.DESCRIPTOR,
    NamespaceUnavailableFailure.DESCRIPTOR,
    ClientVersionNotSupportedFailure.DESCRIPTOR,
    ServerVersionNotSupportedFailure.DESCRIPTOR,
    WorkflowNotReadyFailure.DESCRIPTOR,
)
"""What a failed precondition is about where not the request is at fault, but the moment or the server."""
_TOO_LARGE = ("larger than max", "size exceeds limit")
"""What gRPC says of a message, and Temporal of a payload, that is too large; neither has a status of its own for it."""


class EngineUnavailableError(Exception):
    """Temporal gave no answer in time, or cannot serve this just now."""


class EngineNotReadyError(EngineUnavailableError):
    """Temporal serves, and lacks what every order needs."""


class EngineRefusedError(Exception):
    """Temporal answered, and does not take this request as it is: to repeat it makes no sense."""


class RequestTooLargeError(EngineRefusedError):
    """No Temporal takes a request of this size."""


class WorkflowEndedError(Exception):
    """There is no such workflow, or it has ended: nobody is there to be asked."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__(f"no workflow {workflow_id} runs")
        self.workflow_id = workflow_id


class MessageRefusedError(Exception):
    """A workflow refuses what a person asks for, and has changed nothing.

    `refusals` names each item that does not allow it; `violations` each rule of the catalogs that it would break;
    `for_now`: nothing but the moment stands against it. `overtaken`: a later amendment has been applied before it.
    """

    def __init__(
        self, message: str, refusals: list[Refusal], violations: list[Violation], *, kind: str = REFUSED
    ) -> None:
        super().__init__(message)
        self.message, self.refusals, self.violations = message, refusals, violations
        self.overtaken = kind == OVERTAKEN
        self.for_now = self.overtaken or kind == REFUSED_FOR_NOW


def kind_of(error: RPCError) -> type[EngineRefusedError | EngineUnavailableError]:
    """Return whether Temporal refuses a request for good, or may take it later."""
    sized = error.status in (RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.INVALID_ARGUMENT)
    if sized and any(each in error.message for each in _TOO_LARGE):
        return RequestTooLargeError
    if error.status in REFUSALS and not _is_about(error, *_NOT_FOR_GOOD):
        return EngineRefusedError
    return EngineUnavailableError


def lacks_workflow(error: RPCError) -> bool:
    """Return whether there is no such workflow: where the whole namespace is not there, that is not known."""
    return error.status == RPCStatusCode.NOT_FOUND and not _is_about(error, NamespaceNotFoundFailure.DESCRIPTOR)


def _is_about(error: RPCError, *kinds: Descriptor) -> bool:
    return any(each.Is(kind) for each in error.grpc_status.details for kind in kinds)


def why_not(workflow_id: str, name: str, cause: BaseException) -> Exception:
    """Return the error that tells why a workflow did not do what it was asked."""
    if isinstance(cause, ApplicationError) and cause.type in (REFUSED, REFUSED_FOR_NOW, OVERTAKEN):
        return MessageRefusedError(cause.message, *_reasons(cause.details), kind=cause.type)
    if isinstance(cause, ApplicationError) and cause.type == _ENDED_MEANWHILE:
        return WorkflowEndedError(workflow_id)
    while isinstance(cause, FailureError) and cause.cause is not None:
        cause = cause.cause
    return EngineRefusedError(f"{workflow_id} could not do {name}: {cause}")


def _reasons(details: Sequence[Any]) -> tuple[list[Refusal], list[Violation]]:
    """Return the refusals and violations among the details of a workflow's refusal."""
    flat = [each for detail in details for each in (detail if isinstance(detail, list) else [detail])]
    found = [each for each in flat if isinstance(each, dict)]
    refusals = [Refusal.model_validate(each) for each in found if "reason" in each]
    violations = [Violation.model_validate(each) for each in found if "code" in each]
    return refusals, violations
