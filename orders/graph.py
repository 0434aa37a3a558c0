"""Dependency graphs of keys: what may start, what waits, what runs in a circle.

A graph is a mapping from each key to the keys it depends on. Keys that are not in the mapping are taken as done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

from orders.tmf import Action

Graph = Mapping[str, Collection[str]]


def find_circle(graph: Graph) -> list[str] | None:
    """Return the keys of one circle in order, first and last the same, or None where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle[::-1]
    return None


def ready(graph: Graph, finished: Collection[str], started: Collection[str]) -> list[str]:
    """Return the keys, in the graph's order, that have not started and whose dependencies are all finished."""
    return [
        key
        for key, needs in graph.items()
        if key not in started and all(need in finished or need not in graph for need in needs)
    ]


def in_order(graph: Graph) -> list[str]:
    """Return the keys so that each comes after those it depends on; otherwise they keep the graph's order.

    Raises:
        ValueError: when the graph has a circle.
    """
    keys = list(graph)
    place = {key: index for index, key in enumerate(keys)}
    missing = {key: sum(need in graph for need in set(needs)) for key, needs in graph.items()}
    waiting = _inverse(graph)
    free = [place[key] for key in keys if not missing[key]]
    order: list[str] = []
    while free:
        key = keys[heappop(free)]
        order.append(key)
        for dependent in waiting.get(key, ()):
            missing[dependent] -= 1
            if not missing[dependent]:
                heappush(free, place[dependent])
    if len(order) < len(keys):
        raise ValueError(f"circular dependency: {find_circle(graph)}")
    return order


def longest_way(graph: Graph, durations: Mapping[str, timedelta]) -> timedelta:
    """Return how long all keys take when each begins as soon as those it depends on have ended.

    Raises:
        ValueError: when the graph has a circle.
    """
    ends: dict[str, timedelta] = {}
    for key in in_order(graph):
        begin = max((ends[need] for need in graph[key] if need in ends), default=timedelta())
        ends[key] = begin + durations[key]
    return max(ends.values(), default=timedelta())


def reverse(graph: Graph, keys: Collection[str]) -> dict[str, list[str]]:
    """Return the graph of `keys` with every arrow turned: each waits for those that depend on it.

    Arrows that lead through keys left out are kept as arrows between those that stay.
    """
    keys = set(keys)
    turned: dict[str, list[str]] = {key: [] for key in graph if key in keys}
    for key in turned:
        for need in sorted(_nearest(graph, key, keys)):
            turned[need].append(key)
    return turned


def dependents(graph: Graph, roots: Iterable[str]) -> set[str]:
    """Return all keys that depend on one of `roots`, directly or through others, without the roots."""
    waiting = _inverse(graph)
    roots = set(roots)
    found: set[str] = set()
    queue = list(roots)
    while queue:
        new = [key for key in waiting.get(queue.pop(), ()) if key not in found]
        found.update(new)
        queue += new
    return found - roots


def orient(relies_on: Graph, actions: Mapping[str, Action]) -> dict[str, list[str]]:
    """Turn «relies on» into «starts after», by what happens to each key.

    Adding and modifying go from the relied-on up; deleting goes the other way round; and what is deleted waits for
    those that relied on it and stay.
    """
    after: dict[str, list[str]] = {key: [] for key in relies_on}
    for key, needs in relies_on.items():
        for need in needs:
            if need not in after:
                continue
            if actions[need] == Action.DELETE:
                after[need].append(key)
            elif actions[key] != Action.DELETE:
                after[key].append(need)
    return after


def _inverse(graph: Graph) -> dict[str, list[str]]:
    """Return which keys depend on each key, in the graph's order and each once."""
    inverse: dict[str, list[str]] = {}
    for key, needs in graph.items():
        for need in set(needs):
            inverse.setdefault(need, []).append(key)
    return inverse


def _nearest(graph: Graph, key: str, keys: Collection[str]) -> set[str]:
    """Return the nearest of `keys` that `key` depends on, passing through keys that are not among them."""
    nearest: set[str] = set()
    queue, seen = list(graph[key]), set[str]()
    while queue:
        need = queue.pop()
        if need in seen or need not in graph:
            continue
        seen.add(need)
        if need in keys:
            nearest.add(need)
        else:
            queue.extend(graph[need])
    return nearest
