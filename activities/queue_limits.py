"""Rate limits that operators have set on the systems' task queues: they would not hold for calls that are local."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.limits import LocalCalls

INTERVAL: Final = timedelta(seconds=10)
"""How often the queues are looked at: a new limit holds for local calls so much later at most."""

_log = structlog.get_logger("worker")


async def is_rate_limited(client: Client, queue: str) -> bool:
    """Return whether somebody has set a rate limit on a task queue of activities, or on its fairness keys.

    Raises:
        RPCError: when Temporal cannot be reached or refuses.
    """
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            report_config=True,
        )
    )
    limits = (answer.config.queue_rate_limit, answer.config.fairness_keys_rate_limit_default)
    return any(limit.HasField("rate_limit") for limit in limits)


async def refresh(client: Client, queues: Mapping[str, LocalCalls]) -> None:
    """Tell the local calls of each queue's system whether it has a rate limit; what cannot be read stays as it was."""
    try:
        for queue, calls in queues.items():
            limited = await is_rate_limited(client, queue)
            if limited != bool(calls.rate_limited):
                _log.info("a task queue's rate limit counts for local calls", queue=queue, limited=limited)
            calls.rate_limited = limited
    except RPCError as error:
        _log.warning("the rate limits of task queues cannot be read", reason=str(error))


@asynccontextmanager
async def rate_limits_followed(client: Client, queues: Mapping[str, LocalCalls]) -> AsyncIterator[None]:
    """Follow the rate limits of task queues while the context is open; no call is local before they are known."""
    for calls in queues.values():
        calls.rate_limited = None
    await refresh(client, queues)
    following = asyncio.create_task(_follow(client, queues))
    try:
        yield
    finally:
        following.cancel()


async def _follow(client: Client, queues: Mapping[str, LocalCalls]) -> None:
    while True:
        await asyncio.sleep(INTERVAL.total_seconds())
        await refresh(client, queues)
