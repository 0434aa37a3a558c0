"""The child workflows of an order: run, and heard of what they wait for.

Those of a posted order outlive the run of its workflow that started them: the next run adopts them. A child that was
adopted says itself when it ends, since only the run that started it is told so by Temporal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter
from temporalio import workflow
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError
from temporalio.types import MethodAsyncSingleParam
from temporalio.workflow import ChildWorkflowHandle

from activities.children import AskChild, ChildActivities, ChildEnd, EndState
from orders.plan.outcome import Failure, Residue
from workflows.contracts import ids, policies
from workflows.contracts.carried import CarriedChildren
from workflows.contracts.payloads import Asked, ChildReport, Ended
from workflows.failures import child_failed
from workflows.runtime.context import OrderContext
from workflows.runtime.waiting import wait_until
from workflows.saga.saga import carried_out, is_cancelling, stop_if_cancelled

_LOOKS = timedelta(minutes=10)
"""How often a child that was adopted is looked at: one that was terminated says nothing."""

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
        self._outliving: set[str] = set()
        """Children that an earlier run of this workflow has started."""
        self._ending: set[str] = set()
        """Those of them that say that they end."""
        self._confirmed: set[str] = set()
        """Children whose start is known."""
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
        """Run a child for the node or item `key`, or adopt it where it runs already, and return its outcome.

        A cancellation cancels it, and waits for what comes of that.

        Raises:
            ChildWorkflowError: when it failed, or was cancelled.
        """
        self._context.calls.events += policies.EVENTS_OF_CHILD
        if workflow_id in self._outliving:
            ended = await self._adopted(run, workflow_id)
        else:
            stop_if_cancelled()
            # It may report before its start is known here.
            self.running[workflow_id] = key
            starting = workflow.start_child_workflow(
                run,
                request,
                id=workflow_id,
                static_summary=summary[:200],
                static_details=details,
                **self._context.calls.precedence(),
                **policies.child(),
            )
            ended = await self._started_and_ended(run, workflow_id, asyncio.create_task(starting))
        self.ended_at[key] = ended.at
        self._context.tracker.forward(ended.changes)
        self._forget(workflow_id)
        return ended.outcome

    @property
    def all_confirmed(self) -> bool:
        """Whether the start of each child is known."""
        return self._confirmed.issuperset(self.running)

    def carried(self, held: list[str]) -> CarriedChildren:
        """Return what the next run is to know of the children."""
        return CarriedChildren(
            running=self.running, held=held, ended_at=self.ended_at, reports=list(self.reports.values())
        )

    def go_on_from(self, carried: CarriedChildren) -> None:
        """Take over the children of an earlier run."""
        self.running, self.ended_at = dict(carried.running), dict(carried.ended_at)
        self._outliving, self._confirmed = set(carried.running), set(carried.running)
        for report in carried.reports:
            self.reports[report.workflow_id] = report
            self._tasks_told |= report.tasks.keys()

    def ends(self, workflow_id: str) -> None:
        """Take note that a child which was adopted is about to end."""
        self._ending.add(workflow_id)

    async def _started_and_ended(
        self,
        run: MethodAsyncSingleParam[Any, P, Ended[R]],
        workflow_id: str,
        starting: asyncio.Task[ChildWorkflowHandle[Any, Ended[R]]],
    ) -> Ended[R]:
        try:
            handle = await carried_out(starting, cancellable=False)
            if is_cancelling():
                handle.cancel()
            self._confirmed.add(workflow_id)
            self._started(workflow_id)
            ended: Ended[R] = await carried_out(handle)
        except WorkflowAlreadyStartedError:
            # This workflow was reset, and goes once more where it had been.
            return await self._adopted(run, workflow_id)
        except (FailureError, asyncio.CancelledError):
            self._forget(workflow_id)
            raise
        return ended

    async def _adopted(self, run: MethodAsyncSingleParam[Any, P, Ended[R]], workflow_id: str) -> Ended[R]:
        """Wait for the end of a child that this run has not started.

        Raises:
            ChildWorkflowError: when it failed, or was cancelled.
        """
        self._confirmed.add(workflow_id)
        handle = workflow.get_external_workflow_handle(workflow_id)
        ending = asyncio.create_task(self._end_of(workflow_id, handle))
        self._started(workflow_id)
        try:
            end = await carried_out(ending, stop=lambda: self._context.background.start(handle.cancel()))
            if end.state != EndState.COMPLETED:
                raise child_failed(workflow_id, end)
        except FailureError:
            self._forget(workflow_id)
            raise
        return TypeAdapter(_returned_by(run)).validate_python(end.result)  # type: ignore[no-any-return]

    async def _end_of(self, workflow_id: str, handle: workflow.ExternalWorkflowHandle[Any]) -> ChildEnd:
        """Ask a child to say when it ends, wait for that, and return how it did; one that says nothing is looked at."""
        is_there = await self._was_told(handle)
        while True:
            if is_there:
                await wait_until(lambda: workflow_id in self._ending, _LOOKS, f"end of {workflow_id}")
            asked = AskChild(workflow_id=workflow_id, wait=not is_there or workflow_id in self._ending)
            end = await self._context.calls.ask(
                ChildActivities.end_of_child, asked, f"how {workflow_id} ended", policies.PLANNING
            )
            if end.state != EndState.RUNNING:
                return end

    async def _was_told(self, handle: workflow.ExternalWorkflowHandle[Any]) -> bool:
        """Tell a child that it is adopted; return False where it is there no more to be told."""
        try:
            await handle.signal("adopted")
        except FailureError:
            return False
        return True

    def report(self, report: ChildReport) -> None:
        """Take note of what a child waits for."""
        self._context.calls.events += policies.EVENTS_OF_MESSAGE
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
        for known in (self._outliving, self._ending, self._confirmed):
            known.discard(workflow_id)
        self.reports.pop(workflow_id, None)
        self._ended(workflow_id)
        self._context.changed()


def _returned_by(run: MethodAsyncSingleParam[Any, P, Ended[R]]) -> Any:
    """Return the type of what a workflow returns."""
    return get_type_hints(run)["return"]
