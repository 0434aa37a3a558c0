"""Tasks for people, kept where they can be found: millisecond work on our own tables, run as local activities."""

from __future__ import annotations

from temporalio import activity

from orders.model.task import Task
from store.tasks import TaskStore


class TaskActivities:
    """What workflows tell the order store of the people they wait for."""

    def __init__(self, tasks: TaskStore) -> None:
        self._tasks = tasks

    @activity.defn
    async def keep_task(self, task: Task) -> None:
        """Write a task as it is now; one that is settled already stays as it was settled."""
        await self._tasks.save(task)
