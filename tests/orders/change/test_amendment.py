"""What an amendment does to what is waiting, running or done, and what it is refused for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.change.amendment import Amendment, NodeProgress, NodeState, cancellation, decide
from orders.change.comparison import Comparison
from orders.model.product_orders import Action
from orders.plan.graph import dependents
from orders.plan.plan_graph import NodeKind, PlanGraph, PlanNode
from tests.orders.samples import graph, node

HUB, SPOKE, OTHER = "hub:overlay", "spoke:overlay", "other:voice"


def items() -> PlanGraph:
    """A hub, a spoke that reads its values, a branch behind the spoke, and something independent."""
    return graph(
        node(HUB, item_id="hub", name="Overlay"),
        node(SPOKE, depends_on=[HUB], inputs={"hub": HUB}, item_id="spoke", name="Overlay"),
        node("branch:overlay", depends_on=[SPOKE], item_id="branch", name="Overlay"),
        node(OTHER, item_id="other", name="Voice"),
    )


def all_in(state: NodeState, plan_graph: PlanGraph, **past: str) -> dict[str, NodeProgress]:
    return {each.key: NodeProgress(state=state, past=past.get(each.unit)) for each in plan_graph.nodes}


def same(*graphs: PlanGraph, **differences: Comparison) -> dict[str, Comparison]:
    """All nodes the same, but for those of the units that are named."""
    return {each.key: differences.get(each.unit, Comparison.SAME) for plan_graph in graphs for each in plan_graph.nodes}


def actions(amendment: Amendment) -> dict[str, str]:
    return {each.key: each.action.value for each in amendment.diff()}


def amended(progress: dict[str, NodeProgress], **differences: Comparison) -> Amendment:
    removed = {unit for unit, difference in differences.items() if difference == Comparison.REMOVED}
    new = PlanGraph(nodes=[each for each in items().nodes if each.unit not in removed])
    return decide(same(items(), **differences), items(), new, progress)


C, S = Comparison, NodeState


@pytest.mark.parametrize(
    ("difference", "state", "action"),
    [
        (C.SAME, S.WAITING, None),
        (C.SAME, S.RUNNING, None),
        (C.SAME, S.DONE, None),
        (C.SAME, S.WITHDRAWN, None),
        (C.CHANGED, S.WAITING, "do"),
        (C.CHANGED, S.RUNNING, "replace"),
        (C.CHANGED, S.DONE, "modify"),
        (C.MOVED, S.WAITING, "do"),
        (C.MOVED, S.RUNNING, "replace"),
        (C.MOVED, S.DONE, "replace"),
        (C.REMOVED, S.WAITING, "undo"),
        (C.REMOVED, S.RUNNING, "undo"),
        (C.REMOVED, S.DONE, "undo"),
    ],
)
def test_what_happens_to_a_node_follows_from_its_difference_and_its_state(
    difference: Comparison, state: NodeState, action: str | None
) -> None:
    outcome = amended({OTHER: NodeProgress(state=state)}, other=difference)
    assert actions(outcome) == ({OTHER: action} if action else {})
    assert outcome.refusals == []


def test_every_node_is_named_with_its_item_and_those_of_the_new_version_come_first() -> None:
    new = graph(*items().nodes[1:], node("more:voice", item_id="more", name="Voice"))
    comparison = {**same(new, more=C.ADDED), HUB: C.REMOVED}
    changes = decide(comparison, items(), new, {}).changes
    assert [(each.key, each.item_id, each.name, each.action) for each in changes] == [
        (SPOKE, "spoke", "Overlay", "leave"),
        ("branch:overlay", "branch", "Overlay", "leave"),
        (OTHER, "other", "Voice", "leave"),
        ("more:voice", "more", "Voice", "do"),
        (HUB, "hub", "Overlay", "undo"),
    ]


@pytest.mark.parametrize("difference", [C.MOVED, C.REMOVED])
@pytest.mark.parametrize("state", [S.RUNNING, S.DONE])
def test_what_is_taken_back_takes_along_what_has_begun_and_stands_on_it(
    difference: Comparison, state: NodeState
) -> None:
    progress = all_in(S.DONE, items()) | {"branch:overlay": NodeProgress(state=state)}
    assert actions(amended(progress, hub=difference)) == {
        HUB: "undo" if difference == C.REMOVED else "replace",
        SPOKE: "replace",
        "branch:overlay": "replace",
    }


def test_what_is_taken_back_leaves_alone_what_has_not_begun() -> None:
    progress = {HUB: NodeProgress(state=S.DONE), SPOKE: NodeProgress(state=S.DONE)}
    assert actions(amended(progress, hub=C.MOVED)) == {HUB: "replace", SPOKE: "replace"}


def test_what_was_not_begun_and_goes_takes_nothing_along() -> None:
    assert actions(amended({}, hub=C.REMOVED)) == {HUB: "undo"}


def test_what_goes_with_what_it_stood_on_is_undone_and_not_done_again() -> None:
    outcome = amended(all_in(S.DONE, items()), hub=C.MOVED, spoke=C.REMOVED)
    assert actions(outcome) == {HUB: "replace", SPOKE: "undo", "branch:overlay": "replace"}


def test_what_could_be_changed_in_place_is_done_anew_where_what_it_stands_on_is() -> None:
    outcome = amended(all_in(S.DONE, items()), hub=C.MOVED, spoke=C.CHANGED)
    assert actions(outcome)[SPOKE] == "replace"


def test_what_reads_the_values_of_what_is_changed_is_changed_too() -> None:
    assert actions(amended(all_in(S.DONE, items()), hub=C.CHANGED)) == {HUB: "modify", SPOKE: "modify"}


def test_what_runs_on_the_values_of_what_is_changed_is_done_anew_with_what_stands_on_it() -> None:
    progress = all_in(S.DONE, items()) | {SPOKE: NodeProgress(state=S.RUNNING)}
    assert actions(amended(progress, hub=C.CHANGED)) == {
        HUB: "modify",
        SPOKE: "replace",
        "branch:overlay": "replace",
    }


def test_what_has_not_begun_reads_the_new_values_anyway() -> None:
    assert actions(amended({HUB: NodeProgress(state=S.DONE)}, hub=C.CHANGED)) == {HUB: "modify"}


def test_a_change_is_passed_on_from_reader_to_reader() -> None:
    chain = graph(node("1:a"), node("2:b", depends_on=["1:a"], inputs={"x": "1:a"}), node("3:c", inputs={"x": "2:b"}))
    comparison = same(chain) | {"1:a": C.CHANGED}
    assert actions(decide(comparison, chain, chain, all_in(S.DONE, chain))) == {
        "1:a": "modify",
        "2:b": "modify",
        "3:c": "modify",
    }


@pytest.mark.parametrize("action", [Action.NO_CHANGE, Action.DELETE])
def test_what_is_left_alone_or_deleted_has_no_use_for_new_values(action: Action) -> None:
    pair = graph(node("1:a"), node("2:b", depends_on=["1:a"], inputs={"x": "1:a"}, action=action))
    comparison = same(pair) | {"1:a": C.CHANGED}
    assert actions(decide(comparison, pair, pair, all_in(S.DONE, pair))) == {"1:a": "modify"}


# Deliveries and products


def bundle(*parts: str) -> PlanGraph:
    """A bundle of parts: a service order and a product of each, one delivery, and the product of the whole."""
    orders = [f"{part}:line" for part in parts]
    nodes = [node(key, "1", item_id=key.split(":")[0], name="Line") for key in orders]
    nodes.append(PlanNode(key="1:!delivered", kind=NodeKind.DELIVERY, unit="1", name="delivered", depends_on=orders))
    nodes += [recorded(part, ["1:!delivered"]) for part in parts]
    return graph(*nodes, recorded("1", ["1:!delivered", *parts]))


def recorded(key: str, depends_on: list[str]) -> PlanNode:
    return PlanNode(key=key, kind=NodeKind.PRODUCT, unit="1", item_id=key, name="Product", depends_on=depends_on)


def test_a_part_that_moves_after_delivery_takes_its_own_product_and_the_bundle_along_and_no_other_part() -> None:
    parts = bundle("1.1", "1.2", "1.3")
    comparison = same(parts) | {"1.2:line": C.MOVED}
    assert actions(decide(comparison, parts, parts, all_in(S.DONE, parts))) == {
        "1.2:line": "replace",
        "1:!delivered": "replace",
        "1.2": "replace",
        "1": "replace",
    }


def test_a_part_that_comes_after_delivery_is_delivered_before_it_is_recorded() -> None:
    old, new = bundle("1.1"), bundle("1.1", "1.2")
    comparison = same(new) | {"1.2:line": C.ADDED, "1.2": C.ADDED, "1": C.MOVED}
    assert actions(decide(comparison, old, new, all_in(S.DONE, old))) == {
        "1.2:line": "do",
        "1:!delivered": "replace",
        "1.2": "do",
        "1": "replace",
    }


def test_a_change_in_place_after_delivery_is_delivered_before_its_product_is_recorded_anew() -> None:
    parts = bundle("1.1", "1.2")
    comparison = same(parts) | {"1.1:line": C.CHANGED, "1.1": C.MOVED}
    assert actions(decide(comparison, parts, parts, all_in(S.DONE, parts))) == {
        "1.1:line": "modify",
        "1:!delivered": "replace",
        "1.1": "replace",
        "1": "replace",
    }


def test_a_part_that_goes_needs_no_new_delivery() -> None:
    old, new = bundle("1.1", "1.2"), bundle("1.1")
    comparison = same(new) | {"1": C.MOVED, "1.2:line": C.REMOVED, "1.2": C.REMOVED}
    assert actions(decide(comparison, old, new, all_in(S.DONE, old))) == {
        "1": "replace",
        "1.2:line": "undo",
        "1.2": "undo",
    }


def test_a_delivery_that_was_not_reached_waits_on() -> None:
    parts = bundle("1.1", "1.2")
    progress = {"1.1:line": NodeProgress(state=S.DONE)}
    assert actions(decide(same(parts) | {"1.1:line": C.CHANGED}, parts, parts, progress)) == {"1.1:line": "modify"}


# Refusals

PAST = "activate Overlay has begun"


@pytest.mark.parametrize("difference", [C.CHANGED, C.MOVED, C.REMOVED])
def test_what_is_past_its_point_of_no_return_cannot_be_touched(difference: Comparison) -> None:
    outcome = amended(all_in(S.DONE, items(), hub=PAST), hub=difference)
    assert [(each.item_id, each.key, each.reason) for each in outcome.refusals] == [
        ("hub", HUB, "Overlay of item hub cannot be changed any more: activate Overlay has begun")
    ]


def test_what_would_only_be_taken_along_cannot_be_touched_either() -> None:
    outcome = amended(all_in(S.DONE, items(), spoke=PAST, branch=PAST), hub=C.MOVED)
    assert [each.item_id for each in outcome.refusals] == ["spoke", "branch"]
    outcome = amended(all_in(S.DONE, items(), spoke=PAST, branch=PAST), hub=C.CHANGED)
    assert [each.item_id for each in outcome.refusals] == ["spoke"]


def test_what_stays_as_it_is_may_be_past_its_point_of_no_return() -> None:
    assert amended(all_in(S.DONE, items(), hub=PAST, spoke=PAST), other=C.MOVED).refusals == []


@pytest.mark.parametrize("difference", [C.CHANGED, C.MOVED, C.REMOVED])
def test_what_has_failed_cannot_be_touched(difference: Comparison) -> None:
    outcome = amended({OTHER: NodeProgress(state=S.WITHDRAWN)}, other=difference)
    assert [(each.item_id, each.reason) for each in outcome.refusals] == [
        ("other", "Voice of item other has failed and is undone, so that it cannot be changed in this order")
    ]


def test_what_has_failed_may_stay_as_it_is() -> None:
    assert amended({OTHER: NodeProgress(state=S.WITHDRAWN)}, hub=C.CHANGED).refusals == []


def test_nothing_can_be_added_that_depends_on_what_has_failed() -> None:
    new = graph(*items().nodes, node("more:voice", depends_on=[OTHER], item_id="more", name="Voice"))
    outcome = decide(same(new, more=C.ADDED), items(), new, {OTHER: NodeProgress(state=S.WITHDRAWN)})
    assert [(each.item_id, each.reason) for each in outcome.refusals] == [
        ("more", "Voice of item more cannot be done, since it depends on what has failed: Voice of item other")
    ]


def test_nothing_can_be_added_to_a_bundle_that_has_failed() -> None:
    new = graph(*items().nodes, node("more:voice", "other", item_id="more", name="Voice"))
    comparison = same(new) | {"more:voice": C.ADDED}
    outcome = decide(comparison, items(), new, {OTHER: NodeProgress(state=S.WITHDRAWN)})
    assert [each.reason for each in outcome.refusals] == [
        "Voice of item more cannot be done, since it depends on what has failed: the rest of its bundle"
    ]


# Cancellations


def test_a_cancellation_undoes_what_has_begun() -> None:
    progress = {
        HUB: NodeProgress(state=S.DONE),
        SPOKE: NodeProgress(state=S.RUNNING),
        OTHER: NodeProgress(state=S.WITHDRAWN, past=PAST),
    }
    outcome = cancellation(items(), progress)
    assert actions(outcome) == {HUB: "undo", SPOKE: "undo"}
    assert outcome.refusals == []


def test_a_cancellation_is_refused_by_each_item_past_its_point_of_no_return() -> None:
    outcome = cancellation(items(), all_in(S.DONE, items(), hub=PAST, other="the number has been ported"))
    assert [(each.item_id, each.reason) for each in outcome.refusals] == [
        ("hub", "Overlay of item hub cannot be cancelled any more: activate Overlay has begun"),
        ("other", "Voice of item other cannot be cancelled any more: the number has been ported"),
    ]


def test_a_cancellation_names_nothing_that_has_no_effect() -> None:
    parts = bundle("1.1")
    left_alone = graph(*parts.nodes, node("2:line", action=Action.NO_CHANGE, item_id="2"))
    outcome = cancellation(left_alone, all_in(S.DONE, left_alone))
    assert actions(outcome) == {"1.1:line": "undo", "1.1": "undo", "1": "undo"}


# What always holds

KEYS = "abcdefgh"


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Comparison], PlanGraph, PlanGraph, dict[str, NodeProgress]]:
    """Any two versions of a graph, and any progress that its dependencies allow."""
    nodes = []
    for place, key in enumerate(KEYS):
        needs = draw(st.lists(st.sampled_from(KEYS[:place]), unique=True, max_size=3)) if place else []
        read = draw(st.lists(st.sampled_from(needs), unique=True)) if needs else []
        nodes.append(node(key, depends_on=needs, inputs={each: each for each in read}, item_id=key))
    comparison = {key: draw(st.sampled_from(Comparison)) for key in KEYS}
    progress: dict[str, NodeProgress] = {}
    for each in nodes:
        if comparison[each.key] == C.ADDED:
            continue
        needs_done = all(comparison[need] == C.ADDED or progress[need].state == S.DONE for need in each.depends_on)
        state = draw(st.sampled_from([S.WAITING, S.RUNNING, S.DONE] if needs_done else [S.WAITING]))
        progress[each.key] = NodeProgress(state=state, past=draw(st.sampled_from([None, PAST])))
    old = PlanGraph(nodes=[each for each in nodes if comparison[each.key] != C.ADDED])
    new = PlanGraph(nodes=[each for each in nodes if comparison[each.key] != C.REMOVED])
    return comparison, old, new, progress


Case = tuple[dict[str, Comparison], PlanGraph, PlanGraph, dict[str, NodeProgress]]


def begun(progress: dict[str, NodeProgress], key: str) -> bool:
    return key in progress and progress[key].state in (S.RUNNING, S.DONE)


@given(cases())
def test_every_node_is_decided_on_once(case: Case) -> None:
    assert sorted(each.key for each in decide(*case).changes) == sorted(case[0])


@given(cases())
def test_nothing_that_has_begun_is_left_standing_on_what_is_taken_back(case: Case) -> None:
    _, old, _, progress = case
    decided = {each.key: each.action for each in decide(*case).changes}
    taken = {key for key, action in decided.items() if action in ("replace", "undo") and begun(progress, key)}
    for key in dependents(old.dependencies(), taken):
        assert not begun(progress, key) or decided[key] in ("replace", "undo")


@given(cases())
def test_nothing_that_has_begun_keeps_values_that_it_read_of_what_is_changed(case: Case) -> None:
    _, _, new, progress = case
    decided = {each.key: each.action for each in decide(*case).changes}
    for each in new.nodes:
        if begun(progress, each.key) and any(decided[key] == "modify" for key in each.inputs.values()):
            assert decided[each.key] != "leave"


@given(cases())
def test_only_what_was_done_is_changed_in_place_and_only_what_has_begun_is_done_anew(case: Case) -> None:
    progress = case[3]
    for each in decide(*case).changes:
        if each.action == "modify":
            assert progress[each.key].state == S.DONE
        if each.action == "replace":
            assert begun(progress, each.key)
        if each.action == "do":
            assert not begun(progress, each.key)


@given(cases())
def test_exactly_what_is_touched_and_past_its_point_of_no_return_is_refused(case: Case) -> None:
    progress = case[3]
    outcome = decide(*case)
    touched = {each.key for each in outcome.diff() if each.key in progress and progress[each.key].past}
    assert {each.key for each in outcome.refusals} == touched


@given(cases())
def test_a_version_that_changes_nothing_does_nothing(case: Case) -> None:
    _, old, _, progress = case
    outcome = decide(same(old), old, old, progress)
    assert (outcome.diff(), outcome.refusals) == ([], [])


def test_thousands_of_nodes_are_decided_on_at_once() -> None:
    chain = [node(f"c{n}:x", depends_on=[f"c{n - 1}:x"] if n else [], item_id=f"c{n}") for n in range(3000)]
    fan = [node(f"f{n}:x", depends_on=["c0:x"], inputs={"c": "c0:x"}, item_id=f"f{n}") for n in range(3000)]
    large = graph(*chain, *fan)
    done = all_in(S.DONE, large)
    taken_back = decide(same(large, c0=C.MOVED), large, large, done)
    assert {each.action.value for each in taken_back.changes} == {"replace"}
    changed = decide(same(large, c0=C.CHANGED), large, large, done)
    assert len(changed.diff()) == 3001
