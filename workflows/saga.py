"""The saga: what runs as a graph is undone as the same graph, backwards.

Each node of the graph has a `Saga` of its own, in which it registers each step's undo *before* it takes the step. A
failure for good takes other nodes with it (their sagas too are undone), the rest goes on. One mechanism serves all
three levels: the nodes are service orders and products, services, or resources.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from activities.inventory import Expectation
from orders.graph import DependencyGraph, Graph, Scheduler, in_order
from orders.outcome import Residue
from orders.task import TaskAction
from workflows.failures import RESIDUE, explain

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
        """Register what inventory must show once all is undone."""
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


Do = Callable[[str, Saga], Coroutine[Any, Any, None]]
"""Does what a node stands for, and registers its undo."""


async def _nothing_to_do(_key: str, _saga: Saga) -> None:
    """Do what a graph without nodes asks for."""


class SagaGraph:
    """Runs a graph as parallel as its dependencies allow, and undoes what a failure or a cancellation takes with it.

    An amendment gives it another graph while it runs.
    """

    def __init__(
        self,
        *,
        caught_up: Callable[[], Awaitable[None]],
        read_back: Callable[[list[Expectation]], Awaitable[list[Residue]]],
        undo_failed: UndoFailed,
        changed: Callable[[Collection[str]], None],
    ) -> None:
        """Make it without a graph, which comes when it is run.

        Args:
            caught_up: waits until all local calls are known that were begun; a failure stops others then only.
            read_back: compares inventory with what it must show after an undo, and returns what was left.
            undo_failed: asks a person about an undo that has failed.
            changed: is told which nodes have ended, were withdrawn, or are to run again.
        """
        self.failures: dict[str, BaseException] = {}
        """Why nodes failed, also while they were being stopped for another's sake."""
        self.failed_at: dict[str, datetime] = {}
        self.residue: list[Residue] = []
        self.ended = False
        """Whether the graph has run to its end, or has been stopped: no amendment comes in any more."""
        self.has_begun = False
        self._scheduler = Scheduler({})
        self._do: Do = _nothing_to_do
        self._taken_by_failure: Callable[[str], Collection[str]] = lambda key: {key}
        self._caught_up = caught_up
        self._read_back = read_back
        self._undo_failed = undo_failed
        self._changed = changed
        self._sagas: dict[str, Saga] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._undoing: dict[asyncio.Task[None], list[str]] = {}
        self._undone_by: dict[str, asyncio.Task[None]] = {}
        """Node that is being undone → the task that undoes it; of several the last, which waits for those before."""
        self._to_settle: list[tuple[str | None, asyncio.Task[None]]] = []
        """Tasks that have ended, first to last, with the node that they ran; None where they undid nodes."""
        self._to_tell: dict[str, None] = {}
        self._woken = asyncio.Event()

    @property
    def started(self) -> Collection[str]:
        """The nodes that have begun, first to last: what they did is undone when they are withdrawn."""
        return self._scheduler.started

    @property
    def done(self) -> Collection[str]:
        return self._scheduler.done

    @property
    def withdrawn(self) -> AbstractSet[str]:
        return self._scheduler.withdrawn

    @property
    def again(self) -> Collection[str]:
        """Nodes that were done, and wait to run once more; `started` has them still."""
        return self._scheduler.again

    async def run(self, graph: Graph, do: Do, *, taken_by_failure: Callable[[str], Collection[str]]) -> None:
        """Run a graph until every node is done or withdrawn: see `failures`, and `residue` for what undos left.

        Args:
            do: does what a node stands for, and registers its undo.
            taken_by_failure: which nodes, itself among them, a node's failure takes with it.
        """
        self.has_begun = True
        self._scheduler = Scheduler(graph)
        self._do, self._taken_by_failure = do, taken_by_failure
        self._start_ready()
        while self._running or self._undoing:
            await self._woken.wait()
            self._woken.clear()
            self._settle()
            self._start_ready()
            told, self._to_tell = self._to_tell, {}
            self._changed(told)
        self.ended = True

    @property
    def undoing(self) -> bool:
        """Whether anything is being undone."""
        return bool(self._undoing)

    def stop(self) -> None:
        """Begin to undo every node that has started; nothing of what runs goes on to its next step."""
        self.ended = True
        self._withdraw({*self._scheduler.graph.graph, *self.started})

    async def undone(self) -> None:
        """Wait until all that was withdrawn is undone."""
        await asyncio.gather(*self._undoing)

    def amend(self, graph: Graph, *, undo: Collection[str], again: Collection[str]) -> None:
        """Go on with another graph.

        What is to `undo` is undone, and then done anew where the graph still has it; `again` names nodes that are
        done and run once more, on top of what they did.
        """
        before = self._scheduler.graph
        # What an earlier amendment undoes still, is done anew by this graph.
        keys = self._scheduler.in_start_order(key for key in undo if not self.is_being_undone(key))
        self._scheduler.amend(graph, undo=keys, again=again)
        self._to_tell.update(dict.fromkeys([*again, *keys]))
        if keys:
            running = self._stopped(keys)
            self._begin_undo(keys, lambda: self._undo_to_do_anew(before, keys, running))
        self._woken.set()

    def is_being_undone(self, key: str) -> bool:
        return key in self.withdrawn or key in self._undone_by

    async def _undo_to_do_anew(
        self, graph: DependencyGraph, keys: list[str], running: dict[str, asyncio.Task[None]]
    ) -> None:
        await self._undo(graph, keys, running, [])
        self._scheduler.reset(keys)
        for key in keys:
            if key not in self.withdrawn:
                self._sagas.pop(key)
                self.failures.pop(key, None)

    def _start_ready(self) -> None:
        for key in self._scheduler.start_ready():
            saga = self._sagas.setdefault(key, Saga())
            self._running[key] = self._task(key, partial(self._do, key, saga))

    def _task(self, key: str | None, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Begin work on a node, or (None) an undo, which is settled once it has ended."""

        async def noted() -> None:
            try:
                await work()
            except FailureError:
                # One that is stopped meanwhile has failed all the same.
                with suppress(asyncio.CancelledError):
                    await self._caught_up()
                raise
            finally:
                if key is None or key in self._running:
                    self._to_settle.append((key, task))

        task = asyncio.create_task(noted())
        task.add_done_callback(lambda _: self._woken.set() if self._to_settle else None)
        return task

    def _settle(self) -> None:
        """Take note of what has ended; a failure takes other nodes with it."""
        ended, self._to_settle = self._to_settle, []
        for key, task in ended:
            if key is None:
                self._end_undo(task)
            elif self._running.get(key) is task:
                del self._running[key]
                self._to_tell[key] = None
                self._end_node(key, _failure_of(task))

    def _end_node(self, key: str, error: BaseException | None) -> None:
        if error is None:
            self._scheduler.finish(key)
        else:
            self._failed(key, error)
            self.residue += explain(error, key).residue
            self._withdraw(self._taken_by_failure(key))

    def _failed(self, key: str, error: BaseException) -> None:
        self.failures[key] = error
        self.failed_at[key] = workflow.now()

    def _withdraw(self, keys: Iterable[str]) -> None:
        """Begin to undo nodes, and let them start no more; of those that are withdrawn already nothing changes."""
        new = self._scheduler.in_graph_order(set(keys) - self.withdrawn)
        self._scheduler.withdraw(new)
        self._to_tell.update(dict.fromkeys(new))
        graph, started, running = self._scheduler.graph, self._scheduler.in_start_order(new), self._stopped(new)
        before = list(dict.fromkeys(self._undone_by[key] for key in started if key in self._undone_by))
        self._begin_undo(new, lambda: self._undo(graph, started, running, before))

    def _stopped(self, keys: Iterable[str]) -> dict[str, asyncio.Task[None]]:
        """Cancel what runs of `keys`, and return it in its order."""
        running = {key: self._running.pop(key) for key in self._scheduler.in_start_order(keys) if key in self._running}
        for task in running.values():
            task.cancel()
        return running

    def _begin_undo(self, keys: list[str], work: Callable[[], Awaitable[None]]) -> None:
        task = self._task(None, work)
        self._undoing[task] = keys
        self._undone_by.update(dict.fromkeys(keys, task))

    def _end_undo(self, task: asyncio.Task[None]) -> None:
        for key in self._undoing.pop(task):
            self._to_tell[key] = None
            if self._undone_by.get(key) is task:
                del self._undone_by[key]
        task.result()

    async def _undo(
        self,
        graph: DependencyGraph,
        keys: list[str],
        running: dict[str, asyncio.Task[None]],
        before: list[asyncio.Task[None]],
    ) -> None:
        """Undo nodes against the direction of the graph, once what runs of them has stopped.

        Args:
            keys: nodes that have started, first to last.
            before: undos that have nodes of these, which are waited for.
        """
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
        started = [key for key in keys if key in self._sagas]
        self.residue += await _undo_in_order(graph.reverse(started), self._sagas, self._undo_failed)
        left = {each.target for each in self.residue}
        expected = [
            each for key in started for each in self._sagas[key].expected if f"{each.kind} {each.id}" not in left
        ]
        if expected:
            self.residue += await self._read_back(expected)
        for key in started:
            self._sagas[key].expected.clear()


async def _undo_in_order(graph: Graph, sagas: dict[str, Saga], undo_failed: UndoFailed) -> list[Residue]:
    """Undo each node's saga once those that depended on it are undone, and return what all of them left."""
    tasks: dict[str, asyncio.Task[list[Residue]]] = {}

    async def undo(key: str) -> list[Residue]:
        await asyncio.gather(*(tasks[need] for need in graph[key]))
        return await sagas[key].undo(undo_failed)

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
