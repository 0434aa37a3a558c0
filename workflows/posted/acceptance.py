"""The acceptance of a posted order: planned against catalogs and installed base, and possible; or else rejected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, RetryState, is_cancelled_exception
from temporalio.types import MethodAsyncSingleParam

from activities.feasibility import FeasibilityRequest, QualificationActivities
from activities.planning import PlanAnswer, PlanningActivities, PlanRequest
from activities.records import LoadGraph, RecordActivities
from orders.lifecycle.states import OrderKind
from orders.model.task import Resolution, Task, TaskAction, TaskKind
from orders.plan.outcome import Failure
from orders.plan.policy import Policy
from workflows.contracts import policies
from workflows.failures import explain, fallout, was_silent
from workflows.parts.human_tasks import HumanTasks
from workflows.posted.dates import Dates
from workflows.posted.ending import Ending, failures_of
from workflows.posted.plan import OrderPlan
from workflows.runtime.context import OrderContext
from workflows.saga.saga import stop_if_cancelled

P = TypeVar("P")
R = TypeVar("R")

_PLANNING = {
    OrderKind.PRODUCT: "check, price and decompose",
    OrderKind.SERVICE: "check and decompose",
    OrderKind.RESOURCE: "check and decompose",
}
_STORE_IS_AWAY = "StoreUnavailableError"
"""The code of a failure that ends by itself, and that all orders have: people are told by the gateway's health."""
_SYSTEM_IS_AWAY = "DownstreamError"


class Acceptance:
    """The planning of a posted order, and what it waits for before."""

    def __init__(
        self,
        context: OrderContext,
        plan: OrderPlan,
        dates: Dates,
        ending: Ending,
        tasks: HumanTasks,
        amending: asyncio.Lock,
    ) -> None:
        """Make it; while `amending` is taken, the order's document is about to change, and is not planned."""
        self._context = context
        self._plan = plan
        self._dates = dates
        self._ending = ending
        self._tasks = tasks
        self._amending = amending
        self._times_told = 0
        """How often this order was told that one whose resource locks it waits for has ended."""

    def your_turn(self) -> None:
        """Take note that an order has ended whose resource locks this one waits for."""
        self._times_told += 1

    async def passed(self) -> bool:
        """Plan the order, where that is still to be done; return whether it is accepted. If not, it is rejected.

        Raises:
            ApplicationError: when it cannot be planned at all: the order has failed then.
        """
        if self._plan.is_carried:
            await self._load()
            return True
        answer = await self._planned()
        if answer.violations:
            self._ending.reject(answer.violations)
            return False
        self._plan.adopt(answer.graph, answer.parents, answer.planned_at)
        self._dates.requested_completion = answer.requested_completion_date
        self._dates.as_late_as_possible = answer.as_late_as_possible
        self._go_by_it()
        return True

    async def infeasible(self) -> list[Failure]:
        """Ask again, after a wait, and return why services are not possible at their places, or resources not there."""
        while True:
            revision = self._context.revision
            request = FeasibilityRequest(order_id=self._context.order_id, revision=revision)
            violations = await self._ask(
                QualificationActivities.check_feasibility, request, "check feasibility", waits="feasibility"
            )
            if violations is not None and revision == self._context.revision:
                return failures_of(violations)

    async def _planned(self) -> PlanAnswer:
        """Check the order against the catalogs, the installed base and the inventories; products are priced, too.

        An order that changes what another one is changing waits for that one's end, and is planned then.
        """
        context, tracker = self._context, self._context.tracker
        while True:
            tracker.waits("planning")
            await workflow.wait_condition(lambda: not self._amending.locked())
            revision, times_told = self._context.revision, self._times_told
            request = PlanRequest(order_id=context.order_id, revision=revision, version=tracker.next_version())
            answer = await self._ask(PlanningActivities.plan_order, request, _PLANNING[context.kind], waits="planning")
            if answer is None:
                continue
            if not tracker.items:
                tracker.follow(answer.names)
            if answer.ahead:
                first = ", ".join(answer.ahead)
                tracker.waits(f"order {first}, which goes first")
                tracker.note(f"waits for order {first}: both change the same thing")
                await workflow.wait_condition(self._may_be_planned(times_told, revision))
            elif revision == self._context.revision:
                return answer

    def _may_be_planned(self, times_told: int, revision: int) -> Callable[[], bool]:
        return lambda: self._times_told > times_told or self._context.revision != revision

    async def _load(self) -> None:
        """Load the plan of the revision that an earlier run has come to."""
        request = LoadGraph(order_id=self._context.order_id, revision=self._context.revision)
        graph = await self._context.calls.local(RecordActivities.load_graph, request, "load the plan")
        self._plan.adopt(graph, self._plan.parents, self._plan.made_at)
        self._go_by_it()

    def _go_by_it(self) -> None:
        self._plan.is_made = True
        self._dates.changed()

    async def _ask(
        self, activity: MethodAsyncSingleParam[Any, P, R], request: P, summary: str, *, waits: str
    ) -> R | None:
        """Ask what has no effect, until there is an answer; None where the order was amended before.

        Raises:
            ApplicationError: when there is no sense in asking again; the order has failed then.
        """
        revision, options = self._context.revision, policies.PLANNING
        while True:
            stop_if_cancelled()
            self._context.tracker.waits(waits)
            answer, failed = None, None
            try:
                answer = await self._context.calls.ask(activity, request, summary, options)
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                failed = error
            stop_if_cancelled()
            self._context.tracker.waits()
            if failed is None:
                return answer
            failure = explain(failed, summary)
            if failed.retry_state == RetryState.NON_RETRYABLE_FAILURE:
                await self._ending.fail([failure])
                raise failed
            if failure.code == _STORE_IS_AWAY or (failure.code == _SYSTEM_IS_AWAY and options is policies.PLANNING):
                options = policies.PLANNING_WHILE_AWAY if was_silent(failed) else policies.PLANNING_LATER
                continue
            if await self._decided_by_people(failure, summary, options) == TaskAction.FAIL:
                await self._ending.fail([failure])
                raise failed
            if revision != self._context.revision:
                return None
            options = policies.PLANNING

    async def _decided_by_people(self, failure: Failure, summary: str, options: dict[str, Any]) -> TaskAction | None:
        """Return what a person decides about a failure that does not end by itself; None where it is amended first."""
        revision = self._context.revision
        told = fallout(failure, Policy(attempts=options["retry_policy"].maximum_attempts), "ordersaga")
        task = self._tasks.new(
            TaskKind.FALLOUT, "plan", summary, [TaskAction.RETRY, TaskAction.FAIL], **told, wanted=[]
        )
        self._context.tracker.remark(failure)
        self._context.tracker.waits(f"task {task.id}: {failure.message}")
        asking = asyncio.create_task(self._tasks.ask(task, lambda values: None))
        try:
            await workflow.wait_condition(lambda: asking.done() or self._context.revision != revision)
        except asyncio.CancelledError:
            await self._withdraw(task, asking)
            raise
        if not asking.done():
            await self._withdraw(task, asking)
        self._context.tracker.waits()
        if asking.cancelled():
            return None
        self._tasks.note_resolution(task, asking.result())
        return asking.result().action

    async def _withdraw(self, task: Task, asking: asyncio.Task[Resolution]) -> None:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        self._tasks.note_withdrawal(task)
