"""Activities that fail again and again: noted in the order store by the worker that sees it, and counted as a metric.

Whatever is tried without end would fail in silence: an undo whose system is away, a call to the order store, planning
that waits for inventory. Local activities are in no history before they succeed, so that nobody but the worker knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final

import structlog
from temporalio import activity
from temporalio.common import MetricCounter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from orders.model.order_ids import root_of_workflow
from store.setbacks import Setbacks, Tried, Work
from tmf.words import reason_of

MANY: Final = 10
"""Attempts from which on a failure is noted: by then it lasts for minutes, with the order store for half a minute."""

_GRACE = timedelta(minutes=1)
_LONGEST_INTERVAL = timedelta(minutes=10)
_OF_ORDERS = ("po:", "so:", "ro:")
"""How the ids of orders' workflows begin."""

_log = structlog.get_logger(__name__)


class AttemptWatch(Interceptor):
    """Notes activities that fail again and again, until they succeed."""

    def __init__(self, setbacks: Setbacks) -> None:
        self._setbacks = setbacks

    def intercept_activity(self, inner: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _WatchedActivity(inner, self._setbacks)


class _WatchedActivity(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, setbacks: Setbacks) -> None:
        super().__init__(inner)
        self._setbacks = setbacks

    async def execute_activity(self, request: ExecuteActivityInput) -> Any:
        info = activity.info()
        if info.attempt < MANY:
            return await super().execute_activity(request)
        try:
            result = await super().execute_activity(request)
        except Exception as error:
            await (self._over(info) if _is_last(info, error) else self._failed(info, error))
            raise
        except asyncio.CancelledError as error:
            if _timed_out():
                await self._failed(info, error, f"no end within {info.start_to_close_timeout}")
            raise
        await self._over(info)
        return result

    async def _failed(self, info: activity.Info, error: BaseException, why: str | None = None) -> None:
        if isinstance(error, ApplicationError) and error.category == ApplicationErrorCategory.BENIGN:
            return  # It only waits for what is to come, such as the end of what a system has accepted.
        _counter().add(1, {"activity_type": info.activity_type})
        noting = self._setbacks.note(
            _tried(info), why or reason_of(error), attempts=info.attempt, pause=_until_the_next_end(info)
        )
        await _in_peace(noting, info)

    async def _over(self, info: activity.Info) -> None:
        await _in_peace(self._setbacks.over(Work.ACTIVITY, [_tried(info).id]), info)


async def _in_peace(noting: Awaitable[object], info: activity.Info) -> None:
    """Note something; that it cannot be is no matter of the activity."""
    try:
        await noting
    except Exception as error:
        _log.warning(
            "how an activity gets on cannot be noted",
            activity=info.activity_type,
            workflow=info.workflow_id,
            attempt=info.attempt,
            reason=reason_of(error),
        )


def _tried(info: activity.Info) -> Tried:
    workflow_id = info.workflow_id or ""
    order_id = root_of_workflow(workflow_id) if workflow_id.startswith(_OF_ORDERS) else None
    what = info.activity_type.replace("_", " ")
    return Tried(Work.ACTIVITY, f"{workflow_id}!{info.activity_id}", what, order_id, workflow_id)


def _is_last(info: activity.Info, error: Exception) -> bool:
    """Return whether it is not tried again after this error: its workflow goes on with it, or asks people."""
    attempts = info.retry_policy.maximum_attempts if info.retry_policy else 0
    return 0 < attempts <= info.attempt or (isinstance(error, ApplicationError) and error.non_retryable)


def _until_the_next_end(info: activity.Info) -> timedelta:
    """Return when the next attempt has ended at the latest, unless it is tried no more."""
    interval = (info.retry_policy and info.retry_policy.maximum_interval) or _LONGEST_INTERVAL
    return interval + (info.start_to_close_timeout or timedelta()) + _GRACE


def _timed_out() -> bool:
    details = activity.cancellation_details()
    return details is not None and details.timed_out


def _counter() -> MetricCounter:
    return activity.metric_meter().create_counter(
        "ordersaga_repeated_failures", "Failures of activities that have been tried many times"
    )
