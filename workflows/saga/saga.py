"""The saga: what runs as a graph is undone as the same graph, backwards.

Each node of the graph has a `Saga` of its own, in which it registers each step's undo *before* it takes the step. A
failure for good takes other nodes with it (their sagas too are undone), the rest goes on. One mechanism serves all
three levels: the nodes are service orders and products, services, or resources.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from temporalio.exceptions import FailureError

from activities.expectations import Expectation
from orders.model.task import TaskAction
from orders.plan.outcome import Residue
from workflows.failures import explain

T = TypeVar("T")
Undo = Callable[[], Awaitable[None]]
UndoFailed = Callable[[Residue, FailureError], Awaitable[TaskAction]]
"""Asks a person what to do about an undo that has failed for good; its residue is what is left if it is given up."""


def is_cancelling() -> bool:
    """Return whether the running branch is being cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def stop_if_cancelled() -> None:
    """End the running branch here if it is being cancelled; asked before each step, and before a branch is done."""
    if is_cancelling():
        raise asyncio.CancelledError


@dataclass
class Saga:
    """The undo of one branch, last step first."""

    steps: list[tuple[str, str, str, Undo]] = field(default_factory=list)
    expected: list[Expectation] = field(default_factory=list)

    def add(self, step: str, undo: Undo, *, system: str, target: str) -> None:
        """Register how to undo a step that is about to be taken in `system` on `target`."""
        self.steps.append((step, system, target, undo))

    def expect(self, expectation: Expectation) -> None:
        """Register what a system must show once all is undone."""
        self.expected.append(expectation)

    async def undo(self, undo_failed: UndoFailed) -> list[Residue]:
        """Undo the steps, last first, and return what could not be undone.

        Nothing is released that is still in use: where one step's undo is given up, those before it stay, and are
        part of what is returned.
        """
        while self.steps:
            step, system, target, undo = self.steps[-1]
            try:
                await undo()
            except FailureError as error:
                left = Residue(step=step, system=system, target=target, message=explain(error, step).message)
                match await undo_failed(left, error):
                    case TaskAction.RETRY:
                        continue
                    case TaskAction.FAIL | TaskAction.ROLLBACK:
                        return [left, *self._not_tried(step)]
            self.steps.pop()
        return []

    def _not_tried(self, failed: str) -> list[Residue]:
        return [
            Residue(step=step, system=system, target=target, message=f"not tried, since {failed} failed")
            for step, system, target, _ in reversed(self.steps[:-1])
        ]


async def carried_out(
    task: asyncio.Task[T], *, cancellable: bool = True, stop: Callable[[], object] | None = None
) -> T:
    """Wait for a task to its end and return its result, even if a cancellation of the caller arrives meanwhile.

    The cancellation is passed on to the task where it is `cancellable`, by `stop` where that is given; the caller
    asks `stop_if_cancelled` before its next step. So what was done is always known to the saga, also when both arrive
    in one moment.
    """
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if cancellable and not task.done():
                (stop or task.cancel)()
        except FailureError:
            break
    return task.result()
