"""Durations and dates: how long a plan takes, when it will be done, when its parts must start."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.model.product_orders import Action
from orders.plan.keys import CUSTOMER_FACING
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.parts import Delivery, ProductPlan, ResourceItem, ServiceItem
from orders.plan.plan_graph import PlanGraph
from orders.plan.policy import Policy
from orders.plan.schedule import Forecast, jeopardy, latest_starts
from tests.orders.samples import graph, node, resource, service, service_order
from tests.orders.work import SHAPES, Edges, counted

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def takes(number: int) -> Policy:
    return Policy(expected_duration=minutes(number))


def port(key: str, number: int, action: Action = Action.ADD, **fields: Any) -> ResourceItem:
    return resource(key, action, policy=takes(number), **fields)


def part(key: str, number: int, action: Action = Action.ADD, **fields: Any) -> ServiceItem:
    return service(key, action, policy=takes(number), **fields)


def product(action: Action = Action.ADD) -> ProductPlan:
    return ProductPlan(key="1", item_id="1", unit="1", action=action, name="Fibre", policy=takes(2))


def test_an_item_takes_its_own_time_and_that_of_its_resources_along_the_longest_way() -> None:
    resources = [port("a", 10), port("b", 20), port("c", 5, depends_on=["a"]), port("d", 7, depends_on=["b", "c"])]
    assert part("access", 3, resources=resources).duration == minutes(20 + 7 + 3)


def test_what_is_left_alone_takes_no_time() -> None:
    kept = port("a", 10, Action.NO_CHANGE)
    assert part("access", 3, Action.NO_CHANGE, resources=[kept]).duration == minutes(0)
    assert part("access", 3, Action.MODIFY, resources=[kept, port("b", 4)]).duration == minutes(7)
    assert product(Action.NO_CHANGE).node().duration == minutes(0)


def test_a_service_order_takes_the_longest_way_through_its_items() -> None:
    items = [
        part("access", 10, resources=[port("a", 5)]),
        part("cpe", 40),
        part("routing", 30, depends_on=["access"]),
        part(CUSTOMER_FACING, 2, depends_on=["access", "cpe", "routing"]),
    ]
    assert service_order(items).duration == minutes(15 + 30 + 2)
    assert service_order(items[::-1]).duration == minutes(15 + 30 + 2)
    assert service_order([]).duration == minutes(0)


def test_what_an_item_depends_on_elsewhere_takes_no_time_here() -> None:
    assert service_order([part("access", 10, depends_on=["elsewhere"])]).duration == minutes(10)


def test_the_graph_of_a_plan_says_how_long_each_node_takes() -> None:
    plan = OrchestrationPlan(
        order_id="abc",
        catalog=CatalogVersion(digest="d", label="l"),
        service_orders=[service_order([part(CUSTOMER_FACING, 30, resources=[port("a", 5)])])],
        products=[product()],
        deliveries=[Delivery(key="1:!delivered", unit="1", depends_on=["1:internet"])],
    )
    assert {each.key: each.duration for each in plan.graph().nodes} == {
        "1:internet": minutes(35),
        "1:!delivered": minutes(0),
        "1": minutes(2),
    }


def chain() -> PlanGraph:
    """Ten minutes, then twenty beside five, then one."""
    return graph(
        node("d", depends_on=["b", "c"], duration=minutes(1)),
        node("b", depends_on=["a"], duration=minutes(20)),
        node("c", depends_on=["a"], duration=minutes(5)),
        node("a", duration=minutes(10)),
    )


def expected(*done: str, **started: datetime) -> datetime:
    return Forecast(chain(), done=set(done), started=started).completion(NOW)


def test_an_order_that_has_not_begun_takes_its_longest_way() -> None:
    assert expected() == NOW + minutes(10 + 20 + 1)


def test_what_is_done_takes_no_more_time() -> None:
    assert expected("a") == NOW + minutes(20 + 1)
    assert expected("a", "b") == NOW + minutes(5 + 1)
    assert expected("a", "b", "c", "d") == NOW


def test_what_runs_ends_when_it_was_expected_to() -> None:
    assert expected(a=NOW - minutes(4)) == NOW + minutes(6 + 20 + 1)


def test_what_runs_for_longer_than_expected_ends_now() -> None:
    assert expected(a=NOW - minutes(40)) == NOW + minutes(20 + 1)
    assert expected("a", "c", b=NOW - DAY) == NOW + minutes(1)


def test_what_is_done_counts_as_done_though_it_has_started() -> None:
    assert expected("a", a=NOW, b=NOW) == NOW + minutes(20 + 1)


def test_an_order_of_nothing_is_done_now() -> None:
    assert Forecast(graph()).completion(NOW) == NOW
    assert latest_starts(graph(), NOW) == {}


def test_each_node_starts_as_late_as_those_behind_it_allow() -> None:
    assert latest_starts(chain(), NOW) == {
        "d": NOW - minutes(1),
        "b": NOW - minutes(1 + 20),
        "c": NOW - minutes(1 + 5),
        "a": NOW - minutes(1 + 20 + 10),
    }


def test_what_nothing_waits_for_starts_as_late_as_its_own_time_allows() -> None:
    plan = graph(node("a", duration=DAY), node("b", depends_on=["a", "elsewhere"], duration=minutes(0)))
    assert latest_starts(plan, NOW) == {"a": NOW - DAY, "b": NOW}


def test_an_order_is_late_by_what_it_is_expected_after_the_requested_date() -> None:
    assert jeopardy(NOW + DAY, NOW) == DAY
    assert jeopardy(NOW, NOW) is None
    assert jeopardy(NOW, NOW + DAY) is None
    assert jeopardy(NOW, None) is None


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_dates_stay_within_the_years_that_there_are(moment: datetime) -> None:
    plan = graph(node("a", duration=DAY), node("b", depends_on=["a"], duration=DAY))
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert Forecast(plan).completion(moment) == min(last - 2 * DAY, moment) + 2 * DAY
    assert latest_starts(plan, moment)["a"] == max(first + 2 * DAY, moment) - 2 * DAY


KEYS = "abcdefg"


@st.composite
def plans(draw: st.DrawFn) -> PlanGraph:
    nodes = [
        node(
            key,
            depends_on=draw(st.lists(st.sampled_from(KEYS[:place]), unique=True)) if place else [],
            duration=minutes(draw(st.integers(0, 100))),
        )
        for place, key in enumerate(KEYS)
    ]
    return PlanGraph(nodes=draw(st.permutations(nodes)))


@given(plans())
def test_what_starts_at_its_latest_is_done_in_time_and_the_first_of_all_not_before(plan: PlanGraph) -> None:
    starts = latest_starts(plan, NOW)
    nodes = plan.by_key()
    for key, each in nodes.items():
        ends = starts[key] + each.duration
        behind = [starts[other.key] for other in plan.nodes if key in other.depends_on]
        assert ends == min(behind, default=NOW)
    begin = min(starts.values())
    assert Forecast(plan).completion(begin) == NOW


@given(plans())
def test_what_starts_at_its_latest_is_expected_when_it_is_due(plan: PlanGraph) -> None:
    starts = latest_starts(plan, NOW)
    early = min(starts.values()) - minutes(60)
    assert Forecast(plan, not_before=starts).completion(early) == NOW


@given(plans(), st.sets(st.sampled_from(KEYS)))
def test_an_order_is_never_expected_later_for_what_is_done(plan: PlanGraph, done: set[str]) -> None:
    nothing = Forecast(plan).completion(NOW)
    assert NOW <= Forecast(plan, done=done).completion(NOW) <= nothing


def expected_by_definition(
    plan: PlanGraph, now: datetime, done: set[str], started: dict[str, datetime], not_before: dict[str, datetime]
) -> datetime:
    """When the last node ends, by the end of each."""
    ends: dict[str, datetime] = {}
    for each in sorted(plan.nodes, key=lambda each: each.key):
        if each.key in done:
            ends[each.key] = now
        elif each.key in started:
            ends[each.key] = max(now, started[each.key] + each.duration)
        else:
            begin = max((ends[need] for need in each.depends_on), default=now)
            ends[each.key] = max(begin, not_before.get(each.key, now)) + each.duration
    return max(ends.values(), default=now)


SOME = st.sets(st.sampled_from(KEYS))
DATES = st.dictionaries(st.sampled_from(KEYS), st.integers(-300, 300).map(lambda number: NOW + minutes(number)))


@given(plans(), SOME, DATES, DATES)
def test_a_forecast_takes_a_plan_as_far_as_it_is(
    plan: PlanGraph, done: set[str], started: dict[str, datetime], not_before: dict[str, datetime]
) -> None:
    forecast = Forecast(plan, done=done, started=started, not_before=not_before)
    assert forecast.completion(NOW) == expected_by_definition(plan, NOW, done, started, not_before)


@given(plans(), SOME, DATES, st.data())
def test_a_forecast_follows_what_begins_and_ends(
    plan: PlanGraph, withdrawn: set[str], not_before: dict[str, datetime], data: st.DataObject
) -> None:
    done, started, now = set(withdrawn), dict[str, datetime](), NOW
    forecast = Forecast(plan, done=withdrawn, not_before=not_before)
    nodes = plan.by_key()
    while ready := sorted(key for key in nodes if key not in done and done.issuperset(nodes[key].depends_on)):
        now += minutes(data.draw(st.integers(0, 60)))
        key = data.draw(st.sampled_from(ready))
        if key in started:
            forecast.end(key)
            done.add(key)
        else:
            forecast.begin(key, now)
            started[key] = now
        assert forecast.completion(now) == expected_by_definition(plan, now, done, started, not_before)


def test_what_a_plan_does_not_have_changes_no_forecast() -> None:
    forecast = Forecast(chain(), done=["elsewhere"], started={"elsewhere": NOW}, not_before={"elsewhere": NOW + DAY})
    forecast.begin("other", NOW + DAY)
    forecast.end("other")
    assert forecast.completion(NOW) == expected()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_forecast_looks_at_what_changes_and_not_at_the_whole_plan(shape: Callable[[int], Edges]) -> None:
    def looks_a_node(number: int) -> float:
        parts = [{"key": key, "unit": key, "depends_on": needs} for key, needs in shape(number).items()]
        plan = graph(*(node("any", duration=minutes(1)).model_copy(update=part) for part in parts))
        forecast = Forecast(plan)
        with counted() as work:
            for each in plan.nodes:
                forecast.begin(each.key, NOW)
                forecast.completion(NOW)
                forecast.end(each.key)
                forecast.completion(NOW)
        return work.looks / number

    assert looks_a_node(5000) == pytest.approx(looks_a_node(50), rel=0.1)


@given(plans(), st.lists(st.integers(0, 300), min_size=len(KEYS), max_size=len(KEYS)))
def test_an_order_that_runs_as_expected_is_expected_when_it_was(plan: PlanGraph, delays: list[int]) -> None:
    """Play the plan through on time: whenever one asks, the answer is the same."""
    nodes = plan.by_key()
    begins: dict[str, datetime] = {}
    for key in KEYS:
        begins[key] = max((begins[need] + nodes[need].duration for need in nodes[key].depends_on), default=NOW)
    whole = Forecast(plan).completion(NOW)
    for delay in delays:
        now = NOW + minutes(delay)
        done = {key for key, begin in begins.items() if begin + nodes[key].duration <= now}
        started = {key: begin for key, begin in begins.items() if begin <= now}
        assert Forecast(plan, done=done, started=started).completion(now) == max(whole, now)


def test_thousands_of_nodes_are_scheduled_at_once() -> None:
    nodes = [node(f"n{n}", depends_on=[f"n{n - 1}"] if n else [], duration=minutes(1)) for n in range(5000)]
    large = graph(*nodes)
    assert Forecast(large).completion(NOW) == NOW + minutes(5000)
    assert latest_starts(large, NOW)["n0"] == NOW - minutes(5000)
