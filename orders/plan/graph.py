"""Dependency graphs of keys: what may start, what waits, what runs in a circle.

A graph is a mapping from each key to the keys it depends on. Keys that are not in the mapping are taken as done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

from orders.model.product_orders import Action

Graph = Mapping[str, Collection[str]]


def find_circle(graph: Graph) -> list[str] | None:
    """Return the keys of one circle in order, first and last the same, or None where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle[::-1]
    return None


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
    return DependencyGraph(graph).reverse([key for key in graph if key in keys])


def dependents(graph: Graph, roots: Iterable[str]) -> set[str]:
    """Return all keys that depend on one of `roots`, directly or through others, without the roots."""
    return DependencyGraph(graph).all_dependents(roots)


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


class DependencyGraph:
    """A graph prepared to be asked again and again: an answer costs as much as it is about, not as the graph is large.

    It does not change.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.dependents = _inverse(graph)
        """Key → the keys that depend on it directly, in the graph's order and each once; none, where it is left out."""

    def all_dependents(self, roots: Iterable[str]) -> set[str]:
        """Return all keys that depend on one of `roots`, directly or through others, without the roots."""
        roots = set(roots)
        found: set[str] = set()
        queue = list(roots)
        while queue:
            new = [key for key in self.dependents.get(queue.pop(), ()) if key not in found]
            found.update(new)
            queue += new
        return found - roots

    def reverse(self, keys: Collection[str]) -> dict[str, list[str]]:
        """Return the graph of `keys`, in their order, with every arrow turned; see the function `reverse`.

        Of keys that are not in the graph it is not known what they depend on.
        """
        turned: dict[str, list[str]] = {key: [] for key in keys}
        between = self.all_dependents(turned)
        for key in turned:
            for need in sorted(self._nearest(key, turned, between)):
                turned[need].append(key)
        return turned

    def _nearest(self, key: str, keys: Collection[str], between: Collection[str]) -> set[str]:
        """Return the nearest of `keys` that `key` depends on, passing through none but keys that are `between` them."""
        nearest: set[str] = set()
        queue, seen = list(self.graph.get(key, ())), set[str]()
        while queue:
            need = queue.pop()
            if need in seen:
                continue
            seen.add(need)
            if need in keys:
                nearest.add(need)
            elif need in between:
                queue.extend(self.graph[need])
        return nearest


class Scheduler:
    """Starts each node of a graph once all that it depends on is done, nodes that are ready together in its order.

    It counts for each node how many of its dependencies are not done, so that a change costs as much as the nodes that
    it touches have dependencies and dependents, however large the graph is. Only `amend` looks at all of it.
    """

    def __init__(self, graph: Graph) -> None:
        self.started: dict[str, int] = {}
        """The nodes that have started, first to last, each with its number in that order."""
        self.done: set[str] = set()
        self.withdrawn: set[str] = set()
        """The nodes that do not start any more; those of them that have started are among `started` still."""
        self.again: set[str] = set()
        """Nodes that were done, and wait to run once more; `started` has them still."""
        self._starts = 0
        self.follow(graph)

    @classmethod
    def going_on(
        cls, *, started: Collection[str], done: Collection[str], withdrawn: Collection[str], again: Collection[str]
    ) -> Scheduler:
        """Return one that goes on from there, the nodes `started` first to last; `follow` gives it the graph."""
        scheduler = cls({})
        scheduler.started = {key: number for number, key in enumerate(started)}
        scheduler.done, scheduler.withdrawn, scheduler.again = set(done), set(withdrawn), set(again)
        scheduler._starts = len(started)
        return scheduler

    def follow(self, graph: Graph) -> None:
        """Go by a graph from now on."""
        self.graph = DependencyGraph(graph)
        self._place = {key: place for place, key in enumerate(graph)}
        self._unmet = {
            key: sum(need in graph and need not in self.done for need in dict.fromkeys(needs))
            for key, needs in graph.items()
        }
        self._candidates = {key for key, unmet in self._unmet.items() if not unmet}
        """All nodes that are ready are among these; `start_ready` looks at no others."""

    def start_ready(self) -> list[str]:
        """Return the nodes that are ready, in the graph's order; they have started now."""
        ready = self.in_graph_order(key for key in self._candidates if self._is_ready(key))
        self._candidates.clear()
        for key in ready:
            self.again.discard(key)
            if key not in self.started:
                self.started[key] = self._starts
                self._starts += 1
        return ready

    def finish(self, key: str) -> None:
        """Take a node as done."""
        if key in self.done:
            return
        self.done.add(key)
        for dependent in self._dependents(key):
            self._unmet[dependent] -= 1
            if not self._unmet[dependent]:
                self._candidates.add(dependent)

    def withdraw(self, keys: Collection[str]) -> None:
        """Let nodes start no more, nor count as done."""
        self.withdrawn.update(keys)
        self.again.difference_update(keys)
        self._not_done(keys)

    def reset(self, keys: Collection[str]) -> None:
        """Let nodes start anew that are undone; not those that were withdrawn."""
        for key in keys:
            if key in self.started and key not in self.withdrawn:
                del self.started[key]
                if key in self._unmet:
                    self._candidates.add(key)

    def amend(self, graph: Graph, *, undo: Collection[str], again: Collection[str]) -> None:
        """Go on with another graph: `undo` names nodes that are not done any more, `again` those to run once more."""
        self.again.update(again)
        self.again.difference_update(undo)
        self.done.difference_update(again, undo)
        self.follow(graph)

    def in_graph_order(self, keys: Iterable[str]) -> list[str]:
        """Return keys in the graph's order, after those that it does not have."""
        return sorted(keys, key=lambda key: (self._place.get(key, -1), key))

    def in_start_order(self, keys: Iterable[str]) -> list[str]:
        """Return those keys that have started, first to last."""
        return sorted((key for key in keys if key in self.started), key=self.started.__getitem__)

    def _is_ready(self, key: str) -> bool:
        waits = key in self.again or not (key in self.started or key in self.withdrawn)
        return waits and not self._unmet[key]

    def _not_done(self, keys: Iterable[str]) -> None:
        for key in keys:
            if key in self.done:
                self.done.discard(key)
                for dependent in self._dependents(key):
                    self._unmet[dependent] += 1

    def _dependents(self, key: str) -> Collection[str]:
        """Return the nodes that wait for one; none, where the graph does not have it (any more)."""
        return self.graph.dependents.get(key, ()) if key in self._unmet else ()


def _inverse(graph: Graph) -> dict[str, list[str]]:
    """Return which keys depend on each key, in the graph's order and each once."""
    inverse: dict[str, list[str]] = {}
    for key, needs in graph.items():
        for need in dict.fromkeys(needs):
            inverse.setdefault(need, []).append(key)
    return inverse
