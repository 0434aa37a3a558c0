"""What the workflows of all orders share: what operators ask them and tell them, their steps, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ApplicationError, ChildWorkflowError, FailureError, is_cancelled_exception

from activities.inventory import Expectation, InventoryActivities
from activities.tasks import TaskActivities
from orders.instants import timestamp
from orders.lifecycle import OrderKind
from orders.outcome import Failure, Residue
from orders.plan import Milestone, Step
from orders.policy import OnFailure, Policy
from orders.task import Resolution, Task, TaskAction, TaskKind
from orders.wanted import WantedValue
from workflows import ids, policies
from workflows.desk import Parse, TaskDesk
from workflows.failures import explain, left_behind, order_failed
from workflows.messages import OrderView, TimelineEntry
from workflows.saga import SagaGraph, carried_out, is_cancelling, stop_if_cancelled
from workflows.steering import Steering
from workflows.tracking import OrderTracker, reasons_document

T = TypeVar("T")

_SHOWN_AT_ONCE = 100
"""Reasons that an order shows while it runs; where more fails, the rest is shown at its end."""

_TO_UNDO = [TaskAction.RETRY, TaskAction.COMPLETE, TaskAction.FAIL]


class Stepped(Protocol):
    """What is realised in steps: a product, a service or a resource of a plan."""

    key: str
    policy: Policy
    point_of_no_return: Step | None
    milestones: list[Milestone]


class OrderWorkflow(Steering):
    """The base of every order's workflow."""

    def __init__(self, kind: OrderKind, revision: int, *, undoing: bool = False) -> None:
        self.workflow_id = workflow.info().workflow_id
        self.order_id = ids.order_id(self.workflow_id)
        self.revision = revision
        self.undoing = undoing
        """Whether this order takes another one back: then nothing of it is undone in turn, and steps do not give up."""
        self.tracker = OrderTracker(kind, self.order_id)
        self.desk = TaskDesk(self._keep_task, self.standing_changed, self.errand)
        self.graph: SagaGraph | None = None
        self.priority: Priority | None = None
        """What its steps take precedence by; that of its start, where it is None."""
        self._failures_known = (0, 0)
        """How many failures there were here and below when their reasons were last shown."""
        super().__init__()

    @workflow.query(description="The order as it stands: its state, its items' states, and what it waits for.")
    def order(self) -> OrderView:
        held = ["order"] if self.all_held else sorted(self.items_held)
        return self.tracker.view().model_copy(
            update={"revision": self.revision, "held": held, "tasks": list(self.tasks())}
        )

    @workflow.query(description="What happened to the order so far, and when.")
    def timeline(self) -> list[TimelineEntry]:
        return self.tracker.timeline

    async def supervised(self, process: Coroutine[Any, Any, T]) -> T:
        """Run the order's process to its end, whatever cancellations come meanwhile, and return what it came to.

        A process that a message has cancelled ends by `asyncio.CancelledError`, as one does that the engine cancelled.
        """
        running = asyncio.create_task(self._begin(process))
        while not running.done():
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                if not running.done():
                    self.engine_cancels()
            except (FailureError, workflow.ContinueAsNewError):
                break
        # What is done stays as it is told, whatever cancellation comes now.
        await carried_out(asyncio.create_task(self.settle_errands()), cancellable=False)
        return running.result()

    async def _begin(self, process: Coroutine[Any, Any, T]) -> T:
        """Run the process, which can be cancelled from here on: a task that never began would undo nothing."""
        self.process = asyncio.current_task()
        if self.cancelling and self.process is not None:
            self.process.cancel()
        return await process

    def key(self, *parts: str) -> str:
        """Return the idempotency key of a call: business item, step, action and revision."""
        return "/".join([self.workflow_id, *parts, str(self.revision)])

    async def step(
        self,
        item: Stepped,
        step: Step,
        do: Callable[[], Awaitable[T]],
        what: str,
        *,
        system: str = "ordersaga",
        parse: Parse = lambda values: None,
        wanted: Sequence[WantedValue] | None = (),
    ) -> T:
        """Take one step of an item: when it may begin, until it is done, or a person has settled it otherwise.

        Args:
            parse: makes the values of a person who has done the step by hand into what it would have given.
            wanted: those values; any are taken, where it is None.

        Raises:
            FailureError: when it has failed for good.
        """
        stop_if_cancelled()
        if not self.undoing:
            await self.may_start(item.key)
            if item.point_of_no_return == step:
                await self.pass_point_of_no_return(item.key, what)
            stop_if_cancelled()
        result: T = await self._until_settled(item, step, do, what, system, parse, wanted)
        if not self.undoing:
            self._reached(item.key, [each for each in item.milestones if each.after == step])
        return result

    async def _until_settled(
        self,
        item: Stepped,
        step: Step,
        do: Callable[[], Awaitable[T]],
        what: str,
        system: str,
        parse: Parse,
        wanted: Sequence[WantedValue] | None,
    ) -> Any:
        while True:
            try:
                return await do()
            except FailureError as error:
                if is_cancelled_exception(error) or not self._is_for_people(error, item.policy):
                    raise
                failed = error
            failure = explain(failed, what)
            actions = _TO_UNDO if self.undoing else [*TaskAction]
            told = _told(failure, item.policy, system) | {"wanted": None if wanted is None else list(wanted)}
            if not self.undoing and item.policy.hold_timeout:
                told["due_at"] = workflow.now() + item.policy.hold_timeout
            task = self.new_task(TaskKind.FALLOUT, step, what, actions, item=item.key, undoing=self.undoing, **told)
            self.tracker.remark(failure)
            settled = await self._settled_by_people(task, parse, item, failure)
            match settled.action:
                case TaskAction.COMPLETE:
                    return parse(settled.values)
                case TaskAction.FAIL:
                    raise failed
                case TaskAction.ROLLBACK:
                    raise order_failed(failure.model_copy(update={"rollback": True}))
            stop_if_cancelled()

    async def _settled_by_people(self, task: Task, parse: Parse, item: Stepped, failure: Failure) -> Resolution:
        """Wait until a person, or the second policy, has settled a step that failed; show what is left meanwhile."""
        if self.undoing and workflow.patched("undoing-steps-show-residue"):
            target = f"{self.tracker.names.get(item.key, item.key)} of order {self.order_id}"
            system = task.system or "ordersaga"
            self.residue_of[task.id] = [Residue(step=task.step, system=system, target=target, message=failure.message)]
        try:
            settled = await self.desk.ask(task, parse, item.policy.after_hold)
        except asyncio.CancelledError:
            self.note_withdrawal(task)
            raise
        finally:
            left = self.residue_of.pop(task.id, None)
        self.note_resolution(task, settled)
        if left:
            self.standing_changed()
        return settled

    def _is_for_people(self, error: FailureError, policy: Policy) -> bool:
        """Return whether a failed step waits for a person; what failed below has been a person's matter there."""
        return not isinstance(error, ChildWorkflowError) and (self.undoing or policy.on_failure == OnFailure.HOLD)

    async def stuck(self, left: Residue, error: FailureError) -> TaskAction:
        """Ask a person what to do about an undo that has failed for good, and show meanwhile what it leaves."""
        if isinstance(error, ChildWorkflowError):
            return TaskAction.FAIL
        what = f"undo: {left.step} {left.target}"
        failure = explain(error, what)
        told = _told(failure, Policy(), left.system) | {"wanted": []}
        task = self.new_task(TaskKind.FALLOUT, left.step, what, _TO_UNDO, undoing=True, **told)
        return await self._undo_settled(task, [left])

    async def _undo_settled(self, task: Task, left: list[Residue]) -> TaskAction:
        self.residue_of[task.id] = left
        settled = await self.desk.ask(task, lambda values: None)
        del self.residue_of[task.id]
        self.note_resolution(task, settled)
        self.standing_changed()
        return settled.action

    def standing_changed(self) -> None:
        self._show_reasons()
        super().standing_changed()

    def _show_reasons(self) -> None:
        """Show why something failed, here or below, as soon as it has: its undo may wait for people for long."""
        own = len(self.graph.failures) if self.graph else 0
        known = own, sum(len(report.failures) for report in self.reports.values())
        if self.tracker.ended or known == self._failures_known or len(self.reasons) >= _SHOWN_AT_ONCE:
            return
        self._failures_known = known
        told = [each.reason() for each in [*self.failures_of_nodes(), *self.failures_below()]]
        news = [each for each in told if each not in self.reasons]
        if news and workflow.patched("reasons-are-shown-at-once"):
            self.reasons = [*self.reasons, *news]
            self.tracker.set(**self.reasons_document(self.reasons))

    def failures_of_nodes(self) -> list[Failure]:
        """Return why nodes of the graph failed so far, each under the item that it belongs to."""
        graph = self.graph
        if graph is None:
            return []
        return [
            failure.model_copy(update={"step": self.item_of(key) or key, "at": failure.at or graph.failed_at[key]})
            for key, error in graph.failures.items()
            for failure in explain(error, self.tracker.names.get(key, key)).each()
        ]

    def reasons_document(self, failures: list[Failure]) -> dict[str, Any]:
        """Return the attribute by which the order's document says why something of it failed, or that nothing has."""
        if not failures and not self.reasons:
            return {}
        return reasons_document(self.tracker.kind, failures, self.tracker.items, workflow.now())

    async def read_back(self, expected: list[Expectation]) -> list[Residue]:
        """Prove by inventory what an undo did; return what is not as it should be, once a person has seen it."""
        while True:
            residue: list[Residue] = await self.request(
                policies.INVENTORY,
                InventoryActivities.read_back,
                expected,
                f"read back {len(expected)} from inventory",
                policies.undo(Policy()),
            )
            if not residue:
                return []
            left = left_behind(residue)
            told = {"system": policies.INVENTORY, "error_code": "residue", "error": left, "attempts": 1, "wanted": []}
            task = self.new_task(TaskKind.FALLOUT, "read back", left, _TO_UNDO, undoing=True, **told)
            match await self._undo_settled(task, residue):
                case TaskAction.COMPLETE:
                    return []
                case TaskAction.FAIL:
                    return residue

    async def call(self, system: str, activity: Any, request: Any, policy: Policy, summary: str) -> Any:
        """Call a downstream system for an effect, retried as the catalog's policy says."""
        stop_if_cancelled()
        options = policies.undo(policy) if self.undoing else policies.step(policy)
        return await self.request(system, activity, request, summary, options)

    async def take_back(self, system: str, activity: Any, request: Any, policy: Policy, summary: str) -> None:
        """Call a downstream system to take an effect back, retried until the system is there."""
        await self.request(system, activity, request, summary, policies.undo(policy))

    async def local(self, activity: Any, request: Any, summary: str) -> Any:
        """Ask or tell the order store."""
        handle = workflow.start_local_activity_method(activity, request, summary=summary, **policies.LOCAL)
        return await carried_out(handle, cancellable=False)

    async def request(self, system: str, activity: Any, request: Any, summary: str, options: dict[str, Any]) -> Any:
        """Call a downstream system, and wait for its answer even where a cancellation comes in between."""
        queue = policies.task_queue(workflow.info().task_queue, system)
        handle = workflow.start_activity_method(
            activity, request, task_queue=queue, summary=summary[:200], **self.precedence(), **options
        )
        return await carried_out(handle)

    async def child(
        self, run: Any, request: Any, workflow_id: str, summary: str, details: str | None = None, key: str = ""
    ) -> Any:
        """Run a child workflow for the node or item `key` and return its outcome.

        A cancellation cancels it, and waits for what comes of that.
        """
        stop_if_cancelled()
        starting = workflow.start_child_workflow(
            run,
            request,
            id=workflow_id,
            static_summary=summary[:200],
            static_details=details,
            **self.precedence(),
            **policies.CHILD,
        )
        self.adopt(workflow_id, key)
        try:
            handle: Any = await carried_out(asyncio.ensure_future(starting), cancellable=False)
            if is_cancelling():
                handle.cancel()
            self.greet(workflow_id)
            outcome = await carried_out(handle)
        except (FailureError, asyncio.CancelledError):
            self.release(workflow_id)
            raise
        self.release(workflow_id)
        return outcome

    def precedence(self) -> dict[str, Any]:
        return {"priority": self.priority} if self.priority else {}

    def new_task(
        self,
        kind: TaskKind,
        step: str,
        what: str,
        actions: list[TaskAction],
        **more: Any,
    ) -> Task:
        """Return the next task of this workflow; `more` is what else a task has."""
        return Task(
            id=self.desk.task_id(self.order_id),
            kind=kind,
            workflow_id=self.workflow_id,
            order_kind=self.tracker.kind,
            order_id=self.order_id,
            root_id=ids.parse(self.workflow_id).order_id,
            step=step,
            what=what,
            actions=actions,
            created_at=workflow.now(),
            **more,
        )

    async def _keep_task(self, task: Task) -> None:
        await self.local(TaskActivities.keep_task, task, f"task {task.id} is {task.state}")

    def _reached(self, key: str, milestones: list[Milestone]) -> None:
        for each in milestones:
            self.tracker.note(f"milestone: {each.name}")
            self.tell(
                "milestone",
                {
                    "id": f"{self.order_id}:{key}:{each.name}",
                    "name": each.name,
                    "description": each.description or each.name,
                    "milestoneDate": timestamp(workflow.now()),
                    "status": "completed",
                },
            )

    def alert(self, kind: str, key: str, name: str, message: str) -> None:
        """Say that the order is in jeopardy: on its document, and on those of the orders above it."""
        self.tracker.note(f"jeopardy: {message}")
        self.tell(
            "jeopardyAlert",
            {
                "id": f"{self.order_id}:{key}:{kind}",
                "name": name,
                "jeopardyType": kind,
                "alertDate": timestamp(workflow.now()),
                "message": message,
            },
        )


def _told(failure: Failure, policy: Policy, system: str) -> dict[str, Any]:
    """Return what a fallout task says of a failure."""
    return {
        "system": failure.system or system,
        "error_code": failure.code,
        "error": failure.message,
        "attempts": failure.attempts or policy.attempts,
    }


def not_done(what: str, reason: str | None) -> ApplicationError:
    """Return the error of a step that people could not do."""
    return ApplicationError(f"{what}: {reason or 'people could not do it'}", type="notDone", non_retryable=True)
