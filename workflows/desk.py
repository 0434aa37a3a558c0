"""The tasks that an order's workflow has for people: asked, kept in the order store, and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import workflow

from catalogs.given_values import faults_of_values
from orders.policy import OnFailure
from orders.task import Resolution, Task, TaskAction, TaskState
from workflows.messages import Asked, Complete, Reschedule, Resolve
from workflows.refusals import RefusedError
from workflows.saga import stop_if_cancelled
from workflows.waiting import came

Parse = Callable[[dict[str, Any]], Any]
"""Makes the values that come with a completion into what the step would have given; ValueError says what is missing."""


@dataclass
class TaskDesk:
    """The open tasks of one workflow. Each change is kept; `changed` tells the order and those above it."""

    keep: Callable[[Task], Coroutine[Any, Any, None]]
    changed: Callable[[], None]
    errand: Callable[[Awaitable[Any]], None]
    """Has something done on the side: what is kept last is kept even where nobody waits for it any more."""
    count: int = 0
    open: dict[str, Task] = field(default_factory=dict)
    _parse: dict[str, Parse] = field(default_factory=dict)

    async def ask(self, task: Task, parse: Parse, then: OnFailure | None = None) -> Resolution:
        """Open a task and wait until it is settled, or until it is due, where a second policy decides `then`."""
        self.open[task.id] = task
        self._parse[task.id] = parse
        try:
            self.changed()
            await self.keep(task)
            await self._settled(task.id, then)
        except asyncio.CancelledError:
            self.open[task.id] = self.open[task.id].model_copy(update={"state": TaskState.WITHDRAWN})
            await self._close(task.id)
            raise
        settled = await self._close(task.id)
        assert settled.resolution is not None
        return settled.resolution

    async def _close(self, task_id: str) -> Task:
        closed = self.open.pop(task_id)
        self.changed()
        keeping = asyncio.create_task(self.keep(closed))
        self.errand(keeping)
        await asyncio.shield(keeping)
        return closed

    def task_id(self, order_id: str) -> str:
        """Return the id of the next task."""
        self.count += 1
        return f"{order_id}!{self.count}"

    def settle(self, word: Resolve | Complete) -> None:
        """Settle an open task as a person says.

        Raises:
            RefusedError: when there is no such task, or it cannot be settled so.
        """
        task = self.find(word.task)
        check_settlement(task.id, asked_by(task), word)
        action = action_of(word)
        if action == TaskAction.COMPLETE:
            try:
                self._parse[task.id](word.values)
            except ValueError as error:
                raise RefusedError(
                    f"task {task.id} ({task.what}) is not complete without its values: {error}"
                ) from error
        self._resolve(task, Resolution(action=action, at=workflow.now(), **word.model_dump(include=_OF_A_PERSON)))

    def reschedule(self, word: Reschedule) -> None:
        """Plan an open manual task for another date.

        Raises:
            RefusedError: when there is no such task.
        """
        task = self.find(word.task)
        self.open[task.id] = task.model_copy(update={"due_at": word.due_at})
        self.changed()

    def find(self, task_id: str | None) -> Task:
        """Return an open task, the only one where no id is given.

        Raises:
            RefusedError: when there is none, or more than one to choose from.
        """
        # One that was settled a moment ago is among them until it is kept.
        unsettled = {key: task for key, task in self.open.items() if task.state == TaskState.OPEN}
        if task_id is None and len(unsettled) == 1:
            return next(iter(unsettled.values()))
        if task_id is None:
            raise RefusedError(
                f"which task? Name it by `task`; open are: {', '.join(unsettled)}"
                if unsettled
                else "no task is open here: nothing of this order waits to be settled"
            )
        if task_id not in unsettled:
            raise RefusedError(f"task {task_id} is not open here; it has been settled, or there is none with that id")
        return unsettled[task_id]

    def _resolve(self, task: Task, resolution: Resolution) -> None:
        self.open[task.id] = task.model_copy(update={"state": TaskState.RESOLVED, "resolution": resolution})

    async def _settled(self, task_id: str, then: OnFailure | None) -> None:
        """Wait for a person, and keep each new date; decide by the second policy when the task is due."""
        while self.open[task_id].state == TaskState.OPEN:
            stop_if_cancelled()
            task = self.open[task_id]
            patience = max(task.due_at - workflow.now(), timedelta()) if then and task.due_at else None
            if not await came(partial(self._is_another, task), patience, f"task {task_id}: {task.what}"):
                action = TaskAction.ROLLBACK if then == OnFailure.ROLLBACK else TaskAction.FAIL
                self._resolve(
                    task, Resolution(action=action, at=workflow.now(), reason="nobody has settled it in time")
                )
                return
            if self.open[task_id].state == TaskState.OPEN:
                await self.keep(self.open[task_id])

    def _is_another(self, task: Task) -> bool:
        return self.open[task.id] is not task


def action_of(word: Resolve | Complete) -> TaskAction:
    return word.action if isinstance(word, Resolve) else TaskAction.COMPLETE


def asked_by(task: Task) -> Asked:
    """Return what a task asks of people."""
    return Asked(what=task.what, actions=task.actions, wanted=task.wanted)


def check_settlement(task_id: str, asked: Asked, word: Resolve | Complete) -> None:
    """Let a word pass that settles a task as it asks.

    Raises:
        RefusedError: when the task cannot be settled so, or values are missing or wrong; each is named.
    """
    action = action_of(word)
    if action not in asked.actions:
        ways = ", ".join(asked.actions)
        raise RefusedError(f"task {task_id} ({asked.what}) cannot be settled by {action}; it can by: {ways}")
    if action == TaskAction.COMPLETE and asked.wanted is not None:
        faults = faults_of_values(asked.wanted, word.values)
        if faults and workflow.patched("values-are-checked"):
            raise RefusedError(f"task {task_id} ({asked.what}) is not complete with these values: {'; '.join(faults)}")


_OF_A_PERSON = {"by", "reason", "values"}
