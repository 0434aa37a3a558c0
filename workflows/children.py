"""The child workflows of an order: run, and heard of what they wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError
from temporalio.types import MethodAsyncSingleParam

from orders.outcome import Failure, Residue
from workflows import ids, policies
from workflows.context import OrderContext
from workflows.messages import Asked, ChildReport, Ended
from workflows.saga import carried_out, is_cancelling, stop_if_cancelled

P = TypeVar("P")
R = TypeVar("R")


class Children:
    """The children of one workflow that run, and what they have reported of themselves."""

    def __init__(self, context: OrderContext, started: Callable[[str], None], ended: Callable[[str], None]) -> None:
        """Make it; `started` and `ended` are told the workflow id of each child whose start, or end, is known."""
        self.running: dict[str, str] = {}
        """Workflow id of a child that runs, or is being started → the key of its node or item."""
        self.ended_at: dict[str, datetime] = {}
        """Key of a node or item → when its last child ended well, as that one says."""
        self.reports: dict[str, ChildReport] = {}
        self._context = context
        self._started = started
        self._ended = ended
        self._tasks_told: set[str] = set()
        """Ids of all tasks that were ever reported."""

    async def run(
        self,
        run: MethodAsyncSingleParam[Any, P, Ended[R]],
        request: P,
        workflow_id: str,
        key: str,
        summary: str,
        details: str | None = None,
    ) -> R:
        """Run a child for the node or item `key`, and return its outcome.

        A cancellation cancels it, and waits for what comes of that.

        Raises:
            ChildWorkflowError: when it failed, or was cancelled.
        """
        stop_if_cancelled()
        starting = workflow.start_child_workflow(
            run,
            request,
            id=workflow_id,
            static_summary=summary[:200],
            static_details=details,
            **self._context.calls.precedence(),
            **policies.CHILD,
        )
        # It may report before its start is known here.
        self.running[workflow_id] = key
        try:
            handle = await carried_out(asyncio.ensure_future(starting), cancellable=False)
            if is_cancelling():
                handle.cancel()
            self._started(workflow_id)
            ended = await carried_out(handle)
        except (FailureError, asyncio.CancelledError):
            self._forget(workflow_id)
            raise
        self.ended_at[key] = ended.at
        self._context.tracker.forward(ended.changes)
        self._forget(workflow_id)
        return ended.outcome

    def report(self, report: ChildReport) -> None:
        """Take note of what a child waits for."""
        known = self.reports.get(report.workflow_id)
        if report.workflow_id in self.running and (known is None or known.version < report.version):
            self.reports[report.workflow_id] = report
            self._tasks_told |= report.tasks.keys()
        self._context.changed()

    def held(self) -> set[str]:
        """Return the nodes or items whose child waits for a person."""
        return {key for child, key in self.running.items() if (told := self.reports.get(child)) and told.held}

    def tasks(self) -> dict[str, str]:
        """Return the open tasks below: id → the workflow that waits for it."""
        return {task: at for report in self.reports.values() for task, at in report.tasks.items()}

    def asked(self) -> dict[str, Asked]:
        """Return what the open tasks below ask."""
        return {task: asked for report in self.reports.values() for task, asked in report.asked.items()}

    def residue(self) -> list[Residue]:
        """Return what undos below that wait for a person have left so far."""
        return [each for report in self.reports.values() for each in report.residue]

    def failures(self) -> list[tuple[str, Failure]]:
        """Return why children that still undo themselves have failed, each with the key that they run for."""
        return [(self.running[child], failure) for child, report in self.reports.items() for failure in report.failures]

    def expected_at(self, task: str) -> str | None:
        """Return the child that a task must be at, or below, by its id, where that child's report is still to come.

        A task is in the order store, and so known to people, before all above it have heard of it.
        """
        if task in self._tasks_told:
            return None
        of_children = {ids.order_id(child): child for child in self.running}
        around = [order_id for order_id in of_children if task.startswith((f"{order_id}!", f"{order_id}:"))]
        return of_children[max(around, key=len)] if around else None

    def _forget(self, workflow_id: str) -> None:
        self.running.pop(workflow_id, None)
        self.reports.pop(workflow_id, None)
        self._ended(workflow_id)
        self._context.changed()
