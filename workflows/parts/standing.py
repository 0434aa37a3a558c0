"""The standing of an order: what is held, failed or left behind, kept on its document and told to the one above."""

from __future__ import annotations

from collections.abc import Collection

from temporalio import workflow

from orders.lifecycle.states import OrderState
from orders.plan.outcome import Residue
from workflows.contracts.payloads import ChildReport
from workflows.parts.children import Children
from workflows.parts.compensation import Compensation
from workflows.parts.holds import Holds
from workflows.parts.human_tasks import HumanTasks, asked_by
from workflows.parts.reasons import Reasons
from workflows.runtime.context import OrderContext

_MAY_BE_HELD = frozenset({OrderState.PENDING, OrderState.IN_PROGRESS, OrderState.HELD})


class Standing:
    """Keeps what is seen of an order's standing up to date, here and above."""

    def __init__(
        self,
        context: OrderContext,
        tasks: HumanTasks,
        children: Children,
        holds: Holds,
        reasons: Reasons,
        compensation: Compensation,
    ) -> None:
        self._context = context
        self._tasks = tasks
        self._children = children
        self._holds = holds
        self._reasons = reasons
        self._compensation = compensation
        self._residue_shown: list[Residue] = []
        self._reported = ChildReport(workflow_id=context.workflow_id, version=0)

    def tasks(self) -> dict[str, str]:
        """Return the open tasks here and below: id → the workflow that waits for it."""
        return {task.id: self._context.workflow_id for task in self._tasks.waiting()} | self._children.tasks()

    def update(self, _nodes: Collection[str] = ()) -> None:
        """Bring items and order to the states that holds make, show what failed and is left, and tell the parent."""
        context, tracker = self._context, self._context.tracker
        self._reasons.show()
        if not context.being_cancelled and not context.undoing and tracker.state in _MAY_BE_HELD:
            self._holds.show()
        residue = [*self._compensation.residue(), *self._children.residue()]
        if residue != self._residue_shown and not tracker.ended:
            self._residue_shown = residue
            tracker.set(residue=[each.model_dump(mode="json") for each in residue] or None)
        self._report(residue)

    def _report(self, residue: list[Residue]) -> None:
        parent = workflow.info().parent
        if parent is None:
            return
        report = ChildReport(
            workflow_id=self._context.workflow_id,
            version=self._reported.version,
            held=self._context.tracker.state == OrderState.HELD,
            tasks=self.tasks(),
            asked={task.id: asked_by(task) for task in self._tasks.waiting()} | self._children.asked(),
            residue=residue,
            failures=self._reasons.shown,
        )
        if report != self._reported:
            self._reported = report.model_copy(update={"version": report.version + 1})
            handle = workflow.get_external_workflow_handle(parent.workflow_id)
            self._context.background.start(handle.signal("report", self._reported))
