"""Dates: when all of a plan will be done, and when each of its parts must start.

All that depends on nothing unfinished runs at the same time, so that the longest way through the dependencies counts.
Dates that would leave the years 1 to 9999 stay at their ends.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush

from orders.plan.plan_graph import PlanGraph

_NOTHING = timedelta()
_UNIT = timedelta(microseconds=1)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


class Forecast:
    """When all of a plan is expected to be done, kept up to date as its nodes begin and end.

    Behind each node, the longest way of those that wait for it is computed once. What remains is to find the node whose
    end, with that way behind it, is the latest; each change costs as good as nothing, however large the plan is. What
    withdraws nodes, undoes them or amends the plan makes another forecast.
    """

    def __init__(
        self,
        graph: PlanGraph,
        *,
        done: Collection[str] = (),
        started: Mapping[str, datetime] | None = None,
        not_before: Mapping[str, datetime] | None = None,
    ) -> None:
        """Take a plan as far as it is.

        Args:
            done: the nodes that nothing waits for any more: those that are done, and those that were withdrawn.
            started: when each node that runs has started. One that should have ended by now is expected to end now.
            not_before: before when a node does not start, even if all that it depends on is done.
        """
        started = {key: at for key, at in (started or {}).items() if key not in done}
        self._durations = {node.key: node.duration // _UNIT for node in graph.nodes}
        self._waiting = {node.key for node in graph.nodes if node.key not in done and node.key not in started}
        self._behind = self._ways_behind(graph)
        self._running: set[str] = set()
        whole = {key: self._durations[key] + self._behind[key] for key in self._waiting}
        self._of_waiting = _Latest(whole.items())
        """The way through each node that waits, which begins now or later."""
        self._of_dated = _Latest(
            (key, _number(at) + whole[key]) for key, at in (not_before or {}).items() if key in self._waiting
        )
        self._of_running = _Latest(())
        """The way behind each node that runs, and ends now or later."""
        self._of_ends = _Latest(())
        for key, at in started.items():
            self.begin(key, at)

    def begin(self, key: str, at: datetime) -> None:
        """Take note that a node runs, all that it depends on being done; one that the plan does not have is nothing."""
        if key not in self._durations:
            return
        self._waiting.discard(key)
        self._running.add(key)
        behind = self._behind[key]
        self._of_running.add(key, behind)
        self._of_ends.add(key, _number(at) + self._durations[key] + behind)

    def end(self, key: str) -> None:
        """Take note that a node is done."""
        self._waiting.discard(key)
        self._running.discard(key)

    def completion(self, now: datetime) -> datetime:
        """Return when the last node is expected to be done; `now` where all are."""
        begin = _number(now)
        from_now = (self._of_waiting.top(self._waiting), self._of_running.top(self._running))
        dated = (self._of_dated.top(self._waiting), self._of_ends.top(self._running))
        ends = [begin + way for way in from_now if way is not None] + [end for end in dated if end is not None]
        return max(now, _moment(max(ends, default=begin)))

    def _ways_behind(self, graph: PlanGraph) -> dict[str, int]:
        """Return the longest way of nodes that wait behind each node, without itself."""
        behind = dict.fromkeys(self._durations, 0)
        nodes = graph.by_key()
        for key in reversed(graph.in_order):
            if key not in self._waiting:
                continue
            way = self._durations[key] + behind[key]
            for need in nodes[key].depends_on:
                if need in behind and behind[need] < way:
                    behind[need] = way
        return behind


def latest_starts(graph: PlanGraph, due: datetime) -> dict[str, datetime]:
    """Return when each node must start at the latest, for all of them to be done by `due`."""
    nodes = graph.by_key()
    ends = dict.fromkeys(nodes, due)
    starts: dict[str, datetime] = {}
    for key in reversed(graph.in_order):
        starts[key] = _shifted(ends[key], -nodes[key].duration)
        for need in nodes[key].depends_on:
            if need in ends:
                ends[need] = min(ends[need], starts[key])
    return {key: starts[key] for key in nodes}


def jeopardy(expected: datetime, requested: datetime | None) -> timedelta | None:
    """Return by how much an order is expected to be late; None where it is not, or has no requested date."""
    return expected - requested if requested is not None and expected > requested else None


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return _FIRST if by < _NOTHING else _LAST


class _Latest:
    """The greatest of the numbers of keys, some of which drop out."""

    def __init__(self, numbers: Iterable[tuple[str, int]]) -> None:
        self._heap = [(-number, key) for key, number in numbers]
        heapify(self._heap)

    def add(self, key: str, number: int) -> None:
        heappush(self._heap, (-number, key))

    def top(self, keys: Container[str]) -> int | None:
        """Return the greatest number of those that are among `keys` still; the others are forgotten."""
        while self._heap and self._heap[0][1] not in keys:
            heappop(self._heap)
        return -self._heap[0][0] if self._heap else None


def _number(moment: datetime) -> int:
    """Return a moment in microseconds: unlike a date, it can be added to without end."""
    return (moment - _FIRST) // _UNIT


def _moment(number: int) -> datetime:
    return _shifted(_FIRST, timedelta(microseconds=number)) if number < _number(_LAST) else _LAST
