"""Dates: when all of a plan will be done, and when each of its parts must start.

All that depends on nothing unfinished runs at the same time, so that the longest way through the dependencies counts.
Dates that would leave the years 1 to 9999 stay at their ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from orders.graph import in_order
from orders.plan_graph import PlanGraph

_NOTHING = timedelta()
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def expected_completion(
    graph: PlanGraph,
    now: datetime,
    *,
    done: Collection[str],
    started: Mapping[str, datetime],
    not_before: Mapping[str, datetime] | None = None,
) -> datetime:
    """Return when the last node is expected to be done; `now` where all are.

    Args:
        done: the nodes that nothing waits for any more: those that are done, and those that were withdrawn.
        started: when each node that runs has started. One that should have ended by now is expected to end now.
        not_before: before when a node does not start, even if all that it depends on is done.
    """
    nodes, not_before = graph.by_key(), not_before or {}
    ends: dict[str, datetime] = {}
    for key in in_order(graph.dependencies()):
        if key in done:
            ends[key] = now
        elif key in started:
            ends[key] = max(now, _shifted(started[key], nodes[key].duration))
        else:
            begin = max((ends[need] for need in nodes[key].depends_on if need in ends), default=now)
            begin = max(begin, not_before.get(key, begin))
            ends[key] = _shifted(begin, nodes[key].duration)
    return max(ends.values(), default=now)


def latest_starts(graph: PlanGraph, due: datetime) -> dict[str, datetime]:
    """Return when each node must start at the latest, for all of them to be done by `due`."""
    nodes = graph.by_key()
    ends = dict.fromkeys(nodes, due)
    starts: dict[str, datetime] = {}
    for key in reversed(in_order(graph.dependencies())):
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
