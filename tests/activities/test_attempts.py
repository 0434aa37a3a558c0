"""Which failures of activities are noted: those that come again and again, and will."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.attempts import MANY, AttemptWatch
from store.setbacks import Setback, Setbacks
from store.sql.database import Database

pytestmark = pytest.mark.anyio


class Does(ActivityInboundInterceptor):
    """An activity that raises an error, or succeeds."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def execute_activity(self, request: ExecuteActivityInput) -> Any:
        if self._error:
            raise self._error


class Hangs(ActivityInboundInterceptor):
    """An activity that does not end by itself."""

    def __init__(self) -> None:
        pass

    async def execute_activity(self, request: ExecuteActivityInput) -> Any:
        await asyncio.Event().wait()


async def noted(setbacks: Setbacks) -> list[Setback]:
    return (await setbacks.standing(1, 10))[0]


async def tried(
    setbacks: Setbacks,
    does: ActivityInboundInterceptor,
    attempt: int = MANY,
    workflow_id: str = "po:abc:so:1:tv",
    cancelled: ActivityCancellationDetails | None = None,
    **policy: Any,
) -> None:
    """Run one attempt of an activity `keep_task`, and pass over its error."""
    interceptor = AttemptWatch(setbacks).intercept_activity(does)

    async def executed() -> None:
        if cancelled:
            environment.cancel(cancelled)
        await interceptor.execute_activity(ExecuteActivityInput(executed, [], None, {}))

    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(
        environment.info,
        attempt=attempt,
        activity_type="keep_task",
        activity_id="7",
        workflow_id=workflow_id,
        start_to_close_timeout=timedelta(seconds=10),
        retry_policy=RetryPolicy(**policy),
    )
    await asyncio.gather(environment.run(executed), return_exceptions=True)


@pytest.fixture
def setbacks(database: Database) -> Setbacks:
    return Setbacks(database)


async def test_a_failure_is_noted_once_it_has_come_often_and_until_it_is_over(setbacks: Setbacks) -> None:
    await tried(setbacks, Does(KeyError("bug")), MANY - 1)
    assert await noted(setbacks) == []
    await tried(setbacks, Does(KeyError("bug")))
    await tried(setbacks, Does(KeyError("another bug")), MANY + 1)
    [setback] = await noted(setbacks)
    assert (setback.attempts, setback.error, setback.tried.what) == (MANY + 1, "'another bug'", "keep task")
    assert (setback.tried.order_id, setback.tried.workflow_id) == ("abc", "po:abc:so:1:tv")
    await tried(setbacks, Does(), MANY + 2)
    assert await noted(setbacks) == []


async def test_a_failure_of_a_listeners_workflow_is_that_of_no_order(setbacks: Setbacks) -> None:
    await tried(setbacks, Does(KeyError("bug")), workflow_id="hub:x")
    [setback] = await noted(setbacks)
    assert (setback.tried.order_id, setback.tried.workflow_id) == (None, "hub:x")


@pytest.mark.parametrize(
    ("error", "policy"),
    [
        (ApplicationError("pending", category=ApplicationErrorCategory.BENIGN), {}),
        (ApplicationError("refused", non_retryable=True), {}),
        (KeyError("bug"), {"maximum_attempts": MANY}),
    ],
)
async def test_what_is_expected_or_tried_no_more_is_not_noted(
    setbacks: Setbacks, error: Exception, policy: dict[str, Any]
) -> None:
    await tried(setbacks, Does(error), **policy)
    assert await noted(setbacks) == []


async def test_an_attempt_that_does_not_end_in_time_is_noted_and_one_that_is_cancelled_is_not(
    setbacks: Setbacks,
) -> None:
    await tried(setbacks, Hangs(), cancelled=ActivityCancellationDetails(cancel_requested=True))
    assert await noted(setbacks) == []
    await tried(setbacks, Hangs(), cancelled=ActivityCancellationDetails(timed_out=True))
    [setback] = await noted(setbacks)
    assert setback.error == "no end within 0:00:10"


async def test_that_nothing_can_be_noted_is_no_matter_of_the_activity(
    setbacks: Setbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("closed")

    for name in ("note", "over"):
        monkeypatch.setattr(setbacks, name, fail)
    interceptor = AttemptWatch(setbacks).intercept_activity(Does())

    async def executed() -> str:
        await interceptor.execute_activity(ExecuteActivityInput(executed, [], None, {}))
        return "done"

    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, attempt=MANY)
    assert await environment.run(executed) == "done"
