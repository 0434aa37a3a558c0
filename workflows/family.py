"""How the workflows of one order's family keep each other informed.

A child tells its parent by `report` what it waits for, and asks it before it passes a point of no return: so the
workflow at the top knows, when a cancellation or an amendment comes, what can still be undone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from orders.instants import timestamp
from orders.lifecycle import OrderState
from orders.outcome import Failure, Residue
from orders.task import Resolution, Task, TaskState
from workflows import ids
from workflows.desk import TaskDesk, asked_by
from workflows.messages import Asked, ChildReport, Passage
from workflows.saga import SagaGraph
from workflows.tracking import OrderTracker


class Family:
    """An order's workflow among its parent and its children."""

    tracker: OrderTracker
    desk: TaskDesk
    graph: SagaGraph | None
    workflow_id: str
    cancelling: bool

    def __init__(self) -> None:
        self.parent = workflow.info().parent
        self.past: dict[str, str] = {}
        """Key of a node or item → why it is past its point of no return."""
        self.children: dict[str, str] = {}
        """Workflow id of a child that runs, or is being started → the key of its node or item."""
        self.reports: dict[str, ChildReport] = {}
        self.residue_of: dict[str, list[Residue]] = {}
        """Task → what the undo that waits for it has left so far."""
        self.reasons: list[Failure] = []
        """Why something failed so far, here or below, as it is shown."""
        self._told_tasks: set[str] = set()
        """Ids of all tasks that were ever reported from below."""
        self._granted: set[str] = set()
        self._to_tell: dict[str, list[dict[str, Any]]] = {}
        self._reported = ChildReport(workflow_id=self.workflow_id, version=0)
        self._errands: list[asyncio.Future[Any]] = []

    def standing_changed(self) -> None:
        """Show what is held now, and tell the parent."""
        self.report_upwards()

    @workflow.signal(name="report", description="A child's word on what it waits for. The child sends it.")
    def report(self, report: ChildReport) -> None:
        for attribute, entries in report.appended.items():
            self.tell(attribute, *entries)
        known = self.reports.get(report.workflow_id)
        if report.workflow_id in self.children and (known is None or known.version < report.version):
            self.reports[report.workflow_id] = report
            self._told_tasks |= report.tasks.keys()
        self.standing_changed()

    @workflow.signal(name="ask_passage", description="A child asks whether it may pass a point of no return.")
    async def ask_passage(self, passage: Passage) -> None:
        key = self.children.get(passage.workflow_id)
        if key is None or self.cancelling or (self.graph and self.graph.is_being_undone(key)):
            return
        await self.pass_point_of_no_return(key, passage.what)
        if not (self.cancelling or self.tracker.ended):
            self.errand(workflow.get_external_workflow_handle(passage.workflow_id).signal("grant_passage", passage))

    @workflow.signal(name="grant_passage", description="The parent's word that a point of no return may be passed.")
    def grant_passage(self, passage: Passage) -> None:
        self._granted.add(passage.key)

    async def pass_point_of_no_return(self, key: str, what: str) -> None:
        """Pass a point of no return, once all above know of it: from then on no cancellation is accepted."""
        if self.parent is not None and key not in self.past:
            asked = Passage(workflow_id=self.workflow_id, key=key, what=what)
            handle = workflow.get_external_workflow_handle(self.parent.workflow_id)
            self.errand(handle.signal("ask_passage", asked))
            await workflow.wait_condition(lambda: key in self._granted or self.cancelling or self.tracker.ended)
        if not (self.cancelling or self.tracker.ended):
            self.past[key] = f"{key}: {what} has begun"
            self.tracker.note(f"past the point of no return: {self.past[key]}")

    def adopt(self, workflow_id: str, key: str) -> None:
        """Take note of a child that is to run for a node or item; it may speak before its start is known here."""
        self.children[workflow_id] = key

    def release(self, workflow_id: str) -> None:
        """Forget a child that has ended."""
        self.children.pop(workflow_id, None)
        self.reports.pop(workflow_id, None)
        self.standing_changed()

    def tell(self, attribute: str, *entries: dict[str, Any]) -> None:
        """Add to a list of the order's document, and of the documents of the orders above it."""
        self.tracker.append(attribute, *entries)
        if self.parent is not None:
            self._to_tell.setdefault(attribute, []).extend(entries)
            self.report_upwards()

    def note_resolution(self, task: Task, settled: Resolution) -> None:
        """Keep on the order who settled a task, how, and why."""
        who = settled.by or "the second policy"
        text = f"{task.what}: {settled.action} by {who}" + (f": {settled.reason}" if settled.reason else "")
        self._note_of(task, who, text)

    def note_withdrawal(self, task: Task) -> None:
        """Keep on the order what failed, and waited for a person when the order needed it no more."""
        if workflow.patched("withdrawn-tasks-are-noted"):
            text = f"{task.what}: not needed any more, while it waited for a person: {task.error}"
            self._note_of(task, "ordersaga", text)

    def _note_of(self, task: Task, who: str, text: str) -> None:
        self.tracker.note(f"task {task.id}: {text}")
        self.tell("note", {"id": task.id, "author": who, "date": timestamp(workflow.now()), "text": text})

    def report_upwards(self) -> None:
        if self.parent is None:
            return
        report = ChildReport(
            workflow_id=self.workflow_id,
            version=self._reported.version,
            held=self.tracker.state == OrderState.HELD,
            tasks=self.tasks(),
            asked=self.asked(),
            residue=self.residue_so_far(),
            failures=self.reasons,
            appended=self._to_tell,
        )
        if report != self._reported.model_copy(update={"appended": {}}):
            self._to_tell = {}
            self._reported = report.model_copy(update={"version": report.version + 1})
            handle = workflow.get_external_workflow_handle(self.parent.workflow_id)
            self.errand(handle.signal("report", self._reported))

    def tasks(self) -> dict[str, str]:
        """Return the open tasks here and below: id → the workflow that waits for it."""
        own = {task.id: self.workflow_id for task in self.desk.open.values() if task.state == TaskState.OPEN}
        return own | {task: at for report in self.reports.values() for task, at in report.tasks.items()}

    def asked(self) -> dict[str, Asked]:
        """Return what the open tasks here and below ask."""
        own = {task.id: asked_by(task) for task in self.desk.open.values() if task.state == TaskState.OPEN}
        return own | {task: asked for report in self.reports.values() for task, asked in report.asked.items()}

    def expected_at(self, task: str | None) -> str | None:
        """Return the child that a task must be at, or below, by its id, where that child's report is still to come.

        A task is in the order store, and so known to people, before all above it have heard of it.
        """
        if task is None or task in self.desk.open or task in self._told_tasks:
            return None
        of_children = {ids.order_id(child): child for child in self.children}
        around = [order_id for order_id in of_children if task.startswith((f"{order_id}!", f"{order_id}:"))]
        return of_children[max(around, key=len)] if around else None

    def residue_so_far(self) -> list[Residue]:
        """Return what undos that wait for a person have left so far, here and below."""
        own = [each for left in self.residue_of.values() for each in left]
        return own + [each for report in self.reports.values() for each in report.residue]

    def failures_below(self) -> list[Failure]:
        """Return why children that still undo themselves have failed, each under the item that they run for."""
        return [
            failure.model_copy(update={"step": self.item_of(self.children[child])})
            for child, report in self.reports.items()
            for failure in report.failures
        ]

    def item_of(self, key: str) -> str | None:
        """Return the order's item that a node or item of the plan belongs to."""
        return key

    def errand(self, work: Awaitable[Any]) -> None:
        """Do something on the side; the workflow does not end before it is done."""
        self._errands = [errand for errand in self._errands if not errand.done()]
        self._errands.append(asyncio.ensure_future(_without_fail(work)))

    async def settle_errands(self) -> None:
        """Wait until all that was begun on the side is done."""
        while any(not errand.done() for errand in self._errands):
            await asyncio.gather(*self._errands)
        await workflow.wait_condition(workflow.all_handlers_finished)


async def _without_fail(work: Awaitable[Any]) -> None:
    """Do what may come too late: whoever it is for may have ended."""
    try:
        await work
    except FailureError as error:
        workflow.logger.info("nobody to tell", extra={"reason": error.message})
