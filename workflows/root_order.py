"""An order that was posted, from its acceptance to its end: the business process, whatever kind of order it is."""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from activities.claims import ClaimActivities
from activities.planning import PlanAnswer, PlanningActivities, PlanRequest
from activities.qualification import FeasibilityRequest, QualificationActivities
from activities.records import LoadGraph, RecordActivities
from orders.instants import timestamp
from orders.lifecycle import OrderKind, OrderState, in_words
from orders.outcome import Failure, RootOrderOutcome
from orders.plan_graph import PlanNode
from orders.rollup import order_state
from orders.violation import Violation
from workflows import ids, policies
from workflows.amending import Amending
from workflows.failures import RESIDUE, explain, left_behind, order_failed
from workflows.messages import PlanView, ProgressView, RootOrderInput
from workflows.saga import Saga, SagaGraph, stop_if_cancelled
from workflows.tracking import residue_document
from workflows.waiting import came

_PLANNING = {
    OrderKind.PRODUCT: "check, price and decompose",
    OrderKind.SERVICE: "check and decompose",
    OrderKind.RESOURCE: "check and decompose",
}


class RootOrder(Amending):
    """The base of the workflows of posted orders.

    They complete when the order is completed, partial or rejected, and fail when it failed.
    """

    def __init__(self, kind: OrderKind, order: RootOrderInput) -> None:
        super().__init__(kind, order.revision)
        self.requested_start = order.requested_start_date
        self.is_carried_on = order.carried is not None
        if order.carried is not None:
            self.carry_on(order.carried)
        self.running_children = asyncio.Semaphore(policies.CONCURRENT_CHILDREN)

    @property
    def in_words(self) -> str:
        """The order's kind and id: `product order 7f3k2a9d`."""
        return f"{in_words(self.tracker.kind)} {self.order_id}"

    async def to_its_end(self) -> RootOrderOutcome:
        """Run the order to its end and return how it ended."""
        try:
            return await self.supervised(self._process())
        except asyncio.CancelledError:
            if self.cancelled_by_engine:
                raise
            return self._outcome()

    async def _process(self) -> RootOrderOutcome:
        try:
            if self.is_carried_on:
                await self._load_plan()
            elif not await self._begun():
                return await self._end()
            if await self._waited_for_start_date() and (violations := await self._infeasible()):
                return await self._conclude(_failures(violations))
            await self._fulfil()
        except (asyncio.CancelledError, FailureError) as error:
            if not is_cancelled_exception(error):
                raise
            if self.graph is not None:
                self.graph.stop()
            await asyncio.shield(asyncio.create_task(self._cancelled()))
            raise
        return await self._conclude(self.failures_of_nodes())

    @workflow.query(description="The order's plan: each node with what it waits for, and how far it is.")
    def plan(self) -> list[PlanView]:
        return [PlanView(node=node, state=self.state_of(node.key).value) for node in self.plan_graph.nodes]

    @workflow.query(description="How far each node of the plan is, and which are past their point of no return.")
    def progress(self) -> ProgressView:
        return ProgressView(revision=self.revision, nodes=self.progress_of_nodes())

    async def _begun(self) -> bool:
        """Plan the order; return whether it is possible, and so accepted."""
        await self._load_items()
        return self._accept(await self._planned()) and self._accept(await self._infeasible())

    async def _load_items(self) -> None:
        self.tracker.follow(await self.local(RecordActivities.item_names, self.order_id, "load the items"))

    async def _planned(self) -> list[Violation]:
        """Check the order against the catalogs and the installed base, and make its plan; products are priced, too.

        An order that changes what another one is changing waits for that one's end, and is planned then.
        """
        while True:
            self.tracker.waits("planning")
            await workflow.wait_condition(lambda: not self.is_being_amended())
            revision, turns = self.revision, self.turns
            request = PlanRequest(order_id=self.order_id, revision=revision, version=self.tracker.next_version())
            answer: PlanAnswer = await self._ask(PlanningActivities.plan_order, request, _PLANNING[self.tracker.kind])
            self.tracker.waits()
            if answer.ahead:
                self.tracker.waits(f"order {', '.join(answer.ahead)}, which goes first")
                self.tracker.note(f"waits for order {', '.join(answer.ahead)}: both change the same thing")
                await self._until_turn(turns, revision)
            elif revision == self.revision:
                break
        self.take(answer)
        return answer.violations

    async def _until_turn(self, turns: int, revision: int) -> None:
        await workflow.wait_condition(lambda: self.turns > turns or self.revision != revision)

    async def _infeasible(self) -> list[Violation]:
        """Ask the inventories whether every service is possible at its place, and whether resources are there."""
        while True:
            self.tracker.waits("feasibility")
            revision = self.revision
            request = FeasibilityRequest(order_id=self.order_id, revision=revision)
            violations: list[Violation] = await self._ask(
                QualificationActivities.check_feasibility, request, "check feasibility"
            )
            self.tracker.waits()
            if revision == self.revision:
                return violations

    async def _ask(self, activity: Any, request: Any, summary: str) -> Any:
        """Ask what has no effect.

        Raises:
            ApplicationError: when there is no sense in asking again; the order has failed then.
        """
        stop_if_cancelled()
        try:
            answer = await workflow.execute_activity_method(activity, request, summary=summary, **policies.PLANNING)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            stop_if_cancelled()
            self.tracker.waits()
            self.tracker.to(OrderState.IN_PROGRESS)
            return await self._conclude([explain(error, summary)])
        stop_if_cancelled()
        return answer

    async def _waited_for_start_date(self) -> bool:
        """Wait for the requested start, wherever amendments move it; return whether there was anything to wait for."""
        if not self.is_early():
            return False
        self.awaits_start = True
        self.tracker.to(OrderState.HELD if self.all_held else OrderState.PENDING)
        while (start := self.requested_start) and self.is_early():
            stop_if_cancelled()
            self.tracker.waits(f"its requested start, {timestamp(start)}")
            await came(partial(self._has_moved, start), start - workflow.now(), "requested start date")
            if self.history_is_long():
                await self._continue_in_a_new_run()
        self.awaits_start = False
        self.tracker.waits()
        if self.all_held:
            await workflow.wait_condition(lambda: not self.all_held)
        self.tracker.to(OrderState.IN_PROGRESS)
        return True

    async def _continue_in_a_new_run(self) -> None:
        """Go on in a new run, which takes along all that this one was told, up to its last moment."""
        self.continues = True
        while True:
            await self.settle_errands()
            await self.tracker.flushed()
            stop_if_cancelled()
            if workflow.all_handlers_finished():
                workflow.continue_as_new(self.carried_over())

    def _has_moved(self, start: datetime) -> bool:
        return self.requested_start != start or self.history_is_long()

    async def _load_plan(self) -> None:
        """Load the plan of the revision that an earlier run has come to."""
        request = LoadGraph(order_id=self.order_id, revision=self.revision)
        self.carry_on_with(await self.local(RecordActivities.load_graph, request, "load the plan"))

    async def _fulfil(self) -> None:
        """Run the plan, each node as its dependencies allow."""
        stop_if_cancelled()
        self.tracker.to(OrderState.IN_PROGRESS)
        self.show_early_hold()
        self.graph = SagaGraph(
            self.plan_graph.dependencies(),
            self._do,
            taken_by_failure=self._taken_by_failure,
            read_back=self.read_back,
            stuck=self.stuck,
            changed=lambda _: self.nodes_changed(),
        )
        watch = asyncio.create_task(self.watch_dates())
        try:
            await self.graph.run()
        finally:
            watch.cancel()

    def show_realised(self) -> None:
        """Show on the order's items what has come of them, once nothing of the order can be changed any more."""

    def _taken_by_failure(self, key: str) -> set[str]:
        """Return what a failure takes with it: all of it, where a person has decided to roll the order back."""
        assert self.graph is not None
        error = self.graph.failures.get(key)
        if error is not None and explain(error, key).rollback:
            return set(self.nodes)
        return self.plan_graph.taken_by_failure(key)

    async def _do(self, key: str, saga: Saga) -> None:
        node = self.nodes[key]
        await self.may_start(key)
        await self.until_due(key)
        self.begins(key)
        if node.item_id in self.tracker.items:
            self.roll_up(node.item_id)
        await self.realise(node, saga)

    async def realise(self, node: PlanNode, saga: Saga) -> None:
        """Do what a node of the plan stands for, and register its undo with the saga."""
        raise NotImplementedError

    def _accept(self, violations: list[Violation]) -> bool:
        """Reject the order, with every reason, where there is one."""
        if not violations:
            return True
        failures = _failures(violations)
        for failure in failures:
            self.tracker.remark(failure)
        for item in self.tracker.items:
            self.tracker.item_to(item, OrderState.REJECTED)
        self.tracker.to(OrderState.REJECTED, **self.reasons_document(failures))
        return False

    async def _conclude(self, failures: list[Failure]) -> RootOrderOutcome:
        """Bring the order to the state that its items make.

        Raises:
            ApplicationError: when the order failed.
        """
        self.roll_up()
        residue = self.graph.residue if self.graph else []
        for failure in failures:
            self.tracker.remark(failure)
        if self.graph is None:
            for item in self.tracker.items:
                self.tracker.item_to(item, OrderState.FAILED)
        self.show_realised()
        self.tracker.to(
            order_state(self.tracker.items.values()),
            completionDate=timestamp(workflow.now()),
            **self.reasons_document(failures),
            **residue_document(residue),
        )
        outcome = await self._end()
        if self.tracker.state == OrderState.FAILED:
            raise order_failed(failures[0].model_copy(update={"residue": residue}))
        return outcome

    async def _cancelled(self) -> None:
        """Undo all that was done, and end cancelled."""
        if not self.tracker.items:
            await self._load_items()
        self.tracker.cancel_begins()
        residue = []
        if self.graph is not None:
            await self.graph.undone()
            residue = self.graph.residue
        reason = {"cancellationReason": self.cancellation.reason} if self.cancellation.reason else {}
        self.tracker.cancel_ends(
            cancellationDate=timestamp(workflow.now()),
            **reason,
            **self.reasons_document(self.failures_of_nodes()),
            **residue_document(residue),
        )
        self.cancellation_is_done()
        await self._end()
        if residue:
            raise order_failed(Failure(code=RESIDUE, message=f"cancelled. {left_behind(residue)}", residue=residue))

    async def _end(self) -> RootOrderOutcome:
        """Let those go on that wait for this order, once all of it is kept."""
        await self.tracker.flushed()
        async with self.amending:  # the planning of an amendment claims more
            waiting: list[str] = await self.local(ClaimActivities.release_claims, self.order_id, "let others go on")
        for order_id in waiting:
            other = workflow.get_external_workflow_handle(ids.root_workflow(order_id))
            self.errand(other.signal("your_turn"))
        return self._outcome()

    def _outcome(self) -> RootOrderOutcome:
        residue = self.graph.residue if self.graph else []
        return RootOrderOutcome(state=self.tracker.state, items=self.tracker.items, residue=residue)


def _failures(violations: list[Violation]) -> list[Failure]:
    return [Failure(code=each.code, message=str(each), step=each.item_id) for each in violations]
