"""When a posted order's nodes begin, when it is expected to be done, and the alert when that is too late."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

from temporalio import workflow

from orders.instants import timestamp
from orders.lifecycle import OrderKind
from orders.plan_graph import PlanGraph, PlanNode
from orders.schedule import Forecast, jeopardy, latest_starts
from orders.words import span
from workflows.order_workflow import OrderWorkflow
from workflows.waiting import came

_WORTH_TELLING = timedelta(seconds=1)
_SHORTEST_WATCH = timedelta(seconds=1)
_LONGEST_WATCH = timedelta(hours=1)
"""The pauses between looks double up to this: an order that waits for long is not looked at often."""
_SMALL = 1000
"""Nodes of an order whose expected completion is computed within milliseconds."""
_PAUSE_OF_LARGE = timedelta(seconds=15)


class Timetable(OrderWorkflow):
    """The dates of a posted order."""

    def __init__(self, kind: OrderKind, revision: int) -> None:
        super().__init__(kind, revision)
        self.plan_graph = PlanGraph()
        self.nodes: dict[str, PlanNode] = {}
        self.requested_start: datetime | None = None
        self.requested_completion: datetime | None = None
        self.as_late_as_possible = False
        """Whether each node begins no sooner than it must for the requested completion."""
        self.begun: dict[str, datetime] = {}
        self._expected: datetime | None = None
        self.latest_starts: dict[str, datetime] = {}
        self.is_late = False
        """Whether it has been said that the order is expected too late."""
        self._expecting: asyncio.Task[None] | None = None

    def is_early(self) -> bool:
        """Return whether the requested start is still to come."""
        return self.requested_start is not None and self.requested_start > workflow.now()

    def begins(self, key: str) -> None:
        """Take note that a node begins now."""
        self.begun[key] = workflow.now()

    async def until_due(self, key: str) -> None:
        """Wait until a node must begin, where the order is to be done as late as possible."""
        while (start := self.latest_starts.get(key)) is not None and start > workflow.now():
            await came(partial(self._starts_at_another, key, start), start - workflow.now(), f"latest start of {key}")

    def _starts_at_another(self, key: str, start: datetime) -> bool:
        return self.latest_starts.get(key) != start

    def dates_changed(self) -> None:
        """Schedule anew, after a new plan or other wishes."""
        due = self.requested_completion
        self.latest_starts = latest_starts(self.plan_graph, due) if self.as_late_as_possible and due else {}
        self.expect()

    def expect_soon(self) -> None:
        """Keep the expected completion up to date; of a large order not with each event, which would cost minutes."""
        if len(self.nodes) <= _SMALL:
            self.expect()
        elif self._expecting is None or self._expecting.done():
            self._expecting = asyncio.create_task(self._expect_later())

    async def _expect_later(self) -> None:
        await workflow.sleep(_PAUSE_OF_LARGE, summary="when is the order expected to be done?")
        if not self.cancelling and not self.tracker.ended:
            self.expect()

    def expect(self) -> datetime:
        """Keep the expected completion up to date, and raise an alert once it is later than requested."""
        now = workflow.now()
        start = max(now, self.requested_start) if self.requested_start else now
        finished = {*self.graph.done, *self.graph.withdrawn} if self.graph else set[str]()
        running = {key: at for key, at in self.begun.items() if key in self.nodes and key not in finished}
        forecast = Forecast(self.plan_graph, done=finished, started=running, not_before=self.latest_starts)
        expected = forecast.completion(start)
        if self._expected is None or abs(expected - self._expected) >= _WORTH_TELLING:
            self._expected = expected
            self.tracker.set(expectedCompletionDate=timestamp(expected))
        late = jeopardy(expected, self.requested_completion)
        if late and not self.is_late and self.requested_completion:
            wanted = timestamp(self.requested_completion)
            self.alert("late", "order", "requested completion", f"expected {span(late)} later than requested, {wanted}")
        self.is_late = bool(late)
        return expected

    async def watch_dates(self) -> None:
        """Look again whenever the expected completion may have moved past the requested one without any event."""
        pause = _SHORTEST_WATCH
        while True:
            wanted, patience = self.requested_completion, self._patience()
            patience = patience and max(patience, pause)
            pause = min(2 * pause, _LONGEST_WATCH)
            await came(partial(self._is_judged_anew, wanted, self.is_late), patience, "is the order in jeopardy?")

    def _is_judged_anew(self, wanted: datetime | None, was_late: bool) -> bool:
        return self.requested_completion != wanted or self.is_late != was_late

    def _patience(self) -> timedelta | None:
        """Return when to look again; None where only an event can change anything."""
        expected = self.expect()
        if self.requested_completion is None or expected > self.requested_completion:
            return None
        ends = [at + self.nodes[key].duration for key, at in self.begun.items() if self._runs(key)]
        still = max(min(ends, default=workflow.now()), workflow.now()) - workflow.now()
        return max(still + self.requested_completion - expected, _SHORTEST_WATCH)

    def _runs(self, key: str) -> bool:
        graph = self.graph
        return graph is not None and key in self.nodes and key not in graph.done and key not in graph.withdrawn
