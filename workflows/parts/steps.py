"""The steps that realise products, services and resources: each taken until it is done, or settled by people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, FailureError, is_cancelled_exception

from orders.model.task import Resolution, Task, TaskAction, TaskKind
from orders.model.wanted import WantedValue
from orders.plan.outcome import Failure, Residue
from orders.plan.parts import Milestone, Step
from orders.plan.policy import OnFailure, Policy
from tmf.instants import timestamp
from workflows.failures import explain, fallout, order_failed
from workflows.parts.compensation import TO_UNDO, Compensation
from workflows.parts.holds import Holds
from workflows.parts.human_tasks import HumanTasks, Parse
from workflows.parts.points_of_no_return import PointsOfNoReturn
from workflows.runtime.calls import Call
from workflows.runtime.context import OrderContext
from workflows.saga.saga import stop_if_cancelled

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")


class Stepped(Protocol):
    """What is realised in steps: a product, a service or a resource of a plan."""

    key: str
    policy: Policy
    point_of_no_return: Step | None
    milestones: list[Milestone]


class Steps:
    """Takes the steps of one order's items."""

    def __init__(
        self,
        context: OrderContext,
        tasks: HumanTasks,
        holds: Holds,
        points_of_no_return: PointsOfNoReturn,
        compensation: Compensation,
    ) -> None:
        self._context = context
        self._tasks = tasks
        self._holds = holds
        self._points_of_no_return = points_of_no_return
        self._compensation = compensation

    async def call(
        self,
        item: Stepped,
        step: Step,
        call: Call[P, R],
        *,
        parse: Parse = lambda values: None,
        wanted: Sequence[WantedValue] | None = (),
    ) -> R:
        """Take a step that is one call to a system; arguments, result and errors as of `take`."""

        async def do() -> R:
            return await self._context.calls.effect(call)

        return await self.take(item, step, do, call.summary, system=call.system, parse=parse, wanted=wanted)

    async def take(
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
        undoing = self._context.undoing
        stop_if_cancelled()
        if not undoing:
            await self._holds.may_start(item.key)
            if item.point_of_no_return == step:
                await self._points_of_no_return.passing(item.key, what)
            stop_if_cancelled()
        result: T = await self._until_settled(item, step, do, what, system, parse, wanted)
        if not undoing:
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
            failure = explain(failed, what, self._context.calls.attempts_before(failed))
            task = self._fallout(item, step, what, system, failure, wanted)
            self._context.tracker.remark(failure)
            settled = await self._settled_by_people(task, parse, item, failure)
            match settled.action:
                case TaskAction.COMPLETE:
                    return parse(settled.values)
                case TaskAction.FAIL:
                    raise failed
                case TaskAction.ROLLBACK:
                    raise order_failed(failure.model_copy(update={"rollback": True}))
            stop_if_cancelled()

    def _fallout(
        self,
        item: Stepped,
        step: Step,
        what: str,
        system: str,
        failure: Failure,
        wanted: Sequence[WantedValue] | None,
    ) -> Task:
        undoing = self._context.undoing
        told = fallout(failure, item.policy, system) | {"wanted": None if wanted is None else list(wanted)}
        if not undoing and item.policy.hold_timeout:
            told["due_at"] = workflow.now() + item.policy.hold_timeout
        actions = TO_UNDO if undoing else [*TaskAction]
        return self._tasks.new(TaskKind.FALLOUT, step, what, actions, item=item.key, undoing=undoing, **told)

    async def _settled_by_people(self, task: Task, parse: Parse, item: Stepped, failure: Failure) -> Resolution:
        """Wait until a person, or the second policy, has settled a step that failed; show what is left meanwhile."""
        context, left = self._context, list[Residue]()
        if context.undoing:
            target = f"{context.tracker.names.get(item.key, item.key)} of order {context.order_id}"
            system = task.system or "ordersaga"
            left = [Residue(step=task.step, system=system, target=target, message=failure.message)]
        with self._compensation.leaving(task, left):
            try:
                settled = await self._tasks.ask(task, parse, item.policy.after_hold)
            except asyncio.CancelledError:
                self._tasks.note_withdrawal(task)
                raise
        self._tasks.note_resolution(task, settled)
        if left:
            context.changed()
        return settled

    def _is_for_people(self, error: FailureError, policy: Policy) -> bool:
        """Return whether a failed step waits for a person; what failed below has been a person's matter there."""
        by_policy = self._context.undoing or policy.on_failure == OnFailure.HOLD
        return by_policy and not isinstance(error, ChildWorkflowError)

    def _reached(self, key: str, milestones: list[Milestone]) -> None:
        tracker = self._context.tracker
        for each in milestones:
            tracker.note(f"milestone: {each.name}")
            tracker.tell(
                "milestone",
                {
                    "id": f"{tracker.order_id}:{key}:{each.name}",
                    "name": each.name,
                    "description": each.description or each.name,
                    "milestoneDate": timestamp(workflow.now()),
                    "status": "completed",
                },
            )


def id_in_inventory(of: str) -> Callable[[dict[str, Any]], str]:
    """Return what reads, from the values of a person who has recorded something by hand, its id in inventory."""

    def parse(values: dict[str, Any]) -> str:
        if not isinstance(values.get("id"), str):
            raise ValueError(f"`id`, that of the {of} in inventory, is missing")
        return str(values["id"])

    return parse
