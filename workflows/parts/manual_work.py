"""Work that people do as a step of a service or resource: a site visit, a shipment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from temporalio import workflow
from temporalio.exceptions import FailureError

from orders.model.task import TaskAction, TaskKind
from orders.model.wanted import WantedValue
from orders.plan.parts import Characteristics, ManualWork, Step
from workflows.failures import not_done
from workflows.parts.human_tasks import HumanTasks
from workflows.parts.steps import Stepped, Steps
from workflows.runtime.context import OrderContext
from workflows.saga.saga import Saga, stop_if_cancelled


class Workable(Stepped, Protocol):
    """A service or resource of a plan, whose work people may do."""

    manual: ManualWork | None


class WorkOfPeople:
    """Has people do their part of an order's items."""

    def __init__(self, context: OrderContext, tasks: HumanTasks, steps: Steps) -> None:
        self._context = context
        self._tasks = tasks
        self._steps = steps

    async def done(self, item: Workable, saga: Saga, what: str) -> Characteristics:
        """Have people do their part of an item, where it has one; return the values that they give."""
        work = item.manual
        if work is None:
            return {}
        may_be_done = False

        async def undo() -> None:
            if work.undo and may_be_done:
                await self._asked(item, f"undo: {what} by people", work.undo, [], undoing=True)

        async def do() -> Characteristics:
            nonlocal may_be_done
            may_be_done = True
            try:
                return await self._asked(item, f"{what} by people", work.instructions, work.values)
            except FailureError:
                may_be_done = False
                raise

        saga.add("undo by hand", undo, system="people", target=what)
        as_given: Callable[[Characteristics], Characteristics] = dict
        given = await self._steps.take(item, Step.MANUAL, do, f"{what} by people", parse=as_given, wanted=work.values)
        return {name: value for name, value in given.items() if value is not None}

    async def _asked(
        self,
        item: Workable,
        what: str,
        instructions: str,
        wanted: list[WantedValue] | None,
        *,
        undoing: bool = False,
    ) -> Characteristics:
        """Ask people to do something, and wait until they say that it is done.

        Raises:
            ApplicationError: when they say that it cannot be done.
        """
        task = self._tasks.new(
            TaskKind.MANUAL,
            Step.MANUAL,
            what,
            [TaskAction.COMPLETE, TaskAction.FAIL],
            item=item.key,
            undoing=undoing,
            instructions=instructions,
            wanted=wanted,
            due_at=workflow.now() + item.policy.expected_duration,
        )
        settled = await self._tasks.ask(task, dict)
        stop_if_cancelled()
        self._tasks.note_resolution(task, settled)
        if settled.action != TaskAction.COMPLETE:
            raise not_done(what, settled.reason)
        return settled.values
