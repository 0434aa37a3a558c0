"""What the workflows of service and resource orders share: queries, callbacks, steps, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Literal

from temporalio import workflow

from activities.activation import ActivationActivities, ActivationRequest, Operation
from activities.inventory import Expectation, InventoryActivities, Kind
from activities.records import Late, RecordActivities
from orders.graph import Graph, dependents
from orders.lifecycle import OrderKind, OrderState
from orders.outcome import Failure, Residue
from orders.plan import Activation, Characteristics, Policy
from orders.tmf import timestamp
from workflows import ids, policies
from workflows.failures import explain, left_behind, order_failed
from workflows.messages import OrderView, SystemEvent, TimelineEntry
from workflows.saga import Saga, SagaGraph, carried_out, is_cancelling, stop_if_cancelled
from workflows.tracking import OrderTracker, messages, residue_document

_CALLBACK_PATIENCE = timedelta(minutes=1)
"""How long a callback alone is waited for; then the monitor is asked, so that a lost callback holds up nothing."""


class OrderWorkflow:
    """The base of every order's workflow: what operators ask it, and how it calls the order store and inventory."""

    def __init__(self, kind: OrderKind, revision: int, *, undoing: bool = False) -> None:
        self.workflow_id = workflow.info().workflow_id
        self.order_id = ids.order_id(self.workflow_id)
        self.revision = revision
        self.undoing = undoing
        """Whether this order takes another one back: then nothing of it is undone in turn, and steps do not give up."""
        self.tracker = OrderTracker(kind, self.order_id)
        self.graph: SagaGraph | None = None

    @workflow.query(description="The order as it stands: its state, its items' states, and what it waits for.")
    def order(self) -> OrderView:
        return self.tracker.view()

    @workflow.query(description="What happened to the order so far, and when.")
    def timeline(self) -> list[TimelineEntry]:
        return self.tracker.timeline

    def key(self, *parts: str) -> str:
        """Return the idempotency key of a call: business item, step, action and revision."""
        return "/".join([self.workflow_id, *parts, str(self.revision)])

    async def call(self, system: str, activity: Any, request: Any, policy: Policy, summary: str) -> Any:
        """Call a downstream system for an effect, retried as the catalog's policy says."""
        stop_if_cancelled()
        options = policies.undo(policy) if self.undoing else policies.step(policy)
        return await self._call(system, activity, request, summary, options)

    async def take_back(self, system: str, activity: Any, request: Any, policy: Policy, summary: str) -> None:
        """Call a downstream system to take an effect back, retried until the system is there."""
        await self._call(system, activity, request, summary, policies.undo(policy))

    async def local(self, activity: Any, request: Any, summary: str) -> Any:
        """Ask or tell the order store."""
        handle = workflow.start_local_activity_method(activity, request, summary=summary, **policies.LOCAL)
        return await carried_out(handle, cancellable=False)

    async def read_back(self, expected: list[Expectation]) -> list[Residue]:
        """Prove by inventory what an undo did; return what is not as it should be."""
        residue: list[Residue] = await self._call(
            policies.INVENTORY,
            InventoryActivities.read_back,
            expected,
            f"read back {len(expected)} from inventory",
            policies.undo(Policy()),
        )
        return residue

    async def _call(self, system: str, activity: Any, request: Any, summary: str, options: dict[str, Any]) -> Any:
        queue = policies.task_queue(workflow.info().task_queue, system)
        handle = workflow.start_activity_method(activity, request, task_queue=queue, summary=summary[:200], **options)
        return await carried_out(handle)

    async def child(self, run: Any, request: Any, workflow_id: str, summary: str, details: str | None = None) -> Any:
        """Run a child workflow and return its outcome; a cancellation cancels it, and waits for what comes of that."""
        stop_if_cancelled()
        starting = workflow.start_child_workflow(
            run,
            request,
            id=workflow_id,
            static_summary=summary[:200],
            static_details=details,
            **policies.CHILD,
        )
        handle: Any = await carried_out(asyncio.ensure_future(starting), cancellable=False)
        if is_cancelling():
            handle.cancel()
        return await carried_out(handle)


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

    async def activate(self, request: ActivationRequest, activation: Activation, policy: Policy, what: str) -> None:
        """Set up, change or tear down in the network, and wait until that is complete."""
        callback = activation.completion == "callback"
        request = request.model_copy(update={"callback": callback})
        summary = f"{_VERBS[request.operation]} {what}"
        answer = await self.call(policies.ACTIVATION, ActivationActivities.activate, request, policy, summary)
        if answer.monitor:
            completed = self._completed(request, answer.monitor, policy, summary, callback=callback)
            await carried_out(asyncio.create_task(completed), cancellable=False)

    async def deactivate_again(self, request: ActivationRequest, policy: Policy, what: str) -> None:
        """Take an activation, a change or a tear-down back, and wait until that is complete."""
        request = request.model_copy(update={"undo": True})
        summary = f"undo: {_VERBS[request.operation]} {what}"
        answer = await self._call(
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

    def goal(self, kind: Kind, target: str, *states: str) -> None:
        self.goals.append(Expectation(kind=kind, id=target, states=list(states)))

    def saga_graph(self, graph: Graph, do: Callable[[str, Saga], Coroutine[Any, Any, None]]) -> SagaGraph:
        """Return the graph that this order runs: all or nothing, or, when it is an undo, as much as can be undone."""

        async def undo_one(key: str, _: Saga) -> None:
            await do(key, Saga())

        return SagaGraph(
            graph,
            undo_one if self.undoing else do,
            taken_by_failure=(lambda key: {key, *dependents(graph, [key])}) if self.undoing else lambda _: set(graph),
            read_back=self.read_back,
            changed=lambda: None,
        )

    async def fulfil(self, graph: SagaGraph) -> None:
        """Run the order's graph to its end: all of it, or, when a part fails or a person cancels, none of it.

        Raises:
            ApplicationError: when the order failed, or its undo left something behind.
            CancelledError: when it was cancelled and all of it is undone.
        """
        self.graph = graph
        self.tracker.to(OrderState.IN_PROGRESS)
        try:
            if self.undoing:
                await carried_out(asyncio.create_task(graph.run()), cancellable=False)
            else:
                stop_if_cancelled()
                await graph.run()
        except asyncio.CancelledError:
            graph.stop()
            await asyncio.shield(asyncio.create_task(self._cancel(graph)))
            raise
        await self._conclude(graph)

    async def _conclude(self, graph: SagaGraph) -> None:
        failures = [explain(error, self.tracker.names.get(key, key)) for key, error in graph.failures.items()]
        residue = list(graph.residue)
        if self.undoing:
            residue += [_not_undone(failure, self.order_id) for failure in failures]
            residue += await self.read_back(self.goals) if not failures and self.goals else []
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
        first = failures[0] if failures else Failure(code="residue", message=left_behind(residue))
        self.tracker.to(
            OrderState.FAILED,
            completionDate=timestamp(workflow.now()),
            errorMessage=messages(failures or [first], workflow.now(), _ITEMS[self.tracker.kind], self.tracker.items),
            **residue_document(residue),
        )
        await self.tracker.flushed()
        raise order_failed(first.model_copy(update={"residue": residue}))

    async def _cancel(self, graph: SagaGraph) -> None:
        self.tracker.cancel_begins()
        await graph.undone()
        self.tracker.cancel_ends(cancellationDate=timestamp(workflow.now()), **residue_document(graph.residue))
        await self.tracker.flushed()
        if graph.residue:
            message = f"cancelled. {left_behind(graph.residue)}"
            raise order_failed(Failure(code="residue", message=message, residue=graph.residue))

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
            **policies.completion(policy),
        )

    async def _called_back(self, key: str, patience: timedelta, summary: str) -> bool:
        """Return whether the system called back in time.

        Raises:
            ApplicationError: when it called back to say that it failed.
        """
        self.tracker.waits(f"callback: {summary}")
        try:
            await workflow.wait_condition(
                lambda: key in self._events, timeout=patience, timeout_summary=f"callback: {summary}"[:200]
            )
        except asyncio.TimeoutError:  # noqa: UP041  (the engine's own, on every Python)
            return False
        finally:
            self.tracker.waits()
        event = self._events[key]
        if not event.succeeded:
            raise order_failed(Failure(code="activationFailed", message=f"{summary}: {event.message}"))
        return True


_VERBS: dict[Operation, Literal["activate", "change", "deactivate"]] = {
    Operation.ACTIVATE: "activate",
    Operation.MODIFY: "change",
    Operation.DEACTIVATE: "deactivate",
}

_ITEMS = {OrderKind.SERVICE: "serviceOrderItem", OrderKind.RESOURCE: "orderItem"}


def _not_undone(failure: Failure, order_id: str) -> Residue:
    return Residue(step=failure.step or "undo", system="ordersaga", target=f"order {order_id}", message=failure.message)
