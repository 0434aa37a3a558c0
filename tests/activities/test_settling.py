"""What workflows write of tasks and of requests to cancel: repeats, and what comes late, change nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from activities.cancellations import CancellationActivities, SettleCancellation
from activities.tasks import TaskActivities
from orders.lifecycle.states import OrderKind
from orders.model.task import Resolution, Task, TaskAction, TaskKind, TaskState
from store.cancellations import CancelStore
from store.sql.database import Database
from store.tasks import TaskStore
from tests.application.conftest import perform

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
ORDER = {"productOrder": {"id": "o1"}}


async def test_a_task_is_kept_and_stays_as_it_was_settled(database: Database) -> None:
    task = Task(
        id="o1:1:visit!1",
        kind=TaskKind.MANUAL,
        workflow_id="po:o1:so:1:visit",
        order_kind=OrderKind.SERVICE,
        order_id="o1:1:visit",
        root_id="o1",
        step="manual",
        what="visit the site",
        actions=[TaskAction.COMPLETE],
        created_at=NOW,
    )
    resolution = Resolution(action=TaskAction.COMPLETE, at=NOW, by="ada")
    done = task.model_copy(update={"state": TaskState.RESOLVED, "resolution": resolution})
    activities, store = TaskActivities(TaskStore(database)), TaskStore(database)
    await perform(activities.keep_task, task)
    assert await store.get(task.id) == task
    for each in (done, done, task):
        await perform(activities.keep_task, each)
    assert await store.get(task.id) == done


async def test_a_request_to_cancel_is_settled_once(database: Database) -> None:
    store = CancelStore(database)
    await store.open(OrderKind.PRODUCT, "c1", "o1", {"id": "c1", "state": "acknowledged", **ORDER}, NOW)
    activities = CancellationActivities(store)
    refused = SettleCancellation(
        kind=OrderKind.PRODUCT,
        task="c1",
        state="terminatedWithError",
        attributes={"completionMessage": "activate Internet access has begun"},
    )
    late = SettleCancellation(kind=OrderKind.PRODUCT, task="c1", state="inProgress")
    for each in (refused, refused, late):
        await perform(activities.settle_cancellation, each)
    assert await store.get(OrderKind.PRODUCT, "c1") == {
        "id": "c1",
        "state": "terminatedWithError",
        "completionMessage": "activate Internet access has begun",
        **ORDER,
    }
