"""The amendments of a posted order while it runs: planned, compared with what is done, and carried out."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.amendments import AmendmentActivities, ApplyAmendment, PlanAmendment, PlannedAmendment
from activities.planning import PlanAnswer
from activities.records import RecordActivities
from orders.admission import Message
from orders.amendment import Amendment, NodeProgress, NodeState, decide
from orders.lifecycle import OrderKind, OrderState
from orders.outcome import ServiceOrderOutcome
from orders.plan_graph import PlanGraph
from orders.revision import NodeAction, Revision, RevisionState
from orders.rollup import group_state, item_state
from orders.wishes import AS_LATE_AS_POSSIBLE, SCHEDULING
from workflows import policies, search_attributes
from workflows.failures import explain
from workflows.messages import Amend, Carried, RootOrderInput
from workflows.refusals import RefusedError, in_words
from workflows.timetable import Timetable

_TAKEN_BACK = frozenset({NodeAction.REPLACE, NodeAction.UNDO})

_PASSING = frozenset({"DownstreamError", "StoreUnavailableError", "timeout"})
"""Why an amendment cannot be planned now, and may be later: what it asks is away, or gave no answer in time."""

_CHANGES_TOLD = 1000
"""Changes of an amendment that its answer tells, which the engine bounds; the revision in the order store has all."""

_TIMELINE_CARRIED = 100
"""Lines of the timeline that a new run begins with."""


class Amending(Timetable):
    """A posted order's plan, how far it is, and how it is changed."""

    def __init__(self, kind: OrderKind, revision: int) -> None:
        super().__init__(kind, revision)
        self.service_orders: dict[str, ServiceOrderOutcome] = {}
        self.products: dict[str, str] = {}
        self.done_in: dict[str, int] = {}
        """Service order → the revision that it was done, or last changed, in."""
        self._nodes_of: dict[str, list[str]] = {}
        """Item → the keys of its nodes."""
        self._groups: dict[str, list[str]] = {}
        """Item that only groups others → the keys of their nodes."""
        self.parents: dict[str, str] = {}
        """Item → the bundle around it."""
        self.planned = False
        self.awaits_start = False
        self.turns = 0
        """How often this order was told that one before it has ended."""
        self.amending = asyncio.Lock()
        self._applied_numbers = {revision}
        """The revisions that the order is at, or was: what ran for one has its keys, so that none comes twice."""

    @workflow.update(name="amend", description="Change the order to a revision that is proposed in the order store.")
    async def amend_update(self, word: Amend) -> Revision:
        return await self._amend(word)

    @workflow.signal(name="amend", description="Change the order to a revision that is proposed in the order store.")
    async def amend_signal(self, word: Amend) -> None:
        try:
            await self._amend(word)
        except ApplicationError as error:
            self.tracker.note(f"amend refused: {error.message}")

    @workflow.signal(name="your_turn", description="An order that goes before this one has ended. That order sends it.")
    def your_turn(self) -> None:
        self.turns += 1

    def take(self, answer: PlanAnswer) -> None:
        """Take the plan that was made of the order."""
        self.parents = answer.parents
        self.take_graph(answer.graph)
        self.requested_completion = answer.requested_completion_date
        self.as_late_as_possible = answer.as_late_as_possible
        self.planned = not answer.violations
        if self.planned:
            self.dates_changed()

    def take_graph(self, graph: PlanGraph) -> None:
        self.plan_graph = graph
        self.nodes = graph.by_key()
        self._nodes_of = {}
        for node in graph.nodes:
            if node.item_id is not None:
                self._nodes_of.setdefault(node.item_id, []).append(node.key)
        self._groups = self._grouped() if self.tracker.kind == OrderKind.SERVICE else {}

    def _grouped(self) -> dict[str, list[str]]:
        """Return the items that do nothing but group others, each with the nodes of those."""
        groups: dict[str, list[str]] = {}
        for item, nodes in self._nodes_of.items():
            for outer in self.around(item)[1:]:
                if outer not in self._nodes_of:
                    groups.setdefault(outer, []).extend(nodes)
        return groups

    def is_being_amended(self) -> bool:
        """Return whether a new version is being planned, or written: its document is not there yet."""
        return self.amending.locked()

    def history_is_long(self) -> bool:
        """Return whether it is time for a new run, and nothing stands in its way."""
        return workflow.info().is_continue_as_new_suggested() and workflow.all_handlers_finished()

    def carried_over(self) -> RootOrderInput:
        """Return the input of a new run that goes on where this one has come to: waiting for the order's start."""
        return RootOrderInput(
            order_id=self.order_id,
            revision=self.revision,
            requested_start_date=self.requested_start,
            carried=Carried(
                state=self.tracker.state,
                version=self.tracker.version,
                items=self.tracker.items,
                names=self.tracker.names,
                parents=self.parents,
                timeline=self.tracker.timeline[-_TIMELINE_CARRIED:],
                requested_completion=self.requested_completion,
                as_late_as_possible=self.as_late_as_possible,
                priority=self.priority.priority_key if self.priority else None,
                all_held=self.all_held,
                items_held=sorted(self.items_held),
                to_cancel=self.to_cancel,
                is_late=self.is_late,
            ),
        )

    def carry_on(self, carried: Carried) -> None:
        """Go on where an earlier run has come to; its plan is still to be loaded."""
        self.tracker.carry_on(carried)
        self.parents = carried.parents
        self.requested_completion = carried.requested_completion
        self.as_late_as_possible = carried.as_late_as_possible
        if carried.priority:
            self.priority = replace(workflow.info().priority, priority_key=carried.priority)
        self.all_held, self.items_held = carried.all_held, set(carried.items_held)
        self.awaits_start, self.is_late = True, carried.is_late
        for word in carried.to_cancel:
            self.cancel_at(word)

    def carry_on_with(self, graph: PlanGraph) -> None:
        """Go on with the plan of an earlier run."""
        self.take_graph(graph)
        self.planned = True
        self.dates_changed()

    async def _amend(self, word: Amend) -> Revision:
        """Amend the order, after all amendments before; return the revision with the first of what it changes.

        Raises:
            RefusedError: when it cannot be; nothing has changed then.
        """
        await workflow.wait_condition(lambda: self.planned or not self.awaits_start)
        async with self.amending:
            revision = Revision(
                order_id=self.order_id, number=word.revision, author=word.by, requested_at=workflow.now()
            )
            try:
                self.admit(Message.AMEND)
                if word.revision in self._applied_numbers:
                    raise RefusedError(f"revision {word.revision} has been applied already; propose a new one")
                planned = await self._plan_amendment(word)
                self.admit(Message.AMEND)
                amendment = self._decided(planned)
            except RefusedError as error:
                refused = {"state": RevisionState.REFUSED, "refusals": error.refusals, "decided_at": workflow.now()}
                await self.local(
                    AmendmentActivities.refuse_amendment, revision.model_copy(update=refused), "refuse the amendment"
                )
                raise
            self._carry_out(word, planned, amendment)
            self._applied_numbers.add(word.revision)
            applied = {"state": RevisionState.APPLIED, "changes": amendment.diff(), "decided_at": workflow.now()}
            revision = revision.model_copy(update=applied)
            await self.tracker.apart(lambda version: self._applied(revision, version))
            if not self.planned:
                self.tracker.amended(
                    await self.local(RecordActivities.item_names, self.order_id, "load the amended items")
                )
            return revision.model_copy(update={"changes": revision.changes[:_CHANGES_TOLD]})

    async def _plan_amendment(self, word: Amend) -> PlannedAmendment:
        while True:
            base = self.revision if self.planned else None
            planned = await self._planned_on(word, base)
            if (base is not None) == self.planned:
                return planned
            # The order was planned meanwhile, so that there is a plan now that the new version is compared with.
            if not workflow.patched("amendments-are-planned-anew"):
                raise RefusedError("the order was being planned just now; send the amendment again")

    async def _planned_on(self, word: Amend, base: int | None) -> PlannedAmendment:
        """Plan an amendment of the plan of a revision; of an order that has none yet, check it only.

        Raises:
            RefusedError: when it is not possible, or cannot be planned now.
        """
        request = PlanAmendment(order_id=self.order_id, revision=word.revision, base_revision=base)
        try:
            planned: PlannedAmendment = await workflow.execute_activity_method(
                AmendmentActivities.plan_amendment,
                request,
                summary=f"plan revision {word.revision}",
                **policies.AMENDMENT,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            failure = explain(error, f"plan revision {word.revision}")
            message = f"the amendment cannot be planned now: {failure.message}"
            raise RefusedError(message, for_now=failure.code in _PASSING) from error
        if planned.violations:
            raise RefusedError(f"the new version is not possible: {planned.violations[0]}", planned.violations)
        return planned

    def _decided(self, planned: PlannedAmendment) -> Amendment:
        if planned.graph is None:
            return Amendment()
        if self.graph is not None and (self.graph.ended or set(self.nodes) <= self.graph.withdrawn):
            raise RefusedError(f"order {self.order_id} is being undone; it cannot be amended any more")
        amendment = decide(planned.comparison, self.plan_graph, planned.graph, self.progress_of_nodes())
        if amendment.refusals:
            raise RefusedError(f"too late to change: {in_words(amendment.refusals)}", amendment.refusals)
        return amendment

    def _carry_out(self, word: Amend, planned: PlannedAmendment, amendment: Amendment) -> None:
        """Go on as the new version says; only nodes that it touches stop."""
        self.tracker.note(f"amended to revision {word.revision}" + (f" by {word.by}" if word.by else ""))
        if planned.graph is not None:
            self._go_on(planned, amendment, word.revision)
        elif not self.planned:
            self.revision = word.revision
        if "requestedStartDate" in planned.attributes:
            self.requested_start = planned.requested_start_date
        if "requestedCompletionDate" in planned.attributes:
            self.requested_completion = planned.requested_completion_date
        if SCHEDULING in planned.attributes:
            self.as_late_as_possible = planned.attributes[SCHEDULING] == AS_LATE_AS_POSSIBLE
        if "priority" in planned.attributes:
            number = search_attributes.priority_number(planned.priority)
            self.priority = replace(workflow.info().priority, priority_key=number + 1)
            workflow.upsert_search_attributes([search_attributes.PRIORITY.value_set(number)])
        # An answer of before does not tell them all: its history has no such command.
        if planned.tells_whose and (found_by := search_attributes.of_amendment(planned)):
            workflow.upsert_search_attributes(found_by)
        if self.planned:
            self.dates_changed()

    def _go_on(self, planned: PlannedAmendment, amendment: Amendment, revision: int) -> None:
        assert planned.graph is not None
        actions = {each.key: each.action for each in amendment.changes}
        self.parents = planned.parents
        self.take_graph(planned.graph)
        self.revision = revision
        self.tracker.amended(planned.names)
        self.items_held &= set(planned.names)
        if self.graph is not None:
            taken_back = [key for key, action in actions.items() if action in _TAKEN_BACK]
            for key in taken_back:
                self.begun.pop(key, None)
            self.graph.amend(
                self.plan_graph.dependencies(),
                undo=taken_back,
                again=[key for key, action in actions.items() if action == NodeAction.MODIFY],
            )
            self.nodes_changed()

    async def _applied(self, revision: Revision, version: int) -> None:
        request = ApplyAmendment(
            revision=revision, version=version, state=self.tracker.state, items=dict(self.tracker.items)
        )
        await self.local(AmendmentActivities.apply_amendment, request, f"apply revision {revision.number}")

    # --- how far the plan is ---

    def state_of(self, key: str) -> NodeState:
        graph = self.graph
        if graph is None or key not in graph.started:
            return NodeState.WITHDRAWN if graph and key in graph.withdrawn else NodeState.WAITING
        if key in graph.done or key in graph.again:
            return NodeState.DONE
        return NodeState.WITHDRAWN if key in graph.withdrawn else NodeState.RUNNING

    def is_done(self, key: str) -> bool:
        """Return whether a node of the plan is done, and stands."""
        return key in self.nodes and self.state_of(key) == NodeState.DONE

    def progress_of_nodes(self) -> dict[str, NodeProgress]:
        return {key: NodeProgress(state=self.state_of(key), past=self.past.get(key)) for key in self.nodes}

    def item_of(self, key: str) -> str | None:
        return self.nodes[key].item_id if key in self.nodes else None

    def around(self, item: str) -> list[str]:
        chain = [item]
        while (bundle := self.parents.get(chain[-1])) is not None and bundle not in chain:
            chain.append(bundle)
        return chain

    def goes_on(self) -> bool:
        if self.graph is None:
            return False
        held = self.held_keys()
        running = (key for key in self.begun if self.state_of(key) == NodeState.RUNNING)
        return self.graph.undoing or any(key not in held and not self.is_on_hold(key) for key in running)

    def state_when_not_held(self) -> OrderState:
        return OrderState.PENDING if self.awaits_start else OrderState.IN_PROGRESS

    def nodes_changed(self) -> None:
        """Show what has begun, is done or was withdrawn, and when the rest is expected."""
        self.roll_up()
        if not self.cancelling and not self.tracker.ended:
            self.expect_soon()
        self.standing_changed()

    def roll_up(self, only: str | None = None) -> None:
        """Bring each item, or only one, to the state that its nodes of the plan make."""
        graph = self.graph
        if graph is None or self.cancelling or self.tracker.state not in (OrderState.IN_PROGRESS, OrderState.HELD):
            return
        for item in self.tracker.items if only is None else [only]:
            nodes = self._groups.get(item) or self._nodes_of.get(item, [])
            state = (group_state if item in self._groups else item_state)(
                nodes=len(nodes),
                started=sum(key in self.begun for key in nodes),
                done=sum(key in graph.done for key in nodes),
                withdrawn=sum(key in graph.withdrawn for key in nodes),
            )
            before = self.tracker.items[item]
            if state == OrderState.ACKNOWLEDGED and before != OrderState.ACKNOWLEDGED:
                state = OrderState.IN_PROGRESS  # an item that an amendment takes back whole has begun all the same
            if not (state == OrderState.IN_PROGRESS and before == OrderState.HELD):
                self.tracker.item_to(item, state)
