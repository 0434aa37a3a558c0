"""The plan: its graph, and what a failure takes with it."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from orders.model.product_orders import Action
from orders.plan.keys import CUSTOMER_FACING
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.parts import Delivery, ProductPlan
from orders.plan.plan_graph import NodeKind, PlanGraph
from orders.plan.policy import OnFailure, Policy
from tests.orders.samples import graph, internet, node, service, service_order
from tests.orders.work import counted, pairs


def test_a_failure_takes_its_bundle_and_leaves_the_rest() -> None:
    plan = graph(
        node("1:internet", "1"), node("2:tv", "1"), node("1:!delivered", "1", ["1:internet", "2:tv"]), node("3:voice")
    )
    assert plan.taken_by_failure("2:tv") == {"1:internet", "2:tv", "1:!delivered"}
    assert plan.taken_by_failure("3:voice") == {"3:voice"}


def test_a_failure_takes_what_depends_on_it_through_others() -> None:
    plan = graph(node("hub"), node("spoke", depends_on=["hub"]), node("branch", depends_on=["spoke"]), node("other"))
    assert plan.taken_by_failure("hub") == {"hub", "spoke", "branch"}
    assert plan.taken_by_failure("branch") == {"branch"}


def test_a_bundle_that_depends_on_what_failed_goes_whole_with_all_that_depends_on_it() -> None:
    plan = graph(
        node("hub"),
        node("2:overlay", "2", ["hub"]),
        node("2:cpe", "2"),
        node("3:report", depends_on=["2:cpe"]),
        node("4:voice", "4"),
        node("3:more", "3"),
        node("5:last", depends_on=["3:more"]),
    )
    assert plan.taken_by_failure("hub") == {"hub", "2:overlay", "2:cpe", "3:report", "3:more", "5:last"}


def test_a_failure_that_rolls_the_order_back_takes_every_node() -> None:
    plan = graph(node("1:internet", on_failure=OnFailure.ROLLBACK), node("2:tv"), node("3:voice"))
    assert plan.taken_by_failure("1:internet") == {"1:internet", "2:tv", "3:voice"}
    assert plan.taken_by_failure("2:tv") == {"2:tv"}


KEYS = "abcdefg"


@st.composite
def plan_graphs(draw: st.DrawFn) -> PlanGraph:
    nodes = [
        node(
            key,
            unit=draw(st.sampled_from("123")),
            depends_on=draw(st.lists(st.sampled_from(KEYS[:place]), unique=True)) if place else [],
        )
        for place, key in enumerate(KEYS)
    ]
    return PlanGraph(nodes=draw(st.permutations(nodes)))


@given(plan_graphs(), st.sampled_from(KEYS))
def test_nothing_that_is_left_depends_on_what_a_failure_takes(plan: PlanGraph, failed: str) -> None:
    taken = plan.taken_by_failure(failed)
    assert failed in taken
    for one, other in itertools.product(plan.nodes, plan.nodes):
        if one.key in taken and other.key not in taken:
            assert one.unit != other.unit
            assert one.key not in other.depends_on


@given(plan_graphs(), st.sampled_from(KEYS))
def test_a_failure_takes_no_more_than_units_and_what_depends_on_them(plan: PlanGraph, failed: str) -> None:
    expected: set[str] = set()
    more = {failed}
    while more:
        expected |= more
        units = {each.unit for each in plan.nodes if each.key in expected}
        more = {each.key for each in plan.nodes if each.unit in units or expected & {*each.depends_on}} - expected
    assert plan.taken_by_failure(failed) == expected


def test_what_a_failure_takes_is_found_without_looking_at_the_rest() -> None:
    def looks(number: int) -> int:
        # A copy keeps the keys that are counted; validation does not.
        parts = [{"key": key, "unit": key, "depends_on": needs} for key, needs in pairs(number).items()]
        plan = graph(*(node("any").model_copy(update=part) for part in parts))
        first, second = plan.nodes[-2:]
        plan.taken_by_failure(second.key)
        with counted() as work:
            assert plan.taken_by_failure(first.key) == {first.key, second.key}
        return work.looks

    assert looks(5000) == looks(50) > 0


def test_a_graph_that_was_asked_is_the_same_as_one_that_was_not() -> None:
    asked, other = (graph(node("hub"), node("spoke", depends_on=["hub"])) for _ in range(2))
    asked.taken_by_failure("hub")
    assert asked == other
    assert asked.model_dump_json() == other.model_dump_json()


def test_the_graph_of_a_plan_has_every_node_with_what_scheduling_needs() -> None:
    rollback = Policy(on_failure=OnFailure.ROLLBACK)
    items = [service(CUSTOMER_FACING, Action.MODIFY, service_id="service-c")]
    changed = service_order(items, Action.MODIFY, key="2:tv", item_id="2", depends_on=["1:internet"], policy=rollback)
    changed.inputs = {"internet": "1:internet"}
    product = ProductPlan(
        key="1", item_id="1", unit="1", action=Action.ADD, name="Fibre", depends_on=["1:!delivered"], policy=rollback
    )
    plan = OrchestrationPlan(
        order_id="abc",
        catalog=CatalogVersion(digest="d", label="l"),
        service_orders=[internet(), changed],
        products=[product],
        deliveries=[Delivery(key="1:!delivered", unit="1", depends_on=["1:internet", "2:tv"])],
    )
    nodes = plan.graph().by_key()
    assert plan.graph().dependencies() == {
        "1:internet": [],
        "2:tv": ["1:internet"],
        "1:!delivered": ["1:internet", "2:tv"],
        "1": ["1:!delivered"],
    }
    tv = nodes["2:tv"]
    assert (tv.kind, tv.item_id, tv.action, tv.service_id) == (NodeKind.SERVICE_ORDER, "2", Action.MODIFY, "service-c")
    assert (tv.inputs, tv.on_failure) == ({"internet": "1:internet"}, OnFailure.ROLLBACK)
    assert (nodes["1:internet"].on_failure, nodes["1:internet"].name) == (OnFailure.FAIL, "Cfs internet")
    assert (nodes["1:!delivered"].kind, nodes["1:!delivered"].item_id) == (NodeKind.DELIVERY, None)
    assert (nodes["1"].kind, nodes["1"].name, nodes["1"].on_failure) == (NodeKind.PRODUCT, "Fibre", OnFailure.ROLLBACK)


def test_a_plan_survives_its_way_through_json() -> None:
    plan = OrchestrationPlan(order_id="abc", catalog=CatalogVersion(digest="d", label="l"), service_orders=[internet()])
    kept = OrchestrationPlan.model_validate_json(plan.model_dump_json())
    assert kept == plan
    assert kept.service_orders[0].customer_facing_item().key == CUSTOMER_FACING
    assert [item.key for item in kept.service_orders[0].items if item.customer_facing] == [CUSTOMER_FACING]


def test_the_resource_order_of_an_item_has_its_resources_and_the_place() -> None:
    order = internet().resource_order("access")
    assert [each.key for each in order.resources] == ["port", "vlan"]
    assert (order.place, order.customer_id, order.specification.id) == ("BER-1", "customer-1", "rfs-access")


def test_what_ends_something_begun_goes_before_new_things() -> None:
    sites = [[node(f"{n}:access"), node(f"{n}:overlay", depends_on=[f"{n}:access", "hub"])] for n in range(3)]
    products = [node(f"{n}:product", depends_on=[f"{n}:overlay"]) for n in range(3)]
    plan = graph(node("hub"), *(each for site in sites for each in site), *products)

    ranks = plan.ranks

    assert sorted(ranks, key=lambda key: (ranks[key], "product" not in key)) == [
        "hub",
        *("0:product", "0:access", "0:overlay"),
        *("1:product", "1:access", "1:overlay"),
        *("2:product", "2:access", "2:overlay"),
    ]
