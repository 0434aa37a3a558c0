"""The saga: what runs as a graph is undone as the same graph, backwards.

Each node of the graph has a `Saga` of its own, in which it registers each step's undo *before* it takes the step. A
failure for good takes other nodes with it (their sagas too are undone), the rest goes on. One mechanism serves all
three levels: the nodes are service orders and products, services, or resources.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError

from activities.inventory import Expectation
from orders.graph import Graph, in_order, ready, reverse
from orders.outcome import Residue
from workflows.failures import explain

T = TypeVar("T")
Undo = Callable[[], Awaitable[None]]


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

    async def undo(self) -> list[Residue]:
        """Take the steps back, last first, and return what could not be taken back.

        Nothing is given back that is still in use: where one step's undo fails for good, those before it stay, and
        are part of what is returned.
        """
        while self.steps:
            step, system, target, undo = self.steps[-1]
            try:
                await undo()
            except FailureError as error:
                blocked = explain(error, step).message
                return [
                    Residue(step=step, system=system, target=target, message=blocked),
                    *(
                        Residue(step=each, system=where, target=what, message=f"not tried, since {step} failed")
                        for each, where, what, _ in reversed(self.steps[:-1])
                    ),
                ]
            self.steps.pop()
        return []


class SagaGraph:
    """Runs a graph as parallel as its dependencies allow, and undoes what a failure or a cancellation takes with it."""

    def __init__(
        self,
        graph: Graph,
        do: Callable[[str, Saga], Coroutine[Any, Any, None]],
        *,
        taken_by_failure: Callable[[str], Collection[str]],
        read_back: Callable[[list[Expectation]], Awaitable[list[Residue]]],
        changed: Callable[[], None],
    ) -> None:
        self.graph = graph
        self.started: list[str] = []
        self.done: set[str] = set()
        self.withdrawn: set[str] = set()
        self.failures: dict[str, BaseException] = {}
        self.residue: list[Residue] = []
        self._do = do
        self._taken_by_failure = taken_by_failure
        self._read_back = read_back
        self._changed = changed
        self._sagas: dict[str, Saga] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._undoing: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Run until every node is done or withdrawn. Failures are kept in `failures`, what undos left in `residue`."""
        self._start_ready()
        while pending := [*self._running.values(), *self._undoing]:
            await workflow.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            self._settle()
            self._start_ready()
            self._changed()

    def stop(self) -> None:
        """Begin to undo every node that has started; nothing of what runs goes on to its next step."""
        self._withdraw(set(self.graph) - self.withdrawn)

    async def undone(self) -> None:
        """Wait until all that was withdrawn is undone."""
        await asyncio.gather(*self._undoing)

    def _start_ready(self) -> None:
        for key in ready(self.graph, self.done, {*self.started, *self.withdrawn}):
            self.started.append(key)
            self._sagas[key] = Saga()
            self._running[key] = asyncio.create_task(self._do(key, self._sagas[key]))

    def _settle(self) -> None:
        for key, task in list(self._running.items()):
            if not task.done():
                continue
            del self._running[key]
            error = _failure_of(task)
            if error is None:
                self.done.add(key)
            else:
                self.failures[key] = error
                self.residue += explain(error, key).residue
                self._withdraw(set(self._taken_by_failure(key)) - self.withdrawn)
        for task in [task for task in self._undoing if task.done()]:
            self._undoing.remove(task)
            task.result()

    def _withdraw(self, keys: set[str]) -> None:
        self.withdrawn |= keys
        self.done -= keys
        running = [self._running.pop(key) for key in self.graph if key in keys and key in self._running]
        for task in running:
            task.cancel()
        self._undoing.append(asyncio.create_task(self._undo([key for key in self.started if key in keys], running)))

    async def _undo(self, keys: list[str], running: list[asyncio.Task[None]]) -> None:
        for task in running:
            await workflow.wait([task])
            error = _failure_of(task)
            self.residue += explain(error, "cancel").residue if error else []
        self.residue += await _undo_in_order(reverse(self.graph, keys), self._sagas)
        left = {each.target for each in self.residue}
        expected = [each for key in keys for each in self._sagas[key].expected if f"{each.kind} {each.id}" not in left]
        if expected:
            self.residue += await self._read_back(expected)


async def _undo_in_order(graph: Graph, sagas: dict[str, Saga]) -> list[Residue]:
    """Undo each node's saga once those that depended on it are undone, and return what all of them left."""
    tasks: dict[str, asyncio.Task[list[Residue]]] = {}

    async def undo(key: str) -> list[Residue]:
        await asyncio.gather(*(tasks[need] for need in graph[key]))
        return await sagas[key].undo()

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
