"""The settlement of tasks by people: here, or passed on to the workflow below that waits for the task."""

from __future__ import annotations

from temporalio import workflow

from orders.lifecycle.admission import Message
from workflows.contracts.payloads import Complete, Reschedule, Resolve
from workflows.parts.children import Children
from workflows.parts.human_tasks import HumanTasks, check_settlement
from workflows.runtime.context import OrderContext


class Settlement:
    """Brings what a person says of a task to where it waits."""

    def __init__(self, context: OrderContext, tasks: HumanTasks, children: Children) -> None:
        self._context = context
        self._tasks = tasks
        self._children = children

    def settle(self, command: Resolve | Complete | Reschedule, message: Message) -> None:
        """Settle a task of this workflow, or pass the message on to the one that waits for it.

        Raises:
            RefusedError: when there is no such task, or it cannot be settled so.
        """
        self._context.admit(message)
        below = self._children.tasks()
        if command.task is None and len(below) == 1 and not self._tasks.open:
            command = command.model_copy(update={"task": next(iter(below))})
        waits = self._waits_at(command.task, below)
        if waits is not None:
            asked = self._children.asked().get(command.task or "")
            if asked and command.task and not isinstance(command, Reschedule):
                check_settlement(command.task, asked, command)
            handle = workflow.get_external_workflow_handle(waits)
            self._context.background.start(handle.signal(message.value, command))
        elif isinstance(command, Reschedule):
            self._tasks.reschedule(command)
        else:
            self._tasks.settle(command)

    def _waits_at(self, task: str | None, below: dict[str, str]) -> str | None:
        """Return the workflow below that waits for a task; None where it is one of this workflow, or of none."""
        if task is None or task in self._tasks.open:
            return None
        return below.get(task) or self._children.expected_at(task)
