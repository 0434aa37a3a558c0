"""Dependency graphs: what may start, what waits, what runs in a circle."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.model.product_orders import Action
from orders.plan.graph import DependencyGraph, dependents, find_circle, in_order, orient, reverse
from tests.orders.work import Edges

KEYS = [f"k{number}" for number in range(8)]
ANY = st.dictionaries(st.sampled_from(KEYS), st.lists(st.sampled_from([*KEYS, "elsewhere"]), unique=True, max_size=4))


@st.composite
def without_circles(draw: st.DrawFn) -> Edges:
    """A graph in which each key depends on none but earlier ones, its keys in any sequence."""
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True))
    needs = {
        key: draw(st.lists(st.sampled_from(keys[:place]), unique=True)) if place else []
        for place, key in enumerate(keys)
    }
    return {key: needs[key] for key in draw(st.permutations(keys))}


ACYCLIC = without_circles()


def reaches(graph: Mapping[str, Collection[str]]) -> set[tuple[str, str]]:
    """Every pair of keys of which the first depends on the second, directly or through others."""
    pairs = {(key, need) for key, needs in graph.items() for need in needs if need in graph}
    while more := {(a, d) for a, b in pairs for c, d in pairs if b == c} - pairs:
        pairs |= more
    return pairs


def test_a_graph_without_a_circle_has_none() -> None:
    assert find_circle({"a": [], "b": ["a"], "c": ["a", "b", "elsewhere"]}) is None


def test_a_circle_is_named_in_the_direction_of_reliance() -> None:
    circle = find_circle({"site": ["hub"], "hub": ["core"], "core": ["hub"]})
    assert circle in (["hub", "core", "hub"], ["core", "hub", "core"])


def test_a_key_that_depends_on_itself_is_a_circle() -> None:
    assert find_circle({"a": [], "b": ["a", "b"]}) == ["b", "b"]


@given(ANY)
def test_what_is_called_a_circle_is_one_and_none_is_missed(graph: Edges) -> None:
    circle = find_circle(graph)
    if circle is None:
        assert not any(a == b for a, b in reaches(graph))
        return
    assert circle[0] == circle[-1]
    assert len(circle) > 1
    assert all(after in graph[before] for before, after in pairwise(circle))


def test_what_is_not_in_the_graph_holds_up_nothing() -> None:
    assert in_order({"internet": ["elsewhere"]}) == ["internet"]


@given(ACYCLIC)
def test_each_key_comes_after_those_it_depends_on(graph: Edges) -> None:
    order = in_order(graph)
    assert sorted(order) == sorted(graph)
    assert all(order.index(need) < order.index(key) for key, needs in graph.items() for need in needs)


@given(ACYCLIC)
def test_an_order_that_is_right_already_stays_as_it_is(graph: Edges) -> None:
    right = {key: graph[key] for key in in_order(graph)}
    assert in_order(right) == list(right)


def test_keys_keep_their_order_where_dependencies_allow_it() -> None:
    assert in_order({"c": ["a"], "b": [], "a": [], "d": []}) == ["b", "a", "c", "d"]


def test_a_circle_has_no_order_and_is_named() -> None:
    with pytest.raises(ValueError, match=r"circular dependency: \['[ab]', '[ab]', '[ab]'\]"):
        in_order({"a": ["b"], "b": ["a"], "c": []})


def test_a_chain_of_thousands_is_put_in_order_reversed_and_followed_at_once() -> None:
    """A workflow has two seconds for each of its steps, and a chain is the slowest graph to follow."""
    chain = {str(number): [str(number + 1)] for number in range(5000)}
    assert in_order(chain)[:2] == ["4999", "4998"]
    assert reverse(chain, list(chain))["4999"] == ["4998"]
    assert len(dependents(chain, ["5000"])) == 5000


def test_reversing_turns_every_arrow() -> None:
    graph = {"port": [], "vlan": ["port"], "cpe": ["port", "vlan"]}
    assert reverse(graph, graph) == {"port": ["vlan", "cpe"], "vlan": ["cpe"], "cpe": []}


def test_reversing_keeps_what_leads_through_keys_left_out() -> None:
    graph = {"port": [], "vlan": ["port"], "cpe": ["vlan"], "other": []}
    assert reverse(graph, ["port", "cpe", "other", "unknown"]) == {"port": ["cpe"], "cpe": [], "other": []}


@given(ACYCLIC, st.data())
def test_reversing_turns_the_way_from_each_kept_key_to_each_other(graph: Edges, data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.sampled_from(KEYS)))
    turned = reverse(graph, kept)
    assert reaches(turned) == {(b, a) for a, b in reaches(graph) if a in kept and b in kept}


@given(ACYCLIC, st.data())
def test_reversing_twice_keeps_who_waits_for_whom(graph: Edges, data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.sampled_from(KEYS)))
    twice = reverse(reverse(graph, kept), kept)
    assert list(twice) == [key for key in graph if key in kept]
    assert reaches(twice) == {(a, b) for a, b in reaches(graph) if a in kept and b in kept}


@given(ACYCLIC, st.data())
def test_a_prepared_graph_is_reversed_in_the_order_of_the_keys_that_are_asked_for(
    graph: Edges, data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.sampled_from(KEYS), unique=True))
    known = [key for key in kept if key in graph]
    turned = DependencyGraph(graph).reverse(kept)
    assert list(turned) == kept
    assert {key: sorted(needs) for key, needs in turned.items() if key in known} == {
        key: sorted(needs) for key, needs in reverse(graph, known).items()
    }


def test_dependents_are_found_through_others_and_without_the_roots() -> None:
    graph = {"d": ["c"], "c": ["b"], "b": ["a"], "a": [], "x": ["y"], "y": []}
    assert dependents(graph, ["b", "y"]) == {"c", "d", "x"}


def test_a_root_that_depends_on_another_root_is_not_its_own_dependent() -> None:
    assert dependents({"b": ["a"], "a": []}, ["a", "b"]) == set()


@given(ANY, st.sets(st.sampled_from(KEYS)))
def test_dependents_are_all_that_reach_a_root(graph: Edges, roots: set[str]) -> None:
    known = {**{root: [] for root in roots}, **graph}
    expected = {a for a, b in reaches(known) if b in roots} - roots
    assert dependents(graph, roots) == expected


def test_adding_goes_up_from_what_is_relied_on() -> None:
    actions = {"hub": Action.ADD, "spoke": Action.MODIFY}
    assert orient({"hub": [], "spoke": ["hub"]}, actions) == {"hub": [], "spoke": ["hub"]}


def test_deleting_goes_down_to_what_is_relied_on() -> None:
    actions = {"hub": Action.DELETE, "spoke": Action.DELETE}
    assert orient({"hub": [], "spoke": ["hub"]}, actions) == {"hub": ["spoke"], "spoke": []}


def test_what_is_deleted_waits_for_what_stays_and_relied_on_it() -> None:
    actions = {"hub": Action.DELETE, "spoke": Action.MODIFY}
    assert orient({"hub": [], "spoke": ["hub"]}, actions) == {"hub": ["spoke"], "spoke": []}


def test_what_is_deleted_need_not_wait_for_what_it_relied_on() -> None:
    actions = {"hub": Action.MODIFY, "spoke": Action.DELETE}
    assert orient({"hub": [], "spoke": ["hub"]}, actions) == {"hub": [], "spoke": []}


def test_reliance_on_what_is_elsewhere_is_no_arrow() -> None:
    assert orient({"spoke": ["elsewhere"]}, {"spoke": Action.ADD}) == {"spoke": []}


@given(ACYCLIC, st.data())
def test_no_mixture_of_actions_makes_a_circle(relies_on: Edges, data: st.DataObject) -> None:
    actions = {key: data.draw(st.sampled_from(Action)) for key in relies_on}
    after = orient(relies_on, actions)
    assert list(after) == list(relies_on)
    assert find_circle(after) is None
    assert all(key in relies_on[need] or need in relies_on[key] for key, needs in after.items() for need in needs)
