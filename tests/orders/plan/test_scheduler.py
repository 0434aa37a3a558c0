"""The scheduler: which nodes of a graph start next, and how little it looks at to know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.plan.graph import Scheduler
from tests.orders.plan.test_graph import ACYCLIC, KEYS
from tests.orders.work import SHAPES, Edges, counted


def ready(graph: Mapping[str, Collection[str]], done: Collection[str], begun: Collection[str]) -> list[str]:
    """What is ready by its definition: look at every node, and at all that it depends on."""
    return [
        key
        for key, needs in graph.items()
        if key not in begun and all(need in done or need not in graph for need in needs)
    ]


def test_nodes_start_once_all_that_they_depend_on_is_done() -> None:
    scheduler = Scheduler({"access": [], "vlan": [], "internet": ["access", "vlan"], "voice": ["access"]})
    assert scheduler.start_ready() == ["access", "vlan"]
    assert scheduler.start_ready() == []
    scheduler.finish("access")
    assert scheduler.start_ready() == ["voice"]
    scheduler.finish("vlan")
    assert scheduler.start_ready() == ["internet"]
    assert list(scheduler.started) == ["access", "vlan", "voice", "internet"]


def test_nodes_that_are_ready_together_start_in_the_order_of_the_graph() -> None:
    scheduler = Scheduler({"c": ["b"], "b": [], "d": ["a"], "a": []})
    assert scheduler.start_ready() == ["b", "a"]
    scheduler.finish("a")
    scheduler.finish("b")
    assert scheduler.start_ready() == ["c", "d"]


def test_what_is_not_in_the_graph_holds_up_nothing() -> None:
    scheduler = Scheduler({"internet": ["elsewhere"], "voice": ["internet"]})
    assert scheduler.start_ready() == ["internet"]
    scheduler.finish("elsewhere")
    assert scheduler.start_ready() == []


def test_what_was_withdrawn_does_not_start_and_holds_up_what_waits_for_it() -> None:
    scheduler = Scheduler({"access": [], "internet": ["access"], "voice": []})
    scheduler.start_ready()
    scheduler.finish("access")
    scheduler.withdraw(["access", "voice"])
    assert scheduler.start_ready() == []
    scheduler.reset(["access", "voice"])
    assert scheduler.start_ready() == []
    assert list(scheduler.started) == ["access", "voice"]


def test_what_is_undone_starts_anew_and_only_then_what_depends_on_it() -> None:
    graph = {"access": [], "internet": ["access"]}
    scheduler = Scheduler(graph)
    scheduler.start_ready()
    scheduler.finish("access")
    scheduler.amend(graph, undo=["access"], again=[])
    assert scheduler.start_ready() == []
    scheduler.reset(["access"])
    assert scheduler.start_ready() == ["access"]
    scheduler.finish("access")
    assert scheduler.start_ready() == ["internet"]


def test_what_runs_again_does_so_at_its_turn() -> None:
    graph = {"access": [], "internet": ["access"]}
    scheduler = Scheduler(graph)
    for key in graph:
        assert scheduler.start_ready() == [key]
        scheduler.finish(key)
    scheduler.amend(graph, undo=[], again=["internet", "access"])
    assert scheduler.start_ready() == ["access"]
    assert scheduler.again == {"internet"}
    scheduler.finish("access")
    assert scheduler.start_ready() == ["internet"]
    assert list(scheduler.started) == ["access", "internet"]


SOME = st.sets(st.sampled_from(KEYS))


@given(
    ACYCLIC,
    st.lists(st.tuples(st.sampled_from(["start", "finish", "withdraw", "reset", "amend"]), SOME, SOME, ACYCLIC)),
)
def test_whatever_happens_what_is_ready_starts_and_nothing_else(
    graph: Edges, events: list[tuple[str, set[str], set[str], Edges]]
) -> None:
    scheduler = Scheduler(graph)
    for event, some, others, another in [*events, ("start", set(), set(), {})]:
        match event:
            case "start":
                begun = {*scheduler.started, *scheduler.withdrawn} - scheduler.again
                expected = ready(graph, scheduler.done, begun)
                assert scheduler.start_ready() == expected
                assert set(expected) <= scheduler.started.keys() - scheduler.again
            case "finish":
                for key in sorted(some):
                    scheduler.finish(key)
            case "withdraw":
                scheduler.withdraw(some)
            case "reset":
                scheduler.reset(some)
            case "amend":
                graph = another
                scheduler.amend(graph, undo=some - others, again=others)


@given(ACYCLIC)
def test_starting_whatever_is_ready_gets_through_the_whole_graph(graph: Edges) -> None:
    scheduler = Scheduler(graph)
    finished: list[str] = []
    while now := scheduler.start_ready():
        assert all(set(graph[key]) <= set(finished) for key in now)
        finished += now
        for key in now:
            scheduler.finish(key)
    assert sorted(finished) == sorted(graph)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_of_a_node_does_not_grow_with_the_graph(shape: Callable[[int], Edges]) -> None:
    def looks_a_node(number: int) -> float:
        scheduler = Scheduler(shape(number))
        with counted() as work:
            running = scheduler.start_ready()
            while running:
                scheduler.finish(running.pop(0))
                running += scheduler.start_ready()
        assert len(scheduler.done) == number
        return work.looks / number

    assert looks_a_node(5000) == pytest.approx(looks_a_node(50), rel=0.1)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_of_a_failure_does_not_grow_with_the_graph(shape: Callable[[int], Edges]) -> None:
    def looks(number: int) -> int:
        scheduler = Scheduler(graph := shape(number))
        while running := scheduler.start_ready():
            for key in running:
                scheduler.finish(key)
        taken = list(graph)[-2:]
        with counted() as work:
            scheduler.withdraw(taken)
            assert scheduler.start_ready() == []
            assert len(scheduler.graph.reverse(scheduler.in_start_order(scheduler.in_graph_order(taken)))) == 2
        return work.looks

    assert looks(5000) == looks(50) > 0
