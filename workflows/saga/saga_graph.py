"""A graph of sagas: nodes run as parallel as their dependencies allow, and are undone as the same graph, backwards.

A failure for good takes other nodes with it (their sagas too are undone), the rest goes on. One mechanism serves all
three levels: the nodes are service orders and products, services, or resources.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import nullcontext, suppress
from datetime import datetime
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from activities.expectations import Expectation
from orders.plan.graph import DependencyGraph, Graph, Scheduler, in_order
from orders.plan.outcome import Residue
from workflows.contracts import policies
from workflows.contracts.carried import SagaState
from workflows.failures import RESIDUE, explain, order_failed
from workflows.saga.saga import Saga, UndoFailed
from workflows.saga.sagas import Sagas, UndoneTogether
from workflows.saga.window import Window

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
        goes_on: Callable[[], Awaitable[None]],
        window: Window,
    ) -> None:
        """Make it without a graph, which comes when it is run.

        Args:
            caught_up: waits until all local calls are known that were begun; a failure stops others then only.
            read_back: compares the systems with what they must show after an undo, and returns what was left.
            undo_failed: asks a person about an undo that has failed.
            changed: is told which nodes have ended, were withdrawn, or are to run again.
            goes_on: waits while nothing new is to be begun.
            window: says how many nodes are undone at a time.
        """
        self.failures: dict[str, BaseException] = {}
        """Why nodes failed, also while they were being stopped for another's sake."""
        self.failed_at: dict[str, datetime] = {}
        self.residue: list[Residue] = []
        self.ended = False
        """Whether the graph has run to its end, or has been stopped: no amendment comes in any more."""
        self.has_begun = False
        self.sagas = Sagas()
        self._scheduler = Scheduler({})
        self._do: Do = _nothing_to_do
        self._taken_by_failure: Callable[[str], Collection[str]] = lambda key: {key}
        self._caught_up = caught_up
        self._read_back = read_back
        self._undo_failed = undo_failed
        self._changed = changed
        self._goes_on = goes_on
        self._window = window
        self._resumed: SagaState | None = None
        self._gone_on: set[str] = set()
        """Nodes that ran in an earlier run of the workflow, and go on in this one."""
        self._running: dict[str, asyncio.Task[None]] = {}
        self._undoing: dict[asyncio.Task[None], UndoneTogether] = {}
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
        self.begin(graph, do, taken_by_failure=taken_by_failure)
        await self.finished()

    def begin(self, graph: Graph, do: Do, *, taken_by_failure: Callable[[str], Collection[str]]) -> None:
        """Begin to run a graph, or go on with it where an earlier run of the workflow has come to; as `run` does."""
        self.has_begun = True
        self._do, self._taken_by_failure = do, taken_by_failure
        self._scheduler.follow(graph)
        if self._resumed is not None:
            self._go_on_from(self._resumed)
        self._start_ready()

    async def finished(self) -> None:
        """Wait until every node is done or withdrawn."""
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

    @property
    def running(self) -> Collection[str]:
        """The nodes that run."""
        return self._running.keys()

    @property
    def stopping(self) -> list[str]:
        """The nodes that are being stopped, and run until what they do now is done."""
        return [key for undo in self._undoing.values() for key in undo.stopping]

    @property
    def to_undo(self) -> set[str]:
        """The nodes that are being undone, and are not undone yet."""
        return {key for undo in self._undoing.values() for key in undo.started if key not in undo.undone}

    @property
    def settled(self) -> bool:
        """Whether a new run could go on from here: all that has ended is noted, and nothing is undone to be redone."""
        stopping = [task for undo in self._undoing.values() for task in undo.stopping.values()]
        if any(task.done() for task in stopping) or any(undo.anew for undo in self._undoing.values()):
            return False
        if self.ended:
            return True
        tasks = (*self._running.values(), *self._undoing)
        return not (self._to_settle or self._woken.is_set() or any(task.done() for task in tasks))

    def state(self, steps: Callable[[str], list[dict[str, Any]]], names: Mapping[str, str]) -> SagaState:
        """Return how far the graph is, for a new run of the workflow.

        Args:
            steps: tells what a node did.
            names: how nodes are called, where they have names.
        """
        failures = {key: explain(error, names.get(key, key)) for key, error in self.failures.items()}
        return SagaState(
            started=list(self.started),
            done=sorted(self.done),
            withdrawn=sorted(self.withdrawn),
            again=sorted(self.again),
            running={key: steps(key) for key in (*self._running, *self.stopping)},
            failures=failures,
            failed_at=self.failed_at,
            residue=self.residue,
            undoing=[undo.state() for task, undo in self._undoing.items() if not task.done()],
            ended=self.ended,
        )

    def resume(self, state: SagaState) -> None:
        """Take up where an earlier run has come to; `begin` goes on from there."""
        self._resumed = state
        self._scheduler = Scheduler.going_on(
            started=state.started, done=state.done, withdrawn=state.withdrawn, again=state.again
        )
        self.failures = {key: order_failed(failure) for key, failure in state.failures.items()}
        self.failed_at, self.residue, self.ended = dict(state.failed_at), list(state.residue), state.ended
        self.has_begun = True
        to_undo = {key for undo in state.undoing for key in undo.keys if key not in undo.undone}
        self.sagas.forgotten = set(state.started) - set(state.running) - (set(state.withdrawn) - to_undo)

    def _go_on_from(self, state: SagaState) -> None:
        """Run again what ran, and undo what was being undone."""
        for key in state.started:
            if key in state.running and key not in self.withdrawn:
                self._gone_on.add(key)
                self._start(key)
        for each in state.undoing:
            undo = UndoneTogether(each.keys, self._scheduler.in_start_order(each.keys), {})
            undo.undone, undo.expected = set(each.undone), list(each.expected)
            for key in each.stopping:
                task = undo.stopping[key] = self._task(key, partial(self._do, key, self.sagas[key]))
                # It is found where it was, before it is stopped once more.
                asyncio.get_running_loop().call_soon(task.cancel)
            before = [task for task, other in self._undoing.items() if not other.undone.issuperset(each.keys)]
            self._begin_undo(undo, partial(self._undo, self._scheduler.graph, undo, before))

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
            together = UndoneTogether(keys, keys, self._stopped(keys), anew=True)
            self._begin_undo(together, partial(self._undo_to_do_anew, before, together))
        self._woken.set()

    def is_being_undone(self, key: str) -> bool:
        return key in self.withdrawn or key in self._undone_by

    async def _undo_to_do_anew(self, graph: DependencyGraph, undo: UndoneTogether) -> None:
        await self._undo(graph, undo, [])
        self._scheduler.reset(undo.keys)
        for key in undo.keys:
            if key not in self.withdrawn:
                self.sagas.drop(key)
                self.failures.pop(key, None)

    def _start_ready(self) -> None:
        for key in self._scheduler.start_ready():
            self._start(key)

    def _start(self, key: str) -> None:
        saga = self.sagas.begin(key)
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
        started = self._scheduler.in_start_order(new)
        before = list(dict.fromkeys(self._undone_by[key] for key in started if key in self._undone_by))
        undo = UndoneTogether(new, started, self._stopped(new))
        self._begin_undo(undo, partial(self._undo, self._scheduler.graph, undo, before))

    def _stopped(self, keys: Iterable[str]) -> dict[str, asyncio.Task[None]]:
        """Cancel what runs of `keys`, and return it in its order."""
        running = {key: self._running.pop(key) for key in self._scheduler.in_start_order(keys) if key in self._running}
        for key, task in running.items():
            if key in self._gone_on:
                # It may be about to find what runs of it, and then stops that.
                asyncio.get_running_loop().call_soon(task.cancel)
            else:
                task.cancel()
        return running

    def _begin_undo(self, undo: UndoneTogether, work: Callable[[], Awaitable[None]]) -> None:
        task = self._task(None, work)
        self._undoing[task] = undo
        self._undone_by.update(dict.fromkeys(undo.keys, task))

    def _end_undo(self, task: asyncio.Task[None]) -> None:
        for key in self._undoing.pop(task).keys:
            self._to_tell[key] = None
            if self._undone_by.get(key) is task:
                del self._undone_by[key]
        task.result()

    async def _undo(self, graph: DependencyGraph, undo: UndoneTogether, before: list[asyncio.Task[None]]) -> None:
        """Undo nodes against the direction of the graph, once what runs of them has stopped.

        Args:
            before: undos that have nodes of these, which are waited for.
        """
        await self._have_stopped(undo)
        for task in before:
            await workflow.wait([task])
        left_to_undo = [key for key in undo.started if key not in undo.undone]
        await self.sagas.remember(left_to_undo)
        await self._undo_in_order(graph, [key for key in left_to_undo if key in self.sagas], undo)
        left = {each.target for each in self.residue}
        expected = [each for each in undo.expected if each.target not in left]
        if expected:
            self.residue += await self._read_back(expected)

    async def _have_stopped(self, undo: UndoneTogether) -> None:
        """Wait until what ran of nodes has stopped, and take note of how it failed meanwhile."""
        while undo.stopping:
            await workflow.wait(undo.stopping.values(), return_when=asyncio.FIRST_COMPLETED)
            for key in [key for key, task in undo.stopping.items() if task.done()]:
                if (error := _failure_of(undo.stopping.pop(key))) is None:
                    continue
                told = explain(error, "cancel")
                self.residue += told.residue
                if not is_cancelled_exception(error) and told.code != RESIDUE:
                    self._failed(key, error)

    async def _undo_in_order(self, graph: DependencyGraph, keys: list[str], undo: UndoneTogether) -> None:
        """Undo each node's saga once those that depended on it are undone."""
        turned = graph.reverse(keys)
        tasks: dict[str, asyncio.Task[None]] = {}

        async def one(key: str) -> None:
            await asyncio.gather(*(tasks[need] for need in turned[key]))
            saga = self.sagas[key]
            async with self._window.place(key) if len(keys) > policies.FEW_PARTS else nullcontext():
                if not undo.anew:
                    await self._goes_on()
                left = await saga.undo(self._undo_failed)
            self.residue += left
            undo.undone.add(key)
            undo.expected += saga.expected
            saga.expected = []

        for key in in_order(turned):
            tasks[key] = asyncio.create_task(one(key))
        await asyncio.gather(*tasks.values())


def _failure_of(task: asyncio.Task[None]) -> BaseException | None:
    """Return the failure or cancellation that ended a task, or None; an error of our own making is raised."""
    if task.cancelled():
        return asyncio.CancelledError()
    error = task.exception()
    if error is not None and not isinstance(error, FailureError | asyncio.CancelledError):
        raise error
    return error
