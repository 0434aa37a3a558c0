"""Temporal as the gateway needs it: to start an order, to pass on what people and systems say, to look at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from google.protobuf.descriptor import Descriptor
from pydantic import BaseModel
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.errordetails.v1 import (
    ClientVersionNotSupportedFailure,
    NamespaceInvalidStateFailure,
    NamespaceNotActiveFailure,
    NamespaceNotFoundFailure,
    NamespaceUnavailableFailure,
    ServerVersionNotSupportedFailure,
    WorkflowNotReadyFailure,
)
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowExecution,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import QueryRejectCondition, SearchAttributeKey
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.service import RPCError, RPCStatusCode

from orders.events.subscription import Subscription
from orders.model.posted import PostedOrder
from orders.model.revision import Refusal
from orders.model.violation import Violation
from tmf.instants import timestamp
from workflows.connection import WORKFLOW_TYPES, start_order, start_subscription
from workflows.contracts import policies, search_attributes
from workflows.contracts.refusals import OVERTAKEN, REFUSED, REFUSED_FOR_NOW
from workflows.contracts.subscriptions import DeliveryPolicy

SYSTEM_EVENT_SIGNAL = "system_event"

_PROGRESS_QUERY = "progress"
_PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
"""What the server itself sets on a workflow whose workflow task has failed some times in a row."""
_CAUSE = "cause=WorkflowTaskFailedCause"
_ENDED_MEANWHILE = "AcceptedUpdateCompletedWorkflow"
"""The type of the error with which the server tells that a workflow ended before it had answered."""

_REFUSALS = frozenset({RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION})
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


@dataclass(frozen=True, slots=True)
class TroubledWorkflow:
    """A workflow that cannot go on: its workflow task fails again and again."""

    id: str
    type: str
    causes: tuple[str, ...]
    """As Temporal names them, such as `NonDeterministicError`."""
    started_at: datetime


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


class Engine(Protocol):
    """What the gateway asks of Temporal. Each call ends within seconds, whether Temporal is there or not.

    All raise EngineUnavailableError or EngineRefusedError.
    """

    async def start(self, order: PostedOrder) -> bool:
        """Start the workflow of an accepted order; return False when it runs already, or has run."""

    async def listen(self, subscription: Subscription) -> bool:
        """Start the workflow that tells a listener, from where its row says that it is; return False when it runs."""

    async def signal(self, workflow_id: str, name: str, argument: BaseModel | None = None) -> bool:
        """Tell a workflow something; return False when there is no such workflow, or it has ended."""

    async def request(
        self, workflow_id: str, name: str, argument: BaseModel | None = None, update_id: str | None = None
    ) -> Any:
        """Ask a workflow for something, and return its answer; the same `update_id` twice asks once.

        Raises:
            MessageRefusedError: when the workflow refuses.
            WorkflowEndedError: when there is no such workflow, or it has ended.
        """

    async def progress(self, workflow_id: str) -> dict[str, Any]:
        """Return how far the plan of a posted order's workflow is, as its query `progress` tells.

        Raises:
            WorkflowEndedError: when there is no such workflow, or it has ended.
        """

    async def is_running(self, workflow_id: str) -> bool:
        """Return whether a workflow runs, or one of those below it, which undo their part when it was terminated."""

    async def terminated_orders(self, since: datetime) -> list[str]:
        """Return the workflow ids of the posted orders that were terminated since then."""

    async def cancel_children(self, workflow_id: str) -> int:
        """Request the cancellation of all workflows that run and were started by this one; return how many."""

    async def check(self) -> None:
        """Return when Temporal serves."""

    async def missing_search_attributes(self) -> list[str]:
        """Return the search attributes that orders need and Temporal does not know."""

    async def troubled(self, limit: int) -> tuple[list[TroubledWorkflow], int]:
        """Return workflows whose workflow task fails again and again, and how many there are in all."""

    async def unserved(self) -> list[str]:
        """Return the queues of `policies.QUEUES` for which no worker has asked Temporal for work for minutes."""


class TemporalEngine:
    """Temporal, through a client that `connect` makes at the first call.

    What a workflow must answer itself has `request_timeout`, since an amendment is planned first; all else `timeout`.
    `fair`: customers whose orders have the same priority share the workers fairly. `parts_at_once`: how many parts of
    an order begin at a time.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Client]],
        task_queue: str,
        timeout: timedelta = timedelta(seconds=2),
        request_timeout: timedelta = timedelta(seconds=50),
        delivery: DeliveryPolicy | None = None,
        fair: bool = False,
        parts_at_once: int = policies.PARTS_AT_ONCE,
    ) -> None:
        self._connect = connect
        self._task_queue = task_queue
        self._delivery = delivery or DeliveryPolicy()
        self._start_order = partial(start_order, fair=fair, parts_at_once=parts_at_once)
        self._timeout = timeout
        self._request_timeout = request_timeout
        self._client: Client | None = None

    async def start(self, order: PostedOrder) -> bool:
        async with self._answering() as client:
            try:
                return await self._start_order(client, order, self._task_queue)
            except RPCError as error:
                # Then every order is refused, and none for its own sake.
                if error.status in _REFUSALS and (missing := await _missing_search_attributes(client)):
                    raise EngineNotReadyError(unknown_attributes(missing)) from error
                raise

    async def listen(self, subscription: Subscription) -> bool:
        async with self._answering() as client:
            return await start_subscription(client, subscription, self._task_queue, self._delivery)

    async def signal(self, workflow_id: str, name: str, argument: BaseModel | None = None) -> bool:
        arguments = [] if argument is None else [argument]
        async with self._answering() as client:
            try:
                await client.get_workflow_handle(workflow_id).signal(name, args=arguments)
            except RPCError as error:
                if _lacks_workflow(error):
                    return False
                raise
        return True

    async def request(
        self, workflow_id: str, name: str, argument: BaseModel | None = None, update_id: str | None = None
    ) -> Any:
        arguments = [] if argument is None else [argument]
        async with self._answering(self._request_timeout) as client:
            try:
                handle = client.get_workflow_handle(workflow_id)
                return await handle.execute_update(name, args=arguments, id=update_id)
            except RPCError as error:
                if _lacks_workflow(error):
                    raise WorkflowEndedError(workflow_id) from error
                raise
            except WorkflowUpdateFailedError as error:
                raise _why_not(workflow_id, name, error.cause) from error

    async def progress(self, workflow_id: str) -> dict[str, Any]:
        async with self._answering(self._request_timeout) as client:
            try:
                answer: dict[str, Any] = await client.get_workflow_handle(workflow_id).query(
                    _PROGRESS_QUERY, reject_condition=QueryRejectCondition.NOT_OPEN
                )
            except RPCError as error:
                if _lacks_workflow(error):
                    raise WorkflowEndedError(workflow_id) from error
                raise
            except WorkflowQueryRejectedError as error:
                raise WorkflowEndedError(workflow_id) from error
            except WorkflowQueryFailedError as error:
                raise EngineRefusedError(f"{workflow_id} cannot say how far it is: {error.message}") from error
        return answer

    async def is_running(self, workflow_id: str) -> bool:
        async with self._answering() as client:
            try:
                found = await client.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                if not _lacks_workflow(error):
                    raise
            else:
                if found.close_time is None:
                    return True
            below = f"WorkflowId STARTS_WITH '{workflow_id}:' AND ExecutionStatus = 'Running'"
            return (await client.count_workflows(below)).count > 0

    async def terminated_orders(self, since: datetime) -> list[str]:
        types = ", ".join(f"'{each}'" for each in WORKFLOW_TYPES.values())
        ended = f"ExecutionStatus = 'Terminated' AND CloseTime > '{timestamp(since)}'"
        async with self._answering(self._request_timeout) as client:
            return [run.id async for run in client.list_workflows(f"WorkflowType IN ({types}) AND {ended}")]

    async def cancel_children(self, workflow_id: str) -> int:
        below = f"ParentWorkflowId = '{workflow_id}' AND ExecutionStatus = 'Running'"
        cancelled = 0
        async with self._answering(self._request_timeout) as client:
            async for run in client.list_workflows(below):
                await client.get_workflow_handle(run.id).cancel()
                cancelled += 1
        return cancelled

    async def check(self) -> None:
        async with self._answering() as client:
            await client.service_client.check_health()

    async def missing_search_attributes(self) -> list[str]:
        async with self._answering() as client:
            return await _missing_search_attributes(client)

    async def troubled(self, limit: int) -> tuple[list[TroubledWorkflow], int]:
        query = f"{_PROBLEMS.name} IS NOT NULL AND ExecutionStatus = 'Running' AND TaskQueue = '{self._task_queue}'"
        async with self._answering() as client:
            total = (await client.count_workflows(query)).count
            if not total:
                return [], 0
            found = [_troubled(each) async for each in client.list_workflows(query, page_size=limit, limit=limit)]
        return found, max(total, len(found))

    async def unserved(self) -> list[str]:
        async with self._answering() as client:
            served = await asyncio.gather(*(self._is_served(client, queue) for queue in policies.QUEUES))
        return [queue for queue, is_served in zip(policies.QUEUES, served, strict=True) if not is_served]

    async def _is_served(self, client: Client, queue: str) -> bool:
        name, kind = policies.task_queue(self._task_queue, queue), TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
        if queue == policies.WORKFLOWS:
            name, kind = self._task_queue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
        asked = DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=name), task_queue_type=kind
        )
        return bool((await client.workflow_service.describe_task_queue(asked)).pollers)

    @asynccontextmanager
    async def _answering(self, timeout: timedelta | None = None) -> AsyncIterator[Client]:
        """Give the client, and turn what goes wrong with it into one of the two errors, in bounded time."""
        engine = "Temporal"
        seconds = (timeout or self._timeout).total_seconds()
        try:
            async with asyncio.timeout(seconds):
                if self._client is None:
                    self._client = await self._connect()
                engine = f"Temporal at {self._client.service_client.config.target_host}"
                yield self._client
        except (TimeoutError, RPCTimeoutOrCancelledError) as error:
            raise EngineUnavailableError(f"{engine} gave no answer within {seconds:g} s") from error
        except RPCError as error:
            kind = _kind_of(error)
            raise kind(f"{engine} answered {error.status.name}: {error.message}") from error
        except RuntimeError as error:
            raise EngineUnavailableError(f"{engine} cannot be reached") from error


def unknown_attributes(names: Sequence[str]) -> str:
    """Say that Temporal does not know these search attributes, and what to do."""
    return f"Temporal does not know {', '.join(names)}; `ordersaga register` makes them known"


async def _missing_search_attributes(client: Client) -> list[str]:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return sorted(search_attributes.TYPES.keys() - set(known.custom_attributes))


def _troubled(found: WorkflowExecution) -> TroubledWorkflow:
    problems = found.typed_search_attributes.get(_PROBLEMS) or ()
    causes = tuple(each.removeprefix(_CAUSE) for each in problems if each.startswith(_CAUSE))
    return TroubledWorkflow(found.id, found.workflow_type, causes, found.start_time)


def _kind_of(error: RPCError) -> type[EngineRefusedError | EngineUnavailableError]:
    """Return whether Temporal refuses a request for good, or may take it later."""
    sized = error.status in (RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.INVALID_ARGUMENT)
    if sized and any(each in error.message for each in _TOO_LARGE):
        return RequestTooLargeError
    if error.status in _REFUSALS and not _is_about(error, *_NOT_FOR_GOOD):
        return EngineRefusedError
    return EngineUnavailableError


def _lacks_workflow(error: RPCError) -> bool:
    """Return whether there is no such workflow: where the whole namespace is not there, that is not known."""
    return error.status == RPCStatusCode.NOT_FOUND and not _is_about(error, NamespaceNotFoundFailure.DESCRIPTOR)


def _is_about(error: RPCError, *kinds: Descriptor) -> bool:
    return any(each.Is(kind) for each in error.grpc_status.details for kind in kinds)


def _why_not(workflow_id: str, name: str, cause: BaseException) -> Exception:
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
