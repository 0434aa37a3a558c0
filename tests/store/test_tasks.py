"""Tasks of people: kept while they are open, found by what they are about, never changed once they are settled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders.lifecycle.states import OrderKind
from orders.model.task import Resolution, Task, TaskAction, TaskKind, TaskState
from store.tasks import TaskFilter, TaskStore

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


def fallout(number: int, **fields: Any) -> Task:
    """The task of a step of item `1` that failed; each is a minute younger than the one before."""
    task = Task(
        id=f"o1:1:internet!{number}",
        kind=TaskKind.FALLOUT,
        workflow_id="po:o1:so:1:internet",
        order_kind=OrderKind.SERVICE,
        order_id="o1:1:internet",
        root_id="o1",
        item="access",
        step="activate",
        what="activate Internet access",
        system="activation",
        error_code="DownstreamError",
        error="the OLT is away: Größe 100 % unbekannt",
        attempts=6,
        actions=[TaskAction.RETRY, TaskAction.FAIL],
        created_at=NOW + timedelta(minutes=number),
    )
    return task.model_copy(update=fields)


def settled(task: Task, action: TaskAction) -> Task:
    resolution = Resolution(action=action, at=NOW + timedelta(hours=1), by="ada", reason="seen to")
    return task.model_copy(update={"state": TaskState.RESOLVED, "resolution": resolution})


async def ids(tasks: TaskStore, **wanted: Any) -> list[str]:
    return [task.id.rpartition("!")[2] for task in (await tasks.find(TaskFilter(**wanted))).tasks]


async def test_task_is_read_back_as_it_was(tasks: TaskStore) -> None:
    task = fallout(1, due_at=NOW + timedelta(days=2))
    assert await tasks.save(task)
    assert await tasks.get(task.id) == task
    assert await tasks.get("o1!2") is None
    assert await tasks.get("o1\0") is None


async def test_open_task_changes_and_a_settled_one_never_does(tasks: TaskStore) -> None:
    task = fallout(1)
    await tasks.save(task)
    assert await tasks.save(task.model_copy(update={"attempts": 7}))
    done = settled(task, TaskAction.RETRY)
    assert await tasks.save(done)
    assert not await tasks.save(done)
    assert not await tasks.save(task)
    assert not await tasks.save(settled(task, TaskAction.FAIL))
    assert await tasks.get(task.id) == done


async def test_task_that_is_settled_many_times_at_once_is_settled_once(tasks: TaskStore) -> None:
    await tasks.save(fallout(1))
    actions = [TaskAction.RETRY, TaskAction.FAIL, TaskAction.ROLLBACK] * 3
    kept = await asyncio.gather(*(tasks.save(settled(fallout(1), action)) for action in actions))
    assert sum(kept) == 1
    assert await tasks.get(fallout(1).id) == settled(fallout(1), actions[kept.index(True)])


async def test_tasks_are_found_by_all_that_they_are_about(tasks: TaskStore) -> None:
    manual = fallout(4, kind=TaskKind.MANUAL, step="manual", system=None, error_code=None, error=None)
    others = fallout(5, order_id="o2:1:voice", root_id="o2", item="voice", system="billing", error_code="noCharge")
    for task in (fallout(1), settled(fallout(2), TaskAction.FAIL), fallout(3), manual, others):
        await tasks.save(task)
    assert await ids(tasks) == ["1", "2", "3", "4", "5"]
    assert await ids(tasks, kind=TaskKind.MANUAL) == ["4"]
    assert await ids(tasks, state=TaskState.OPEN, order_id="o1") == ["1", "3", "4"]
    assert await ids(tasks, order_id="o2:1:voice") == ["5"]
    assert await ids(tasks, system="activation", state=TaskState.RESOLVED) == ["2"]
    assert await ids(tasks, step="activate", item="access") == ["1", "2", "3"]
    assert await ids(tasks, error_code="noCharge") == ["5"]
    assert await ids(tasks, order_id="o3") == []
    assert await ids(tasks, order_id="o1\0") == []


@pytest.mark.parametrize(("part", "found"), [("olt is", 1), ("100 % u", 1), ("%", 1), ("_", 0), ("o%t", 0)])
async def test_errors_are_found_by_a_part_of_their_text(tasks: TaskStore, part: str, found: int) -> None:
    await tasks.save(fallout(1))
    assert len(await ids(tasks, error=part)) == found


async def test_list_of_tasks_is_read_in_parts_with_the_count_of_all(tasks: TaskStore) -> None:
    for number in (3, 1, 2):
        await tasks.save(fallout(number))
    page = await tasks.find(TaskFilter(state=TaskState.OPEN), offset=1, limit=1)
    assert (page.total, [task.id for task in page.tasks]) == (3, ["o1:1:internet!2"])


async def test_rubbish_that_a_system_said_does_not_lose_the_task(tasks: TaskStore) -> None:
    await tasks.save(fallout(1, error="\0\ud83d"))
    kept = await tasks.get(fallout(1).id)
    assert kept is not None
    assert kept.error == "\ufffd\ufffd"
