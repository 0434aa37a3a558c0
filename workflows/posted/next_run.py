"""A posted order goes on in a new run of its workflow before its history gets long, whatever runs below it meanwhile.

Its children outlive the run and are adopted by the next one. What its nodes have done is written into the saga log,
from which a later run takes what it needs to go on, to change, or to undo.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from temporalio import workflow

from activities.saga_log import ReadSagaLog, SagaLogActivities, WriteSagaLog
from orders.plan.plan_graph import PlanNode
from workflows.contracts import policies
from workflows.contracts.carried import Carried, RootOrderInput
from workflows.parts.assembly import OrderParts
from workflows.posted.dates import Dates
from workflows.posted.plan import OrderPlan
from workflows.saga.saga import Saga, carried_out

T = TypeVar("T")

_TIMELINE_CARRIED = 100
"""Lines of the timeline that a new run begins with."""
_NODES_AT_ONCE = 100
"""How many nodes one activity reads or writes."""
_MOMENT = timedelta(milliseconds=1)
"""After it a new workflow task has begun: all that was called locally before is in the history.

What is decided then is decided in a replay, too, where the ends of local calls may meet messages in another order.
Temporal takes about a second for the shortest of timers.
"""
_AT_ONCE = "new-run-at-once"
"""Patch: runs that began without it looked from time to time whether nodes called systems still. What runs locally when
a timer fires may have ended by then in a replay, which so starts another number of timers."""
_ONLY_THE_BEGUN = "new-run-waits-for-begun-nodes"
"""Patch: runs that began without it waited for nodes that had not begun, too, as long as their patience lasted."""
_LONGER = 4
"""By how much each pause is longer than the one before."""


class Realiser(Protocol):
    """Does what nodes of a plan stand for, and knows what it did."""

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        """Do what a node stands for, each step's undo registered with the saga before it."""

    def steps(self, key: str) -> list[dict[str, Any]]:
        """Return what was done of a node, first to last, for the saga log."""
        ...

    def recall(self, node: PlanNode, steps: list[dict[str, Any]], saga: Saga) -> None:
        """Know again what an earlier run of the workflow did of a node, with its undo."""


class NextRun:
    """Takes an order into the next run of its workflow, and out of the one before."""

    def __init__(self, parts: OrderParts[OrderPlan], dates: Dates, order: RootOrderInput) -> None:
        self.realiser: Realiser
        self._parts = parts
        self._context = parts.context
        self._plan = parts.structure
        self._saga = parts.saga
        self._dates = dates
        self._longest_history, self._parts_at_once = order.longest_history, order.parts_at_once
        self._carried: Carried | None = None
        self._saga.sagas.recall_by(self._recalled)

    @property
    def going_on(self) -> set[str]:
        """The nodes that had begun in the run before, and run still."""
        state = self._carried.saga if self._carried else None
        return {key for key in state.running if key in self._plan.begun} if state else set()

    async def through(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for something, and return its result; go on in a new run when the history gets long meanwhile.

        Raises:
            ContinueAsNewError: when it got long.
        """
        waiting = asyncio.create_task(work)
        try:
            while not waiting.done():
                await workflow.wait_condition(lambda: waiting.done() or self._history_is_long())
                if not waiting.done():
                    await self._begin(waiting)
        except asyncio.CancelledError:
            waiting.cancel()
            raise
        return waiting.result()

    def go_on_from(self, carried: Carried) -> None:
        """Go on where the run before has come to; the plan is still to be loaded."""
        parts, plan, dates = self._parts, self._plan, self._dates
        self._carried = carried
        self._context.tracker.carry_on(carried)
        plan.parents, plan.made_at, plan.begun = carried.parents, carried.made_at, dict(carried.begun)
        plan.is_carried, plan.awaits_start = True, carried.saga is None
        plan.revisions.update(carried.revisions)
        dates.requested_completion = carried.requested_completion
        dates.as_late_as_possible = carried.as_late_as_possible
        dates.is_late = carried.is_late
        if carried.priority:
            self._context.calls.priority = replace(workflow.info().priority, priority_key=carried.priority)
        parts.children.go_on_from(carried.children)
        parts.holds.go_on_from(carried)
        parts.tasks.go_on_from(carried.tasks_opened, carried.tasks)
        parts.points_of_no_return.passed = dict(carried.past)
        self._context.calls.unclear.go_on_from(carried.unclear)
        parts.cancellation.go_on_from(carried.cancellation)
        if carried.saga is not None:
            self._saga.resume(carried.saga)

    def recall_running(self) -> bool:
        """Know again what is being done; return whether a run before this one had begun with the plan."""
        state = self._carried.saga if self._carried else None
        if state is None:
            return False
        for key, steps in state.running.items():
            saga = Saga()
            self.realiser.recall(self._plan.nodes[key], steps, saga)
            self._saga.sagas.know(key, saga)
        return True

    async def _recalled(self, keys: Collection[str]) -> dict[str, Saga]:
        """Return the sagas of nodes that earlier runs have done."""
        sagas = {key: Saga() for key in keys}
        for some in _in_parts(list(keys)):
            request = ReadSagaLog(order_id=self._context.order_id, keys=some)
            summary = f"what {len(some)} nodes did"
            found = await self._context.calls.local(SagaLogActivities.read_saga_log, request, summary)
            for key in some:
                if key in found:
                    node, *steps = found[key]
                    self.realiser.recall(PlanNode.model_validate(node), steps, sagas[key])
        return sagas

    async def _begin(self, work: asyncio.Task[Any]) -> None:
        """Begin nothing new, wait for what cannot be interrupted, and go on in a new run, unless the work ends first.

        What is called through queues by then is called once more, with the same keys.

        Raises:
            ContinueAsNewError: when all is ready for that.
        """
        self._context.pausing = True
        self._parts.cancellation.interrupt()
        try:
            if not workflow.patched(_AT_ONCE):
                await self._calm_down()
            while not work.done():
                await workflow.wait_condition(lambda: work.done() or self._is_ready())
                await self._write_log()
                await self._context.background.settled()
                await self._context.tracker.flushed()
                if self._saga.has_begun:
                    await workflow.sleep(_MOMENT)
                if self._is_ready() and not (self._unwritten() or self._context.tracker.to_be_written):
                    workflow.continue_as_new(self._input())
        except workflow.ContinueAsNewError:
            # Nothing begins in this run any more, not even in its last moment.
            raise
        except BaseException:
            self._go_on()
            raise
        self._go_on()

    def _go_on(self) -> None:
        """Begin again what was not to be begun: there is no next run for now."""
        self._context.pausing = False
        self._parts.cancellation.go_on()

    async def _calm_down(self) -> None:
        """Wait for a while until no node calls a system by itself."""
        pause = _MOMENT
        while pause <= policies.PATIENCE_BEFORE_NEW_RUN and not await self._is_calm_after(pause):
            pause *= _LONGER

    async def _is_calm_after(self, pause: timedelta) -> bool:
        await workflow.sleep(pause, summary="calls that run, before a new run")
        return self._is_calm()

    async def forget_calls(self) -> None:
        """Forget which calls earlier runs have begun, which knew all of them; none is made before that is done."""
        workflow_id = self._context.workflow_id
        await self._context.calls.local(SagaLogActivities.forget_begun_calls, workflow_id, "forget earlier calls")
        await carried_out(asyncio.create_task(workflow.sleep(_MOMENT)), cancellable=False)

    def _history_is_long(self) -> bool:
        # What Temporal says of it may differ in a replay, where the ends of local activities come earlier.
        return self._context.calls.events >= self._longest_history

    def _is_calm(self) -> bool:
        """Return whether no node calls a system by itself; those that still wait for their beginning call none."""
        below = set(self._parts.children.running.values())
        running: Iterable[str] = self._saga.running
        if workflow.patched(_ONLY_THE_BEGUN):
            running = (key for key in running if key in self._plan.begun)
        return self._context.calls.idle and below.issuperset(running)

    def _is_ready(self) -> bool:
        """Return whether nothing would be lost: what runs is done once more, with the same keys, or by children."""
        below = set(self._parts.children.running.values())
        return (
            self._saga.settled
            and below.issuperset(self._saga.stopping)
            and self._parts.children.all_confirmed
            and self._context.calls.idle
            and self._context.background.idle
            and workflow.all_handlers_finished()
        )

    def _unwritten(self) -> list[str]:
        """Return the nodes that have done something which the saga log does not have."""
        runs = {*self._saga.running, *self._saga.stopping}
        stands = {*self._saga.done, *self._saga.again, *self._saga.to_undo}
        return [
            key for key in self._saga.sagas.unlogged if key in stands and key not in runs and self.realiser.steps(key)
        ]

    async def _write_log(self) -> None:
        for some in _in_parts(self._unwritten()):
            steps = {key: [self._node(key), *self.realiser.steps(key)] for key in some}
            request = WriteSagaLog(order_id=self._context.order_id, steps=steps)
            summary = f"what {len(some)} nodes did"
            await self._context.calls.local(SagaLogActivities.write_saga_log, request, summary)
            for key in some:
                self._saga.sagas.unlogged.pop(key, None)

    def _node(self, key: str) -> dict[str, Any]:
        return self._plan.nodes[key].model_dump(mode="json")

    def _input(self) -> RootOrderInput:
        context, plan, dates, parts = self._context, self._plan, self._dates, self._parts
        tracker, priority = context.tracker, context.calls.priority
        return RootOrderInput(
            order_id=context.order_id,
            revision=context.revision,
            requested_start_date=dates.requested_start,
            longest_history=self._longest_history,
            parts_at_once=self._parts_at_once,
            carried=Carried(
                state=tracker.state,
                version=tracker.version,
                items=tracker.items,
                names=tracker.names,
                parents=plan.parents,
                made_at=plan.made_at,
                timeline=tracker.timeline(_TIMELINE_CARRIED),
                remarks=tracker.remarks,
                requested_completion=dates.requested_completion,
                as_late_as_possible=dates.as_late_as_possible,
                priority=priority.priority_key if priority else None,
                all_held=parts.holds.whole,
                items_held=sorted(parts.holds.items),
                holds=parts.holds.times,
                is_late=dates.is_late,
                cancellation=parts.cancellation.carried(),
                revisions=sorted(plan.revisions),
                begun=plan.begun,
                past=parts.points_of_no_return.passed,
                unclear=context.calls.unclear.carried(),
                tasks_opened=parts.tasks.opened,
                tasks=list(parts.tasks.open.values()),
                children=parts.children.carried(parts.holds.held_children),
                saga=self._saga.state(self.realiser.steps, tracker.names) if self._saga.has_begun else None,
            ),
        )


def _in_parts(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _NODES_AT_ONCE):
        yield keys[start : start + _NODES_AT_ONCE]
