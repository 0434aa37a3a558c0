"""Compensation: what people are asked when an undo does not succeed, and the proof by the systems that it did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, FailureError
from temporalio.types import MethodAsyncSingleParam

from activities.activation import ActivationActivities
from activities.billing import BillingActivities
from activities.expectations import Expectation
from activities.inventory import InventoryActivities
from orders.model.task import Task, TaskAction, TaskKind
from orders.plan.outcome import Residue
from orders.plan.policy import Policy
from workflows.contracts import policies
from workflows.failures import explain, fallout, left_behind
from workflows.parts.human_tasks import HumanTasks
from workflows.runtime.calls import Call
from workflows.runtime.context import OrderContext

TO_UNDO = [TaskAction.RETRY, TaskAction.COMPLETE, TaskAction.FAIL]
"""How the fallout of an undo can be settled."""

_READS: dict[str, MethodAsyncSingleParam[Any, list[Expectation], list[Residue]]] = {
    policies.INVENTORY: InventoryActivities.read_back,
    policies.ACTIVATION: ActivationActivities.read_network_back,
    policies.BILLING: BillingActivities.read_charges_back,
}
_ALL_SYSTEMS = "read-back-of-all-systems"
"""Patch: runs that began without it read back from inventory alone, what has an id there."""


class Compensation:
    """The undos of an order's saga that wait for a person, and what they have left so far."""

    def __init__(self, context: OrderContext, tasks: HumanTasks) -> None:
        self._context = context
        self._tasks = tasks
        self._left_by: dict[str, list[Residue]] = {}
        """Task → what the undo that waits for it has left so far."""

    def residue(self) -> list[Residue]:
        """Return what undos that wait for a person have left so far."""
        return [each for left in self._left_by.values() for each in left]

    @contextmanager
    def leaving(self, task: Task, left: list[Residue]) -> Iterator[None]:
        """Count what an undo has left as residue, for as long as its task waits for a person."""
        self._left_by[task.id] = left
        try:
            yield
        finally:
            del self._left_by[task.id]

    async def failed(self, left: Residue, error: FailureError) -> TaskAction:
        """Ask a person what to do about an undo that has failed for good, and show meanwhile what it leaves."""
        if isinstance(error, ChildWorkflowError):
            return TaskAction.FAIL
        what = f"undo: {left.step} {left.target}"
        told = fallout(explain(error, what), Policy(), left.system) | {"wanted": []}
        task = self._tasks.new(TaskKind.FALLOUT, left.step, what, TO_UNDO, undoing=True, **told)
        return await self._settled(task, [left])

    async def read_back(self, expected: list[Expectation]) -> list[Residue]:
        """Prove by the systems what an undo did; return what is not as it should be, once a person has seen it."""
        asked = await self._to_be_asked(expected)
        residue: list[Residue] = []
        for system, read in _READS.items():
            if some := [each for each in asked if each.system == system]:
                summary = f"read back {len(some)} from {system}"
                residue += await self._read_back(Call(system, read, some, Policy(), summary))
        return residue

    async def _to_be_asked(self, expected: list[Expectation]) -> list[Expectation]:
        """Return what is to be read back, when no call that was given up can have an effect any more.

        What has no id is looked for only where a call was given up that may have made it.
        """
        unclear = self._context.calls.unclear
        asked = [each for each in expected if each.id or (each.effect and each.effect in unclear)]
        recorded = [each for each in asked if each.id and each.system == policies.INVENTORY]
        if (len(recorded) < len(asked) or unclear.last) and workflow.patched(_ALL_SYSTEMS):
            if unclear.last:
                await self._context.calls.sleep_until(unclear.last, "until nothing of the order can be done any more")
            return asked
        return recorded

    async def _read_back(self, call: Call[list[Expectation], list[Residue]]) -> list[Residue]:
        while residue := await self._context.calls.read_back(call):
            left = left_behind(residue)
            told = {"system": call.system, "error_code": "residue", "error": left, "attempts": 1, "wanted": []}
            task = self._tasks.new(TaskKind.FALLOUT, "read back", left, TO_UNDO, undoing=True, **told)
            match await self._settled(task, residue):
                case TaskAction.COMPLETE:
                    return []
                case TaskAction.FAIL:
                    return residue
        return []

    async def _settled(self, task: Task, left: list[Residue]) -> TaskAction:
        with self.leaving(task, left):
            settled = await self._tasks.ask(task, lambda values: None)
        self._tasks.note_resolution(task, settled)
        self._context.changed()
        return settled.action
