"""The fulfilment of a service or resource order: all of it, or, when a part fails or it is cancelled, none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from temporalio import workflow

from activities.expectations import Expectation
from orders.lifecycle.states import OrderState
from orders.plan.graph import Graph, dependents
from orders.plan.outcome import Failure, Residue
from orders.plan.parts import Specification
from orders.plan.reasons import residue_document
from tmf.instants import timestamp
from workflows.contracts.payloads import Ended
from workflows.failures import RESIDUE, left_behind, order_failed
from workflows.parts.assembly import OrderParts
from workflows.parts.order_process import supervised
from workflows.parts.structure import PlainItems
from workflows.saga.saga import Saga, carried_out, stop_if_cancelled
from workflows.saga.saga_graph import Do

T = TypeVar("T")


class Item(Protocol):
    """An item of a service or resource order's plan: a service, or a resource."""

    key: str
    depends_on: list[str]
    specification: Specification

    @property
    def duration(self) -> timedelta:
        """How long it is expected to take."""


ItemT = TypeVar("ItemT", bound=Item)
Realise = Callable[[ItemT, Saga], Awaitable[dict[str, Any]]]
"""Realises an item, each step's undo registered with the saga before it; returns what to show on the item then."""


class AllOrNothing:
    """Runs one service or resource order to its end."""

    def __init__(self, parts: OrderParts[PlainItems]) -> None:
        self._parts = parts
        self._context = parts.context
        self._tracker = parts.context.tracker
        self._saga = parts.saga
        self._goals: list[Expectation] = []

    async def to_its_end(self, process: Coroutine[Any, Any, T]) -> Ended[T]:
        """Run the order's process to its end and return what it came to.

        Raises:
            ApplicationError: when the order failed, or a person has cancelled it.
            CancelledError: when its parent, or Temporal, has cancelled it.
        """
        cancellation = self._parts.cancellation
        try:
            outcome = await supervised(self._context, cancellation, process)
        except asyncio.CancelledError:
            if cancellation.by_temporal:
                raise
            raise order_failed(cancellation.by_a_person()) from None
        # A change that is being written must be there before the workflow ends, whatever cancellation comes now.
        changes = await carried_out(asyncio.create_task(self._tracker.last_changes()), cancellable=False)
        return Ended(outcome=outcome, at=workflow.now(), changes=changes)

    def goal(self, goal: Expectation) -> None:
        """Register what a system must show once an undo is done."""
        self._goals.append(goal)

    async def run(self, items: Sequence[ItemT], realise: Realise[ItemT]) -> None:
        """Run the graph of the order's items: all or nothing, or, when it is an undo, as much as can be undone.

        Raises:
            ApplicationError: when the order failed, or its undo left something behind.
            CancelledError: when it was cancelled and all of it is undone.
        """
        by_key = {item.key: item for item in items}
        graph = {item.key: item.depends_on for item in items}

        async def do(key: str, saga: Saga) -> None:
            await self._realise(by_key[key], realise, saga)

        self._tracker.follow({item.key: item.specification.name for item in items})
        self._tracker.to(OrderState.IN_PROGRESS)
        self._context.changed()
        try:
            if self._context.undoing:
                await carried_out(asyncio.create_task(self._undo(graph, do)), cancellable=False)
            else:
                stop_if_cancelled()
                await self._saga.run(graph, do, taken_by_failure=lambda _: set(graph))
        except asyncio.CancelledError:
            self._saga.stop()
            await asyncio.shield(asyncio.create_task(self._cancelled()))
            raise
        await self._conclude()

    async def _realise(self, item: ItemT, realise: Realise[ItemT], saga: Saga) -> None:
        """Realise one item, and show on it what came of that."""
        if not self._context.undoing:
            await self._parts.holds.may_start(item.key)
        self._tracker.item_to(item.key, OrderState.IN_PROGRESS)
        with self._parts.overruns.watched(item.key, item.specification.name, item.duration):
            shown = await realise(item, saga)
        stop_if_cancelled()
        self._tracker.item_to(item.key, OrderState.COMPLETED, **shown)

    async def _undo(self, graph: Graph, do: Do) -> None:
        async def one(key: str, _: Saga) -> None:
            await do(key, Saga())

        await self._saga.run(graph, one, taken_by_failure=lambda key: {key, *dependents(graph, [key])})

    async def _conclude(self) -> None:
        failures = self._parts.reasons.of_nodes()
        residue = list(self._saga.residue)
        if self._context.undoing:
            residue += [self._not_undone(failure) for failure in failures]
            if self._goals and not failures:
                read_back = self._parts.compensation.read_back(self._goals)
                residue += await carried_out(asyncio.create_task(read_back), cancellable=False)
        if failures or residue:
            await self._fail(failures, residue)
        self._tracker.to(OrderState.COMPLETED, completionDate=timestamp(workflow.now()))

    async def _fail(self, failures: list[Failure], residue: list[Residue]) -> None:
        if residue:
            self._tracker.note(left_behind(residue))
        for failure in failures:
            self._tracker.remark(failure)
        for item in self._tracker.items:
            self._tracker.item_to(item, OrderState.FAILED)
        failures = failures or [Failure(code=RESIDUE, message=left_behind(residue))]
        self._tracker.to(
            OrderState.FAILED,
            completionDate=timestamp(workflow.now()),
            **self._parts.reasons.document(failures),
            **residue_document(residue),
        )
        await self._tracker.flushed()
        raise order_failed(_together(failures, residue))

    def _not_undone(self, failure: Failure) -> Residue:
        step = self._tracker.names.get(failure.step or "", failure.step) or "undo"
        target = f"order {self._context.order_id}"
        return Residue(step=step, system="ordersaga", target=target, message=failure.message)

    async def _cancelled(self) -> None:
        """Undo all that was done, and end cancelled.

        Raises:
            ApplicationError: when something of it had failed, or its undo left something behind.
        """
        self._tracker.cancel_begins()
        await self._saga.undone()
        failures, residue = self._parts.reasons.of_nodes(), self._saga.residue
        self._tracker.cancel_ends(
            cancellationDate=timestamp(workflow.now()),
            **self._parts.reasons.document(failures),
            **residue_document(residue),
        )
        cancellation = self._parts.cancellation
        cancellation.done()
        await self._tracker.flushed()
        if failures:
            told = failures if cancellation.by_temporal else [cancellation.by_a_person(), *failures]
            raise order_failed(_together(told, residue))
        if residue:
            message = f"cancelled. {left_behind(residue)}"
            raise order_failed(Failure(code=RESIDUE, message=message, residue=residue))


def _together(failures: list[Failure], residue: list[Residue]) -> Failure:
    """Return what an order tells the one above it: the first failure, with the others and what an undo has left."""
    first, *others = failures
    rollback = any(failure.rollback for failure in failures)
    return first.model_copy(update={"residue": residue, "rollback": rollback, "others": others})
