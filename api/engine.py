"""Temporal as the gateway needs it: to start an order, to pass on what people and systems say, to look at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any, Protocol

from pydantic import BaseModel
from temporalio.api.enums.v1 import TaskQueueType
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
from temporalio.service import RPCError

from api.engine_errors import (
    REFUSALS,
    EngineNotReadyError,
    EngineRefusedError,
    EngineUnavailableError,
    MessageRefusedError,
    RequestTooLargeError,
    WorkflowEndedError,
    kind_of,
    lacks_workflow,
    why_not,
)
from orders.events.subscription import Subscription
from orders.model.posted import PostedOrder
from tmf.instants import timestamp
from workflows.connection import WORKFLOW_TYPES, start_order, start_subscription
from workflows.contracts import policies, search_attributes
from workflows.contracts.subscriptions import DeliveryPolicy
from workflows.reconciliation import NAME as RECONCILIATION
from workflows.reconciliation import ReconciliationInput

__all__ = [
    "Engine",
    "EngineNotReadyError",
    "EngineRefusedError",
    "EngineUnavailableError",
    "MessageRefusedError",
    "RequestTooLargeError",
    "TemporalEngine",
    "TroubledWorkflow",
    "Whereabouts",
    "WorkflowEndedError",
]

SYSTEM_EVENT_SIGNAL = "system_event"

_PROGRESS_QUERY = "progress"
_PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
"""What the server itself sets on a workflow whose workflow task has failed some times in a row."""
_CAUSE = "cause=WorkflowTaskFailedCause"


class Whereabouts(Enum):
    """Where a workflow is."""

    RUNNING = "running"
    """It runs, or one of those below it does, which undo their part when it was terminated."""
    ENDED = "ended"
    UNKNOWN = "unknown"
    """Temporal does not know it: it never was, was forgotten long after its end, or is lost, as after a restore."""


@dataclass(frozen=True, slots=True)
class TroubledWorkflow:
    """A workflow that cannot go on: its workflow task fails again and again."""

    id: str
    type: str
    causes: tuple[str, ...]
    """As Temporal names them, such as `NonDeterministicError`."""
    started_at: datetime


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

    async def look(self, workflow_id: str) -> Whereabouts:
        """Return whether a workflow runs, has ended, or is not known."""

    async def reconcile(self, run_id: str, *, mend: bool) -> None:
        """Start a reconciliation, whose workflow has that id."""

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
                if error.status in REFUSALS and (missing := await _missing_search_attributes(client)):
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
                if lacks_workflow(error):
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
                if lacks_workflow(error):
                    raise WorkflowEndedError(workflow_id) from error
                raise
            except WorkflowUpdateFailedError as error:
                raise why_not(workflow_id, name, error.cause) from error

    async def progress(self, workflow_id: str) -> dict[str, Any]:
        async with self._answering(self._request_timeout) as client:
            try:
                answer: dict[str, Any] = await client.get_workflow_handle(workflow_id).query(
                    _PROGRESS_QUERY, reject_condition=QueryRejectCondition.NOT_OPEN
                )
            except RPCError as error:
                if lacks_workflow(error):
                    raise WorkflowEndedError(workflow_id) from error
                raise
            except WorkflowQueryRejectedError as error:
                raise WorkflowEndedError(workflow_id) from error
            except WorkflowQueryFailedError as error:
                raise EngineRefusedError(f"{workflow_id} cannot say how far it is: {error.message}") from error
        return answer

    async def look(self, workflow_id: str) -> Whereabouts:
        otherwise = Whereabouts.ENDED
        async with self._answering() as client:
            try:
                found = await client.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                if not lacks_workflow(error):
                    raise
                otherwise = Whereabouts.UNKNOWN
            else:
                if found.close_time is None:
                    return Whereabouts.RUNNING
            below = f"WorkflowId STARTS_WITH '{workflow_id}:' AND ExecutionStatus = 'Running'"
            return Whereabouts.RUNNING if (await client.count_workflows(below)).count else otherwise

    async def reconcile(self, run_id: str, *, mend: bool) -> None:
        async with self._answering() as client:
            wish = ReconciliationInput(mend=mend)
            await client.start_workflow(RECONCILIATION, wish, id=run_id, task_queue=self._task_queue)

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
            kind = kind_of(error)
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
