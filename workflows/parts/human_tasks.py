"""Human tasks of an order's workflow: opened, kept in the order store, waited for, and settled by people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import workflow

from activities.tasks import TaskActivities
from catalogs.checks.given_values import faults_of_values
from orders.model.task import Resolution, Task, TaskAction, TaskKind, TaskState
from orders.plan.policy import OnFailure
from tmf.instants import timestamp
from workflows.contracts import policies
from workflows.contracts.payloads import Asked, Complete, Reschedule, Resolve
from workflows.contracts.refusals import RefusedError
from workflows.runtime.context import OrderContext
from workflows.runtime.waiting import wait_until
from workflows.saga.saga import stop_if_cancelled

Parse = Callable[[dict[str, Any]], Any]
"""Makes the values that come with a completion into what the step would have given; ValueError says what is missing."""


class HumanTasks:
    """The tasks of one workflow. Each change of one is kept, and told to the order and those above it."""

    def __init__(self, context: OrderContext) -> None:
        self.open: dict[str, Task] = {}
        self._context = context
        self.opened = 0
        """How many tasks there were so far."""
        self._rescheduled = 0
        self._carried: dict[tuple[TaskKind, str, str], Task] = {}
        """Tasks that were open in the run before; what they are about opens them again."""
        self._parse: dict[str, Parse] = {}

    def new(self, kind: TaskKind, step: str, what: str, actions: list[TaskAction], **more: Any) -> Task:
        """Return the next task of this workflow; `more` is what else a task has."""
        context = self._context
        before = self._carried.pop((kind, step, what), None)
        if before is None:
            self.opened += 1
        if self.opened > policies.MOST_TASKS_BELOW and workflow.info().parent is not None:
            actions = [action for action in actions if action != TaskAction.RETRY]
        return Task(
            id=before.id if before else f"{context.order_id}!{self.opened}",
            kind=kind,
            workflow_id=context.workflow_id,
            order_kind=context.kind,
            order_id=context.order_id,
            root_id=context.root_id,
            step=step,
            what=what,
            actions=actions,
            created_at=before.created_at if before else workflow.now(),
            **more,
        )

    def go_on_from(self, opened: int, tasks: list[Task]) -> None:
        """Go on where the run before has come to: these tasks were open."""
        self.opened = opened
        self._carried = {(task.kind, task.step, task.what): task for task in tasks}

    async def withdraw_carried(self) -> None:
        """Close those tasks of the run before that nothing has opened again."""
        while self._carried:
            _, task = self._carried.popitem()
            await self._keep(task.model_copy(update={"state": TaskState.WITHDRAWN}))

    async def ask(self, task: Task, parse: Parse, then: OnFailure | None = None) -> Resolution:
        """Open a task and wait until it is settled, or until it is due, where a second policy decides `then`."""
        self.open[task.id] = task
        self._parse[task.id] = parse
        try:
            self._context.changed()
            await self._keep(task)
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
        self._context.changed()
        keeping = asyncio.create_task(self._keep(closed))
        self._context.background.start(keeping)
        await asyncio.shield(keeping)
        return closed

    async def _keep(self, task: Task) -> None:
        await self._context.calls.local(TaskActivities.keep_task, task, f"task {task.id} is {task.state}")

    def waiting(self) -> list[Task]:
        """Return the open tasks that nobody has settled yet; one that was is open until that is kept."""
        return [task for task in self.open.values() if task.state == TaskState.OPEN]

    def note_resolution(self, task: Task, settled: Resolution) -> None:
        """Keep on the order who settled a task, how, and why."""
        who = settled.by or "the second policy"
        self._note(task, who, f"{task.what}: {settled.action} by {who}", settled.reason)

    def note_withdrawal(self, task: Task) -> None:
        """Keep on the order what failed, and waited for a person when the order needed it no more."""
        self._note(task, "ordersaga", f"{task.what}: not needed any more, while it waited for a person", task.error)

    def _note(self, task: Task, author: str, text: str, why: str | None) -> None:
        text += f": {why}" if why else ""
        tracker = self._context.tracker
        tracker.note(f"task {task.id}: {text}")
        tracker.tell("note", {"id": task.id, "author": author, "date": timestamp(workflow.now()), "text": text})

    def settle(self, command: Resolve | Complete) -> None:
        """Settle an open task as a person says.

        Raises:
            RefusedError: when there is no such task, or it cannot be settled so.
        """
        task = self.find(command.task)
        check_settlement(task.id, asked_by(task), command)
        action = action_of(command)
        if action == TaskAction.COMPLETE:
            try:
                self._parse[task.id](command.values)
            except ValueError as error:
                raise RefusedError(
                    f"task {task.id} ({task.what}) is not complete without its values: {error}"
                ) from error
        self._resolve(task, Resolution(action=action, at=workflow.now(), **command.model_dump(include=_OF_A_PERSON)))

    def reschedule(self, command: Reschedule) -> None:
        """Plan an open manual task for another date.

        Raises:
            RefusedError: when there is no such task, or they were planned anew too often.
        """
        task = self.find(command.task)
        if self._rescheduled >= policies.MOST_DATES:
            order_id, times = self._context.order_id, self._rescheduled
            raise RefusedError(f"tasks of order {order_id} were planned anew {times} times; complete it, or cancel it")
        self._rescheduled += 1
        self.open[task.id] = task.model_copy(update={"due_at": command.due_at})
        self._context.changed()

    def find(self, task_id: str | None) -> Task:
        """Return an open task, the only one where no id is given.

        Raises:
            RefusedError: when there is none, or more than one to choose from.
        """
        unsettled = {task.id: task for task in self.waiting()}
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
            if not await wait_until(partial(self._is_another, task), patience, f"task {task_id}: {task.what}"):
                action = TaskAction.ROLLBACK if then == OnFailure.ROLLBACK else TaskAction.FAIL
                self._resolve(
                    task, Resolution(action=action, at=workflow.now(), reason="nobody has settled it in time")
                )
                return
            if self.open[task_id].state == TaskState.OPEN:
                await self._keep(self.open[task_id])

    def _is_another(self, task: Task) -> bool:
        return self.open[task.id] is not task


def action_of(command: Resolve | Complete) -> TaskAction:
    return command.action if isinstance(command, Resolve) else TaskAction.COMPLETE


def asked_by(task: Task) -> Asked:
    """Return what a task asks of people."""
    return Asked(what=task.what, actions=task.actions, wanted=task.wanted)


def check_settlement(task_id: str, asked: Asked, command: Resolve | Complete) -> None:
    """Let a message pass that settles a task as it asks.

    Raises:
        RefusedError: when the task cannot be settled so, or values are missing or wrong; each is named.
    """
    action = action_of(command)
    if action not in asked.actions:
        ways = ", ".join(asked.actions)
        raise RefusedError(f"task {task_id} ({asked.what}) cannot be settled by {action}; it can by: {ways}")
    if action == TaskAction.COMPLETE and asked.wanted is not None:
        faults = faults_of_values(asked.wanted, command.values)
        if faults:
            raise RefusedError(f"task {task_id} ({asked.what}) is not complete with these values: {'; '.join(faults)}")


_OF_A_PERSON = {"by", "reason", "values"}
