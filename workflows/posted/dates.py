"""The dates of a posted order: when its nodes begin, when all is expected to be done, and the alert when it is late."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from temporalio import workflow

from orders.plan.schedule import Forecast, jeopardy, latest_starts
from tmf.instants import timestamp
from tmf.words import span
from workflows.posted.plan import OrderPlan
from workflows.runtime.context import OrderContext
from workflows.runtime.waiting import wait_until
from workflows.saga.saga_graph import SagaGraph

_WORTH_TELLING = timedelta(seconds=1)
_SHORTEST_WATCH = timedelta(seconds=1)
_LONGEST_WATCH = timedelta(hours=1)
"""The pauses between looks double up to this: an order that waits for long is not looked at often."""


class Dates:
    """When a posted order is to begin and to be done, and whether it will be."""

    def __init__(self, context: OrderContext, plan: OrderPlan, saga: SagaGraph) -> None:
        self.requested_start: datetime | None = None
        self.requested_completion: datetime | None = None
        self.as_late_as_possible = False
        """Whether each node begins no sooner than it must for the requested completion."""
        self.is_late = False
        """Whether it has been said that the order is expected too late."""
        self._context = context
        self._plan = plan
        self._saga = saga
        self._expected: datetime | None = None
        self._latest_starts: dict[str, datetime] = {}
        self._forecast: Forecast | None = None
        """None where it is to be made anew."""

    def is_early(self) -> bool:
        """Return whether the requested start is still to come."""
        return self.requested_start is not None and self.requested_start > workflow.now()

    async def until_due(self, key: str) -> None:
        """Wait until a node must begin, where the order is to be done as late as possible."""
        while (start := self._latest_starts.get(key)) is not None and start > workflow.now():
            patience = start - workflow.now()
            await wait_until(partial(self._starts_at_another, key, start), patience, f"latest start of {key}")

    def changed(self) -> None:
        """Schedule anew, after a new plan or other wishes."""
        due = self.requested_completion
        self._forecast = None
        self._latest_starts = latest_starts(self._plan.graph, due) if self.as_late_as_possible and due else {}
        self._expect()

    def begins(self, key: str) -> None:
        """Take note that a node begins now."""
        if self._forecast is not None:
            self._forecast.begin(key, workflow.now())

    def nodes_changed(self, nodes: Collection[str]) -> None:
        """Keep the expected completion up to date."""
        if not nodes or self._context.stopping:
            return
        if self._forecast is not None and all(key in self._saga.done for key in nodes):
            for key in nodes:
                self._forecast.end(key)
        else:
            self._forecast = None
        self._expect()

    async def watch(self) -> None:
        """Look again whenever the expected completion may have moved past the requested one without any event."""
        pause = _SHORTEST_WATCH
        while True:
            wanted, patience = self.requested_completion, self._patience()
            patience = patience and max(patience, pause)
            pause = min(2 * pause, _LONGEST_WATCH)
            await wait_until(partial(self._is_judged_anew, wanted, self.is_late), patience, "is the order in jeopardy?")

    def _expect(self) -> datetime:
        """Keep the expected completion up to date, and raise an alert once it is later than requested."""
        now, tracker = workflow.now(), self._context.tracker
        self._forecast = self._forecast or Forecast(
            self._plan.graph,
            done={*self._saga.done, *self._saga.withdrawn},
            started=self._running(),
            not_before=self._latest_starts,
        )
        expected = self._forecast.completion(max(now, self.requested_start) if self.requested_start else now)
        if self._expected is None or abs(expected - self._expected) >= _WORTH_TELLING:
            self._expected = expected
            tracker.set(expectedCompletionDate=timestamp(expected))
        late = jeopardy(expected, self.requested_completion)
        if late and not self.is_late and self.requested_completion:
            wanted = timestamp(self.requested_completion)
            message = f"expected {span(late)} later than requested, {wanted}"
            tracker.alert("late", "order", "requested completion", message)
        self.is_late = bool(late)
        return expected

    def _running(self) -> dict[str, datetime]:
        """Return when each node that runs has begun."""
        ended = self._saga.done, self._saga.withdrawn
        return {
            key: at
            for key, at in self._plan.begun.items()
            if key in self._plan.nodes and not any(key in each for each in ended)
        }

    def _starts_at_another(self, key: str, start: datetime) -> bool:
        return self._latest_starts.get(key) != start

    def _is_judged_anew(self, wanted: datetime | None, was_late: bool) -> bool:
        return self.requested_completion != wanted or self.is_late != was_late

    def _patience(self) -> timedelta | None:
        """Return when to look again; None where only an event can change anything."""
        expected = self._expect()
        if self.requested_completion is None or expected > self.requested_completion:
            return None
        now = workflow.now()
        ends = [at + self._plan.nodes[key].duration for key, at in self._running().items()]
        still = max(min(ends, default=now), now) - now
        return max(still + self.requested_completion - expected, _SHORTEST_WATCH)
