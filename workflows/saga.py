"""The saga: what runs as a graph is undone as the same graph, backwards.

Each node of the graph has a `Saga` of its own, in which it registers each step's undo *before* it takes the step. A
failure for good takes other nodes with it (their sagas too are undone), the rest goes on. One mechanism serves all
three levels: the nodes are service orders and products, services, or resources.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from activities.inventory import Expectation
from orders.graph import Graph, in_order, ready, reverse
from orders.outcome import Residue
from orders.task import TaskAction
from workflows.failures import RESIDUE, explain

T = TypeVar("T")
Undo = Callable[[], Awaitable[None]]
Stuck = Callable[[Residue, FailureError], Awaitable[TaskAction]]
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
        """Register how to take back a step that is about to be taken in `system` on `target`."""
        self.steps.append((step, system, target, undo))

    def expect(self, expectation: Expectation) -> None:
        """Register what inventory must show once all is undone."""
        self.expected.append(expectation)

    async def undo(self, stuck: Stuck) -> list[Residue]:
        """Take the steps back, last first, and return what could not be taken back.

        Nothing is given back that is still in use: where one step's undo is given up, those before it stay, and are
        part of what is returned.
        """
        while self.steps:
            step, system, target, undo = self.steps[-1]
            try:
                await undo()
            except FailureError as error:
                left = Residue(step=step, system=system, target=target, message=explain(error, step).message)
                match await stuck(left, error):
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


class SagaGraph:
    """Runs a graph as parallel as its dependencies allow, and undoes what a failure or a cancellation takes with it.

    An amendment gives it another graph while it runs.
    """

    def __init__(
        self,
        graph: Graph,
        do: Callable[[str, Saga], Coroutine[Any, Any, None]],
        *,
        taken_by_failure: Callable[[str], Collection[str]],
        read_back: Callable[[list[Expectation]], Awaitable[list[Residue]]],
        stuck: Stuck,
        changed: Callable[[], None],
    ) -> None:
        self.graph = graph
        self.started: dict[str, None] = {}
        """The nodes that have begun, first to last: what they did is undone when they are withdrawn."""
        self.again: set[str] = set()
        """Nodes that were done, and wait to run once more; `started` has them still."""
        self.done: set[str] = set()
        self.withdrawn: set[str] = set()
        self.failures: dict[str, BaseException] = {}
        """Why nodes failed, also while they were being stopped for another's sake."""
        self.failed_at: dict[str, datetime] = {}
        self.residue: list[Residue] = []
        self.ended = False
        """Whether the graph has run to its end, or has been stopped: no amendment comes in any more."""
        self._do = do
        self._taken_by_failure = taken_by_failure
        self._read_back = read_back
        self._stuck = stuck
        self._changed = changed
        self._sagas: dict[str, Saga] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._undoing: dict[asyncio.Task[None], set[str]] = {}
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Run until every node is done or withdrawn. Failures are kept in `failures`, what undos left in `residue`."""
        self._start_ready()
        while self._running or self._undoing:
            self._woken.clear()
            woken = asyncio.create_task(self._woken.wait())
            pending: list[asyncio.Task[Any]] = [*self._running.values(), *self._undoing, woken]
            try:
                await workflow.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            finally:
                woken.cancel()
            self._settle()
            self._start_ready()
            self._changed()
        self.ended = True

    @property
    def undoing(self) -> bool:
        """Whether anything is being undone."""
        return bool(self._undoing)

    def stop(self) -> None:
        """Begin to undo every node that has started; nothing of what runs goes on to its next step."""
        self.ended = True
        self._withdraw({*self.graph, *self.started} - self.withdrawn)

    async def undone(self) -> None:
        """Wait until all that was withdrawn is undone."""
        await asyncio.gather(*self._undoing)

    def amend(self, graph: Graph, *, taken_back: Collection[str], again: Collection[str]) -> None:
        """Go on with another graph.

        What is `taken_back` is undone, and then done anew where the graph still has it; `again` names nodes that are
        done and run once more, on top of what they did.
        """
        before = self.graph
        self.graph = graph
        self.again.update(again)
        self.done.difference_update(again)
        # What an earlier amendment takes back still, is done anew by this graph.
        keys = {key for key in taken_back if key in self.started and not self.is_being_undone(key)}
        self.again -= keys
        self.done -= keys
        if keys:
            undoing = asyncio.create_task(self._take_back(before, keys, self._stopped(keys)))
            self._undoing[undoing] = keys
        self._woken.set()

    def is_being_undone(self, key: str) -> bool:
        return key in self.withdrawn or any(key in keys for keys in self._undoing.values())

    async def _take_back(self, graph: Graph, keys: set[str], running: dict[str, asyncio.Task[None]]) -> None:
        await self._undo(graph, keys, running, [])
        self.started = {key: None for key in self.started if key not in keys or key in self.withdrawn}
        for key in keys - self.withdrawn:
            self._sagas.pop(key)
            self.failures.pop(key, None)

    def _start_ready(self) -> None:
        for key in ready(self.graph, self.done, {*self.started, *self.withdrawn} - self.again):
            self.again.discard(key)
            self.started[key] = None
            saga = self._sagas.setdefault(key, Saga())
            self._running[key] = asyncio.create_task(self._do(key, saga))

    def _settle(self) -> None:
        for key, task in list(self._running.items()):
            if key not in self._running or not task.done():
                continue
            del self._running[key]
            error = _failure_of(task)
            if error is None:
                self.done.add(key)
            else:
                self._failed(key, error)
                self.residue += explain(error, key).residue
                self._withdraw(set(self._taken_by_failure(key)) - self.withdrawn)
        for task in [task for task in self._undoing if task.done()]:
            del self._undoing[task]
            task.result()

    def _failed(self, key: str, error: BaseException) -> None:
        self.failures[key] = error
        self.failed_at[key] = workflow.now()

    def _withdraw(self, keys: set[str]) -> None:
        self.withdrawn |= keys
        self.again -= keys
        self.done -= keys
        before = [task for task, others in self._undoing.items() if others & keys]
        mine = {key for key in self.started if key in keys}
        undoing = asyncio.create_task(self._undo(self.graph, mine, self._stopped(keys), before))
        self._undoing[undoing] = keys

    def _stopped(self, keys: Collection[str]) -> dict[str, asyncio.Task[None]]:
        """Cancel what runs of `keys`, and return it in its order."""
        running = {key: self._running.pop(key) for key in list(self._running) if key in keys}
        for task in running.values():
            task.cancel()
        return running

    async def _undo(
        self, graph: Graph, keys: set[str], running: dict[str, asyncio.Task[None]], before: list[asyncio.Task[None]]
    ) -> None:
        for key, task in running.items():
            await workflow.wait([task])
            if (error := _failure_of(task)) is None:
                continue
            told = explain(error, "cancel")
            self.residue += told.residue
            if not is_cancelled_exception(error) and told.code != RESIDUE:
                self._failed(key, error)
        for task in before:
            await workflow.wait([task])
        started = [key for key in self.started if key in keys and key in self._sagas]
        graph = {**{key: [] for key in started}, **graph}
        self.residue += await _undo_in_order(reverse(graph, started), self._sagas, self._stuck)
        left = {each.target for each in self.residue}
        expected = [
            each for key in started for each in self._sagas[key].expected if f"{each.kind} {each.id}" not in left
        ]
        if expected:
            self.residue += await self._read_back(expected)
        for key in started:
            self._sagas[key].expected.clear()


async def _undo_in_order(graph: Graph, sagas: dict[str, Saga], stuck: Stuck) -> list[Residue]:
    """Undo each node's saga once those that depended on it are undone, and return what all of them left."""
    tasks: dict[str, asyncio.Task[list[Residue]]] = {}

    async def undo(key: str) -> list[Residue]:
        await asyncio.gather(*(tasks[need] for need in graph[key]))
        return await sagas[key].undo(stuck)

    for key in in_order(graph):
        tasks[key] = asyncio.create_task(undo(key))
    return [residue for left in await asyncio.gather(*tasks.values()) for residue in left]


def _failure_of(task: asyncio.Task[None]) -> BaseException | None:
    """Return the failure or cancellation that ended a task, or None; an error of our own making is raised."""
    if task.cancelled():
        return asyncio.CancelledError()
    error = task.exception()
    if error is not None and not isinstance(error, FailureError | asyncio.CancelledError):
        raise error
    return error


async def carried_out(task: asyncio.Task[T], *, cancellable: bool = True) -> T:
    """Wait for a task to its end and return its result, even if a cancellation of the caller arrives meanwhile.

    The cancellation is passed on to the task where it is `cancellable`; the caller asks `stop_if_cancelled` before its
    next step. So what was done is always known to the saga, also when both arrive in one moment.
    """
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if cancellable and not task.done():
                task.cancel()
        except FailureError:
            break
    return task.result()
