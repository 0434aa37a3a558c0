"""The undo of a service order: every part of it the other way, with the ids and values that it came to."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orders.change.compensation import undo_resources, undo_service_order
from orders.model.product_orders import Action
from orders.plan.graph import find_circle
from orders.plan.keys import CUSTOMER_FACING, REPLACED
from orders.plan.outcome import AssignedResource, RealisedService, ServiceOrderOutcome
from orders.plan.parts import Activation, Demand, ResourceItem, ServiceItem, ServiceOrderPlan
from tests.orders.samples import internet, internet_done, resource, service, service_order


def outcome_of(plan: ServiceOrderPlan) -> ServiceOrderOutcome:
    """What the undo `plan` comes to: what it deletes was as it was, what it brings back is as it was before."""

    def characteristics(item: ServiceItem | ResourceItem) -> dict[str, Any]:
        return item.previous if item.action == Action.DELETE else item.characteristics

    return ServiceOrderOutcome(
        services={
            item.key: RealisedService(
                id=item.service_id or "",
                characteristics=characteristics(item),
                resources={
                    each.key: AssignedResource(
                        id=each.resource_id or "", value=each.demand.value, characteristics=characteristics(each)
                    )
                    for each in item.resources
                },
            )
            for item in plan.items
        }
    )


def test_what_was_added_is_deleted_by_the_ids_it_came_to() -> None:
    undo = undo_service_order(internet(), internet_done())
    assert undo.action == "delete"
    assert {item.key: (item.action, item.service_id) for item in undo.items} == {
        "access": ("delete", "service-a"),
        "routing": ("delete", "service-r"),
        "service": ("delete", "service-c"),
    }
    access = undo.item("access")
    assert access.previous == {"downloadSpeed": 500, "vlan": "2043"}
    assert access.characteristics == {}
    vlan, port = access.resources
    assert (vlan.key, vlan.action, vlan.resource_id, vlan.demand.value) == ("vlan", "delete", "vlan-43", "2043")
    assert vlan.previous == {"priority": 3, "node": "olt-1/1/1/7"}
    assert (port.key, port.action, port.resource_id) == ("port", "delete", "port-7")


def test_a_resource_is_pinned_to_its_value_and_nothing_else_is_asked_of_its_pool() -> None:
    port = undo_service_order(internet(), internet_done()).item("access").resources[1]
    assert port.demand == Demand(place="BER-1", value="olt-1/1/1/7")


def test_nothing_is_computed_or_tested_on_the_way_back_and_what_was_activated_is_deactivated() -> None:
    access = undo_service_order(internet(), internet_done()).item("access")
    assert (access.late, access.test, access.activation) == ({}, None, Activation())
    assert all(each.late == {} for each in access.resources)
    assert access.resources[0].configuration == Activation()


def test_each_part_goes_after_those_that_depended_on_it() -> None:
    undo = undo_service_order(internet(), internet_done())
    assert [item.key for item in undo.items] == ["service", "routing", "access"]
    assert {item.key: set(item.depends_on) for item in undo.items} == {
        "service": set(),
        "routing": {"service"},
        "access": {"service", "routing"},
    }
    vlan, port = undo.item("access").resources
    assert (vlan.depends_on, port.depends_on) == ([], ["vlan"])


def test_what_was_not_reached_is_not_taken_back() -> None:
    done = internet_done()
    del done.services["routing"]
    del done.services["access"].resources["vlan"]
    undo = undo_service_order(internet(), done)
    assert {item.key: item.depends_on for item in undo.items} == {"service": [], "access": ["service"]}
    assert [each.key for each in undo.item("access").resources] == ["port"]
    assert undo.item("access").resources[0].depends_on == []


def test_nothing_is_left_of_an_undo_of_nothing() -> None:
    assert undo_service_order(internet(), ServiceOrderOutcome()).items == []
    assert undo_resources(internet().item("access").resources, {}) == []


def test_what_was_deleted_comes_back_under_its_id_with_its_values() -> None:
    vlan = resource(
        "vlan",
        Action.DELETE,
        resource_id="vlan-43",
        demand=Demand(pool="vlan-ber-1", value="2043"),
        characteristics={"priority": 3},
        previous={"priority": 3},
    )
    access = service("access", Action.DELETE, service_id="service-a", previous={"downloadSpeed": 500}, resources=[vlan])
    done = ServiceOrderOutcome(
        services={
            "access": RealisedService(
                id="service-a",
                characteristics={"downloadSpeed": 500},
                resources={"vlan": AssignedResource(id="vlan-43", value="2043", characteristics={"priority": 3})},
            )
        }
    )
    undo = undo_service_order(service_order([access], Action.DELETE), done)
    assert undo.action == "add"
    item = undo.item("access")
    assert (item.action, item.service_id, item.characteristics) == ("add", "service-a", {"downloadSpeed": 500})
    back = item.resources[0]
    assert (back.action, back.demand, back.characteristics) == (
        "add",
        Demand(pool="vlan-ber-1", value="2043"),
        {"priority": 3},
    )


def test_what_was_modified_becomes_what_it_was_without_what_it_had_gained() -> None:
    before, after = {"downloadSpeed": 250}, {"downloadSpeed": 1000, "staticAddress": True}
    changed = service("access", Action.MODIFY, service_id="service-a", previous=before, characteristics=after)
    done = ServiceOrderOutcome(services={"access": RealisedService(id="service-a", characteristics=after)})
    undo = undo_service_order(service_order([changed], Action.MODIFY), done)
    assert undo.action == "modify"
    item = undo.item("access")
    assert (item.action, item.service_id, item.characteristics, item.previous) == (
        "modify",
        "service-a",
        before,
        after,
    )


def test_what_was_left_alone_is_left_alone() -> None:
    kept = service("access", Action.NO_CHANGE, service_id="service-a", previous={"x": 1}, characteristics={"x": 1})
    done = ServiceOrderOutcome(services={"access": RealisedService(id="service-a", characteristics={"x": 1})})
    item = undo_service_order(service_order([kept], Action.MODIFY), done).item("access")
    assert (item.action, item.characteristics, item.previous) == ("noChange", {"x": 1}, {"x": 1})


def replacement() -> tuple[list[ResourceItem], dict[str, AssignedResource]]:
    """A port at another node in place of the old one, and the VLAN on it, which stays."""
    resources = [
        resource("port", demand=Demand(place="HAM-1")),
        resource("vlan", Action.MODIFY, resource_id="vlan-43", depends_on=["port"], demand=Demand(value="2043")),
        resource(
            f"port{REPLACED}",
            Action.DELETE,
            resource_id="port-7",
            demand=Demand(pool="ports-ber-1", value="olt-1/1/1/7"),
            depends_on=["port", "vlan"],
        ),
    ]
    done = {
        "port": AssignedResource(id="port-21", value="olt-2/1/1/1"),
        "vlan": AssignedResource(id="vlan-43", value="2043"),
        f"port{REPLACED}": AssignedResource(id="port-7", value="olt-1/1/1/7"),
    }
    return resources, done


def test_what_was_replaced_takes_its_key_again_and_what_replaced_it_gives_way() -> None:
    undo = {each.key: each for each in undo_resources(*replacement())}
    assert list(undo) == ["port", "vlan", f"port{REPLACED}"]
    assert (undo["port"].action, undo["port"].resource_id) == ("add", "port-7")
    assert undo["port"].demand == Demand(pool="ports-ber-1", value="olt-1/1/1/7")
    assert (undo[f"port{REPLACED}"].action, undo[f"port{REPLACED}"].resource_id) == ("delete", "port-21")


def test_what_was_replaced_is_back_before_its_replacement_goes() -> None:
    undo = {each.key: each.depends_on for each in undo_resources(*replacement())}
    assert undo["port"] == []
    assert undo["vlan"] == ["port"]
    assert set(undo[f"port{REPLACED}"]) == {"port", "vlan"}


def test_a_replacement_of_which_only_the_new_one_was_reached_is_just_taken_back() -> None:
    resources, done = replacement()
    undo = undo_resources(resources, {"port": done["port"]})
    assert [(each.key, each.action, each.depends_on) for each in undo] == [("port", "delete", [])]


def test_the_services_that_rely_on_a_replaced_one_rely_on_it_again() -> None:
    plan = service_order(
        [
            service("access", activation=Activation()),
            service(CUSTOMER_FACING, Action.MODIFY, service_id="c", depends_on=["access"], relies_on=["access"]),
            service(f"access{REPLACED}", Action.DELETE, service_id="old", depends_on=[CUSTOMER_FACING]),
        ],
        Action.MODIFY,
    )
    services = {"access": "new", CUSTOMER_FACING: "c", f"access{REPLACED}": "old"}
    done = ServiceOrderOutcome(services={key: RealisedService(id=each) for key, each in services.items()})
    undo = undo_service_order(plan, done)
    assert [(item.key, item.action, item.service_id, item.depends_on) for item in undo.items] == [
        ("access", "add", "old", []),
        (CUSTOMER_FACING, "modify", "c", ["access"]),
        (f"access{REPLACED}", "delete", "new", [CUSTOMER_FACING]),
    ]
    assert undo.customer_facing_item().relies_on == ["access"]


def test_undoing_an_undo_does_what_was_done() -> None:
    plan = internet()
    undo = undo_service_order(plan, internet_done())
    again = undo_service_order(undo, outcome_of(undo))
    assert again.action == plan.action
    assert [(item.key, item.action) for item in again.items] == [(item.key, item.action) for item in plan.items]
    assert again.item("access").characteristics == internet_done().services["access"].characteristics
    assert [each.demand.value for each in again.item("access").resources] == ["olt-1/1/1/7", "2043"]


@st.composite
def plans(draw: st.DrawFn) -> tuple[ServiceOrderPlan, ServiceOrderOutcome]:
    """Any service order whose dependencies have no circle, with what it came to as far as it came."""
    keys = draw(st.lists(st.sampled_from(["a", "b", f"b{REPLACED}", "c", CUSTOMER_FACING]), unique=True, min_size=1))
    items = []
    for place, key in enumerate(keys):
        needs = draw(st.lists(st.sampled_from(keys[:place]), unique=True)) if place else []
        action = draw(st.sampled_from(Action))
        previous = {} if action == Action.ADD else {"x": 1}
        items.append(service(key, action, service_id=f"id-{key}", depends_on=needs, previous=previous))
    done = draw(st.sets(st.sampled_from(keys)))
    outcome = {key: RealisedService(id=f"id-{key}", characteristics={"x": 2}) for key in done}
    return service_order(draw(st.permutations(items)), Action.MODIFY), ServiceOrderOutcome(services=outcome)


@given(plans())
def test_undoing_twice_gives_back_the_actions_ids_and_keys(case: tuple[ServiceOrderPlan, ServiceOrderOutcome]) -> None:
    plan, done = case
    undo = undo_service_order(plan, done)
    again = undo_service_order(undo, outcome_of(undo))
    reached = [item for item in plan.items if item.key in done.services]
    assert find_circle({item.key: item.depends_on for item in undo.items}) is None
    assert [(item.action, item.service_id) for item in again.items] == [(i.action, i.service_id) for i in reached]
    assert len({item.key for item in again.items}) == len(reached)
