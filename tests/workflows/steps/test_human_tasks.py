"""A workflow says which tasks there are to choose from, and when there is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orders.lifecycle.states import OrderKind
from orders.model.task import Task, TaskAction, TaskKind
from tests.workflows.parts import context_of
from workflows.contracts.refusals import RefusedError
from workflows.parts.human_tasks import HumanTasks


def _task(number: int) -> Task:
    return Task(
        id=f"abc:{number}:visit!1",
        kind=TaskKind.MANUAL,
        workflow_id="po:abc",
        order_kind=OrderKind.PRODUCT,
        order_id="abc",
        root_id="abc",
        step="visit",
        what="visit",
        actions=[TaskAction.COMPLETE],
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


def _tasks(*numbers: int) -> HumanTasks:
    tasks = HumanTasks(context_of(OrderKind.PRODUCT, "abc"))
    tasks.open = {task.id: task for task in map(_task, numbers)}
    return tasks


def test_with_nothing_open_no_task_is_asked_for() -> None:
    with pytest.raises(RefusedError, match="no task is open here: nothing of this order waits to be settled"):
        _tasks().find(None)


def test_the_only_task_needs_no_name_and_several_are_named() -> None:
    assert _tasks(1).find(None).id == "abc:1:visit!1"
    with pytest.raises(RefusedError, match=r"which task\? Name it by `task`; open are: abc:1:visit!1, abc:2:visit!1"):
        _tasks(1, 2).find(None)
