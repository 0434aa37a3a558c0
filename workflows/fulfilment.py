"""What the workflows of service and resource orders share: activation, work of people, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError

from activities.activation import ActivationActivities, ActivationRequest, Operation
from activities.inventory import Expectation, Kind
from activities.records import Late, RecordActivities
from orders.graph import Graph, dependents
from orders.instants import timestamp
from orders.lifecycle import OrderKind, OrderState
from orders.outcome import Failure, Residue
from orders.plan import Activation, Characteristics, ManualWork, Step
from orders.policy import Policy
from orders.task import TaskAction, TaskKind
from orders.wanted import WantedValue
from orders.words import span
from workflows import policies
from workflows.failures import RESIDUE, left_behind, order_failed
from workflows.messages import SystemEvent
from workflows.order_workflow import OrderWorkflow, Stepped, not_done
from workflows.saga import Saga, SagaGraph, carried_out, stop_if_cancelled
from workflows.tracking import residue_document
from workflows.waiting import came

T = TypeVar("T")

_CALLBACK_PATIENCE = timedelta(minutes=1)
"""How long a callback alone is waited for; then the monitor is asked, so that a lost callback holds up nothing."""


class Workable(Stepped, Protocol):
    """A service or resource of a plan, whose work people may do."""

    manual: ManualWork | None


class FulfilmentWorkflow(OrderWorkflow):
    """The base of service and resource orders: activation with its callbacks, and all-or-nothing ends."""

    def __init__(self, kind: OrderKind, revision: int, *, undoing: bool) -> None:
        super().__init__(kind, revision, undoing=undoing)
        self._events: dict[str, SystemEvent] = {}
        self.goals: list[Expectation] = []
        """What inventory must show once an undo is done."""

    @workflow.signal(description="A downstream system's word on something it was asked to do. The gateway sends it.")
    def system_event(self, event: SystemEvent) -> None:
        self._events[event.correlation_id] = event

    async def activate(
        self, item: Stepped, step: Step, request: ActivationRequest, activation: Activation, what: str
    ) -> None:
        """Set up, change or tear down in the network, and wait until that is complete."""
        callback = activation.completion == "callback"
        request = request.model_copy(update={"callback": callback})
        summary = f"{_VERBS[request.operation]} {what}"
        tries = 0

        async def once() -> None:
            nonlocal tries
            tries += 1
            # A system keeps what it answered to a key: what it accepted and then failed at is asked for under another.
            again = {"key": f"{request.key}/{tries}"} if tries > 1 else {}
            asked = request.model_copy(update=again)
            answer = await self.call(policies.ACTIVATION, ActivationActivities.activate, asked, item.policy, summary)
            if answer.monitor:
                completed = self._completed(asked, answer.monitor, item.policy, summary, callback=callback)
                await carried_out(asyncio.create_task(completed), cancellable=False)

        await self.step(item, step, once, summary, system=policies.ACTIVATION)

    async def by_people(self, item: Workable, saga: Saga, what: str) -> Characteristics:
        """Have people do their part of an item, where it has one; return the values that they give."""
        work = item.manual
        if work is None:
            return {}
        may_be_done = False

        async def undo() -> None:
            if work.undo and may_be_done:
                await self._task_of_people(item, f"undo: {what} by people", work.undo, [], undoing=True)

        async def done() -> Characteristics:
            nonlocal may_be_done
            may_be_done = True
            try:
                return await self._task_of_people(item, f"{what} by people", work.instructions, work.values)
            except FailureError:
                may_be_done = False
                raise

        saga.add("undo by hand", undo, system="people", target=what)

        given: Characteristics = await self.step(
            item, Step.MANUAL, done, f"{what} by people", parse=dict, wanted=work.values
        )
        return {name: value for name, value in given.items() if value is not None}

    async def _task_of_people(
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
        actions = [TaskAction.COMPLETE, TaskAction.FAIL]
        task = self.new_task(
            TaskKind.MANUAL,
            Step.MANUAL,
            what,
            actions,
            item=item.key,
            undoing=undoing,
            instructions=instructions,
            wanted=wanted,
            due_at=workflow.now() + item.policy.expected_duration,
        )
        settled = await self.desk.ask(task, dict)
        stop_if_cancelled()
        self.note_resolution(task, settled)
        if settled.action != TaskAction.COMPLETE:
            raise not_done(what, settled.reason)
        return settled.values

    @asynccontextmanager
    async def on_time(self, item: Stepped, name: str, expected: timedelta) -> AsyncIterator[None]:
        """Raise an alert when an item takes longer than expected; a hold does not stop the clock."""
        watch = asyncio.create_task(self._watch(item.key, name, expected)) if expected and not self.undoing else None
        try:
            yield
        finally:
            if watch is not None:
                watch.cancel()

    async def _watch(self, key: str, name: str, expected: timedelta) -> None:
        await workflow.sleep(expected, summary=f"expected duration of {name}"[:200])
        held = ", while it is held" if self.tracker.items.get(key) == OrderState.HELD else ""
        self.alert("overrun", key, name, f"{name} ({key}) takes longer than the {span(expected)} expected of it{held}")

    async def deactivate_again(self, request: ActivationRequest, policy: Policy, what: str) -> None:
        """Take an activation, a change or a tear-down back, and wait until that is complete."""
        request = request.model_copy(update={"undo": True})
        summary = f"undo: {_VERBS[request.operation]} {what}"
        answer = await self.request(
            policies.ACTIVATION, ActivationActivities.activate, request, summary, policies.undo(policy)
        )
        if answer.monitor:
            await self._completed(request, answer.monitor, policy, summary, callback=False)

    async def characteristics(
        self,
        static: Characteristics,
        late: dict[str, str],
        assigned: dict[str, Characteristics],
        services: dict[str, Characteristics],
    ) -> Characteristics:
        """Return characteristics with those that only this run can know."""
        if not late:
            return static
        request = Late(expressions=late, assigned=assigned, services=services)
        return {**static, **await self.local(RecordActivities.evaluate, request, "evaluate characteristics")}

    def goal(self, kind: Kind, target: str, *states: str, held_by: str | None = None) -> None:
        self.goals.append(Expectation(kind=kind, id=target, states=list(states), held_by=held_by))

    def saga_graph(self, graph: Graph, do: Callable[[str, Saga], Coroutine[Any, Any, None]]) -> SagaGraph:
        """Return the graph that this order runs: all or nothing, or, when it is an undo, as much as can be undone."""

        async def undo_one(key: str, _: Saga) -> None:
            await do(key, Saga())

        return SagaGraph(
            graph,
            undo_one if self.undoing else do,
            taken_by_failure=(lambda key: {key, *dependents(graph, [key])}) if self.undoing else lambda _: set(graph),
            read_back=self.read_back,
            stuck=self.stuck,
            changed=lambda _: self.standing_changed(),
        )

    async def fulfil(self, graph: SagaGraph) -> None:
        """Run the order's graph to its end: all of it, or, when a part fails or a person cancels, none of it.

        Raises:
            ApplicationError: when the order failed, or its undo left something behind.
            CancelledError: when it was cancelled and all of it is undone.
        """
        self.graph = graph
        self.tracker.to(OrderState.IN_PROGRESS)
        self.show_early_hold()
        try:
            if self.undoing:
                await carried_out(asyncio.create_task(graph.run()), cancellable=False)
            else:
                stop_if_cancelled()
                await graph.run()
        except asyncio.CancelledError:
            graph.stop()
            await asyncio.shield(asyncio.create_task(self._cancelled(graph)))
            raise
        await self._conclude(graph)

    async def _conclude(self, graph: SagaGraph) -> None:
        failures = self.failures_of_nodes()
        residue = list(graph.residue)
        if self.undoing:
            residue += [self._not_undone(failure) for failure in failures]
            if self.goals and not failures:
                residue += await carried_out(asyncio.create_task(self.read_back(self.goals)), cancellable=False)
        if not failures and not residue:
            self.tracker.to(OrderState.COMPLETED, completionDate=timestamp(workflow.now()))
            await self.tracker.flushed()
            return
        await self._fail(failures, residue)

    async def _fail(self, failures: list[Failure], residue: list[Residue]) -> None:
        self.tracker.note(left_behind(residue)) if residue else None
        for failure in failures:
            self.tracker.remark(failure)
        for item in self.tracker.items:
            self.tracker.item_to(item, OrderState.FAILED)
        failures = failures or [Failure(code=RESIDUE, message=left_behind(residue))]
        self.tracker.to(
            OrderState.FAILED,
            completionDate=timestamp(workflow.now()),
            **self.reasons_document(failures),
            **residue_document(residue),
        )
        await self.tracker.flushed()
        raise order_failed(_together(failures, residue))

    def _not_undone(self, failure: Failure) -> Residue:
        step = self.tracker.names.get(failure.step or "", failure.step) or "undo"
        return Residue(step=step, system="ordersaga", target=f"order {self.order_id}", message=failure.message)

    async def _cancelled(self, graph: SagaGraph) -> None:
        self.tracker.cancel_begins()
        await graph.undone()
        failures = self.failures_of_nodes()
        self.tracker.cancel_ends(
            cancellationDate=timestamp(workflow.now()),
            **self.reasons_document(failures),
            **residue_document(graph.residue),
        )
        self.cancellation_is_done()
        await self.tracker.flushed()
        if failures and workflow.patched("cancelled-with-its-reasons"):
            told = failures if self.cancelled_by_engine else [self._by_a_person(), *failures]
            raise order_failed(_together(told, graph.residue))
        if graph.residue:
            message = f"cancelled. {left_behind(graph.residue)}"
            raise order_failed(Failure(code=RESIDUE, message=message, residue=graph.residue))

    async def _completed(
        self, request: ActivationRequest, monitor: str, policy: Policy, summary: str, *, callback: bool
    ) -> None:
        if callback and await self._called_back(
            request.key, min(_CALLBACK_PATIENCE, policy.completion_timeout), summary
        ):
            return
        queue = policies.task_queue(workflow.info().task_queue, policies.ACTIVATION)
        await workflow.execute_activity_method(
            ActivationActivities.await_completion,
            args=[request.target, monitor],
            task_queue=queue,
            summary=f"await: {summary}"[:200],
            **self.precedence(),
            **policies.completion(policy),
        )

    async def _called_back(self, key: str, patience: timedelta, summary: str) -> bool:
        """Return whether the system called back in time.

        Raises:
            ApplicationError: when it called back to say that it failed.
        """
        what = f"callback: {summary}"
        self.tracker.waits(what)
        called = await came(lambda: key in self._events, patience, what)
        self.tracker.waits()
        if not called:
            return False
        event = self._events[key]
        if not event.succeeded:
            raise order_failed(Failure(code="activationFailed", message=f"{summary}: {event.message}"))
        return True

    async def until_ended(self, process: Coroutine[Any, Any, T]) -> T:
        """Run the order's process to its end and return what it came to.

        Raises:
            ApplicationError: when the order failed, or a person has cancelled it.
            CancelledError: when its parent, or the engine, has cancelled it.
        """
        try:
            return await self.supervised(process)
        except asyncio.CancelledError:
            if self.cancelled_by_engine:
                raise
            raise order_failed(self._by_a_person()) from None

    def _by_a_person(self) -> Failure:
        """Return that a person has cancelled the order, and why."""
        because = f": {self.cancellation.reason}" if self.cancellation.reason else ""
        return Failure(code="cancelled", message=f"order {self.order_id} was cancelled{because}")


_VERBS: dict[Operation, Literal["activate", "change", "deactivate"]] = {
    Operation.ACTIVATE: "activate",
    Operation.MODIFY: "change",
    Operation.DEACTIVATE: "deactivate",
}


def _together(failures: list[Failure], residue: list[Residue]) -> Failure:
    """Return what an order tells the one above it: the first failure, with the others and what an undo has left."""
    first, *others = failures
    rollback = any(failure.rollback for failure in failures)
    return first.model_copy(update={"residue": residue, "rollback": rollback, "others": others})
