"""Changes in place: what is the same is left alone, what differs is changed, and all can be undone exactly."""

from __future__ import annotations

from typing import Any

import pytest

from orders.change.comparison import can_be_changed
from orders.change.compensation import undo_service_order
from orders.change.redo import merged_outcome, modified_service_order
from orders.model.product_orders import Action
from orders.model.wanted import WantedValue
from orders.plan.keys import CUSTOMER_FACING, REPLACED
from orders.plan.outcome import RealisedService, ServiceOrderOutcome
from orders.plan.parts import (
    Activation,
    Demand,
    ManualWork,
    Milestone,
    Move,
    ServiceOrderPlan,
    Step,
)
from tests.orders.samples import internet, internet_done, resource, service, service_order
from tests.orders.stock import Stock


def with_item(index: int = 0, **fields: Any) -> ServiceOrderPlan:
    """The internet access, one of its items (`access` where none is named) with these fields."""
    order = internet()
    order.items[index] = order.items[index].model_copy(update=fields)
    return order


def with_resource(index: int, **fields: Any) -> ServiceOrderPlan:
    """The internet access, the port (0) or the VLAN (1) of its item `access` with these fields."""
    resources = list(internet().items[0].resources)
    resources[index] = resources[index].model_copy(update=fields)
    return with_item(resources=resources)


def at(place: str, order: ServiceOrderPlan | None = None) -> ServiceOrderPlan:
    """The internet access, or such a one, at another place."""
    order = order or internet()
    items = [each.model_copy(update={"place": place}) for each in order.items]
    return order.model_copy(update={"place": place, "items": items})


def redone(new: ServiceOrderPlan, old: ServiceOrderPlan | None = None) -> ServiceOrderPlan:
    return modified_service_order(old or internet(), internet_done(), new)


def moves(plan: ServiceOrderPlan) -> dict[str, str]:
    """What the plan does other than leaving alone: to items, and to resources (`item/resource`)."""
    actions = {item.key: item.action for item in plan.items}
    actions |= {f"{item.key}/{each.key}": each.action for item in plan.items for each in item.resources}
    return {key: action.value for key, action in actions.items() if action != Action.NO_CHANGE}


def test_what_is_the_same_is_left_alone_under_its_ids_with_its_values() -> None:
    delta = redone(internet())
    assert (delta.action, moves(delta)) == ("modify", {})
    access = delta.item("access")
    done = internet_done().services["access"]
    assert (access.service_id, access.previous, access.late) == ("service-a", done.characteristics, {})
    assert [(each.key, each.resource_id, each.demand.value) for each in access.resources] == [
        ("port", "port-7", "olt-1/1/1/7"),
        ("vlan", "vlan-43", "2043"),
    ]
    assert access.resources[1].previous == {"priority": 3, "node": "olt-1/1/1/7"}


def test_another_value_is_changed_and_the_rest_is_kept() -> None:
    delta = redone(with_item(characteristics={"downloadSpeed": 1000}))
    assert moves(delta) == {"access": "modify"}
    access = delta.item("access")
    assert (access.service_id, access.activation) == ("service-a", Activation())
    assert access.previous == {"downloadSpeed": 500, "vlan": "2043"}
    assert access.characteristics == {"downloadSpeed": 1000, "vlan": "2043"}


def test_a_value_that_the_new_version_does_without_goes() -> None:
    assert redone(with_item(characteristics={})).item("access").characteristics == {"vlan": "2043"}


def test_what_people_and_pools_gave_is_kept_where_the_versions_agree() -> None:
    done = internet_done()
    done.services["access"].characteristics["downloadSpeed"] = 480
    new = with_item(characteristics={"downloadSpeed": 500, "uploadSpeed": 100})
    delta = modified_service_order(internet(), done, new)
    assert delta.item("access").characteristics == {"downloadSpeed": 480, "uploadSpeed": 100, "vlan": "2043"}
    port = redone(with_resource(0, characteristics={"shaped": True})).item("access").resources[0]
    assert port.characteristics == {"type": "gpon", "shaped": True}


def test_a_new_item_is_added_and_one_that_is_gone_is_deleted_by_its_id() -> None:
    shorter = internet().model_copy(update={"items": [internet().items[0], internet().items[2]]})
    shorter.items[1] = shorter.items[1].model_copy(update={"depends_on": ["access"], "relies_on": ["access"]})
    delta = redone(shorter)
    assert moves(delta) == {"routing": "delete", "routing/prefix": "delete", "service": "modify"}
    routing = delta.item("routing")
    assert (routing.service_id, routing.resources[0].resource_id) == ("service-r", "prefix-9")
    assert routing.resources[0].demand == Demand(value="10.20.0.0/30")
    longer = internet().model_copy(update={"items": [*internet().items, service("cpe", resources=[resource("box")])]})
    assert moves(redone(longer)) == {"cpe": "add", "cpe/box": "add"}


def test_what_goes_waits_for_what_relied_on_it_and_what_stays_follows_what_it_relies_on() -> None:
    shorter = internet().model_copy(update={"items": [internet().items[0], internet().items[2]]})
    shorter.items[1] = shorter.items[1].model_copy(update={"depends_on": ["access"], "relies_on": ["access"]})
    delta = redone(shorter)
    assert {item.key: item.depends_on for item in delta.items} == {
        "access": [],
        "service": ["access"],
        "routing": ["service"],
    }


def test_a_service_that_is_supported_by_others_is_recorded_so() -> None:
    delta = redone(with_item(1, relies_on=[], depends_on=[]))
    assert moves(delta) == {"routing": "modify"}


def test_a_resource_of_other_values_is_changed_and_its_service_with_it() -> None:
    delta = redone(with_resource(1, characteristics={"priority": 1}))
    assert moves(delta) == {"access": "modify", "access/vlan": "modify"}
    vlan = delta.item("access").resources[1]
    assert vlan.characteristics == {"priority": 1, "node": "olt-1/1/1/7"}
    assert vlan.late == {}


def test_a_resource_that_must_be_another_gives_way_to_a_new_one_and_what_reads_it_follows() -> None:
    delta = redone(with_resource(0, demand=Demand(place="BER-1", criteria={"type": "xgs"})))
    assert moves(delta) == {
        "access": "modify",
        "access/port": "add",
        "access/vlan": "modify",
        f"access/port{REPLACED}": "delete",
    }
    port, vlan, old = delta.item("access").resources
    assert (port.resource_id, port.demand.criteria) == (None, {"type": "xgs"})
    assert (vlan.late, vlan.characteristics) == ({"node": "assigned.port.value"}, {"priority": 3})
    assert (old.resource_id, old.demand, old.depends_on) == (
        "port-7",
        Demand(place="BER-1", value="olt-1/1/1/7"),
        ["port", "vlan"],
    )


def test_a_resource_that_is_asked_for_by_the_value_it_has_is_kept() -> None:
    same = with_resource(0, demand=Demand(place="BER-1", criteria={"type": "gpon"}, value="olt-1/1/1/7"))
    assert moves(redone(same)) == {}
    other = with_resource(0, demand=Demand(place="BER-1", criteria={"type": "gpon"}, value="olt-1/1/1/8"))
    assert moves(redone(other))["access/port"] == "add"


def test_resources_come_and_go() -> None:
    port, vlan = internet().items[0].resources
    delta = redone(with_item(resources=[port, resource("ont", depends_on=["port"])]))
    assert moves(delta) == {"access": "modify", "access/ont": "add", "access/vlan": "delete"}
    gone = delta.item("access").resources[2]
    assert (gone.key, gone.resource_id, gone.depends_on) == ("vlan", "vlan-43", ["port", "ont"])
    assert vlan.action == "add"


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("services.access.downloadSpeed", True),
        ("services.access.vlan", False),
        ("services.access.exists(x, x == 1)", True),
        ("size(services)", True),
        ("services.elsewhere.x", False),
    ],
)
def test_what_reads_a_value_that_changes_is_evaluated_anew_and_nothing_else(text: str, follows: bool) -> None:
    old = with_item(1, late={"speed": text})
    new = with_item(1, late={"speed": text})
    new.items[0] = new.items[0].model_copy(update={"characteristics": {"downloadSpeed": 1000}})
    routing = redone(new, old).item("routing")
    assert (routing.action, routing.late) == (("modify", {"speed": text}) if follows else ("noChange", {}))


def test_what_reads_other_service_orders_is_evaluated_anew_where_their_values_may_have_changed() -> None:
    fields = {"inputs": {"hub": "2:hub"}}
    order = with_item(late={"hub": "services.hub.address"}).model_copy(update=fields)
    done = internet_done()
    done.services["access"].characteristics["hub"] = "10.0.0.1"
    assert moves(modified_service_order(order, done, order)) == {"access": "modify"}
    assert moves(modified_service_order(order, done, order, changed_inputs={"hub": None})) == {"access": "modify"}
    assert moves(modified_service_order(order, done, order, changed_inputs={})) == {}


def test_what_reads_values_that_are_given_is_evaluated_anew_where_they_differ() -> None:
    reader = with_item(late={"hub": "services.hub.address"})
    old, new = (reader.model_copy(update={"given": {"hub": {"address": each, "x": 1}}}) for each in ("a", "b"))
    assert moves(redone(old, old)) == {}
    assert moves(redone(new, old)) == {"access": "modify"}


def test_what_was_done_by_people_is_done_again_only_where_no_system_can() -> None:
    work = ManualWork(instructions="splice the fibre", undo="cut the fibre", values=[WantedValue(name="splicer")])
    by_hand: dict[str, Any] = {"manual": work, "milestones": [Milestone(name="spliced", after=Step.MANUAL)]}
    faster: dict[str, Any] = {"characteristics": {"downloadSpeed": 1000}}
    old = with_item(**by_hand)
    assert redone(with_item(**by_hand, **faster), old).item("access").manual is None
    old = with_item(**by_hand, activation=None)
    access = redone(with_item(**by_hand, **faster, activation=None), old).item("access")
    assert access.manual == work.model_copy(update={"undo": "splice the fibre"})
    assert access.milestones == []


def test_what_people_did_is_taken_back_by_people() -> None:
    old = with_item(1, manual=ManualWork(instructions="mount", undo="unmount"), point_of_no_return=Step.MANUAL)
    shorter = internet().model_copy(update={"items": [internet().items[0], internet().items[2]]})
    routing = redone(shorter, old).item("routing")
    assert routing.manual == ManualWork(instructions="unmount", undo="mount", values=[])
    assert routing.point_of_no_return is None


def test_what_was_installed_is_changed_from_what_the_order_made_of_it() -> None:
    def changed(action: Action, speed: int) -> ServiceOrderPlan:
        item = service("access", action, service_id="a", previous={"speed": 100}, characteristics={"speed": speed})
        whole = service(CUSTOMER_FACING, Action.MODIFY, service_id="c", relies_on=["access"])
        return service_order([item, whole], Action.MODIFY)

    stock = Stock()
    stock.services = {"a": {"state": "active"}, "c": {"state": "active"}}
    old = changed(Action.MODIFY, 500)
    done = stock.run(old)
    delta = modified_service_order(old, done, changed(Action.MODIFY, 1000))
    access = delta.item("access")
    assert (access.action, access.service_id) == ("modify", "a")
    assert (access.previous, access.characteristics) == ({"speed": 500}, {"speed": 1000})
    back = modified_service_order(old, done, changed(Action.NO_CHANGE, 100)).item("access")
    assert (back.action, back.characteristics) == ("modify", {"speed": 100})


def test_what_was_deleted_already_is_not_deleted_again() -> None:
    gone = service("tv", Action.DELETE, service_id="t")
    whole = service(CUSTOMER_FACING, Action.MODIFY, service_id="c", characteristics={"x": 1})
    old = service_order([gone, whole], Action.MODIFY)
    stock = Stock()
    stock.services = {"t": {"state": "active"}, "c": {"state": "active"}}
    done = stock.run(old)
    new = service_order([gone, whole.model_copy(update={"characteristics": {"x": 2}})], Action.MODIFY)
    assert moves(modified_service_order(old, done, new)) == {"service": "modify"}


def test_what_cannot_be_changed_in_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="service order 1:internet cannot be changed in place"):
        redone(internet().model_copy(update={"customer_id": "customer-2"}))


def test_what_was_set_up_at_one_place_goes_to_another_and_gets_what_is_bound_to_that() -> None:
    delta = redone(at("HAM-1", with_resource(0, demand=Demand(place="HAM-1", criteria={"type": "gpon"}))))
    assert moves(delta) == {
        "access": "modify",
        "access/port": "add",
        "access/vlan": "modify",
        "access/port~replaced": "delete",
        "routing": "modify",
        "service": "modify",
    }
    access = delta.item("access")
    assert (access.service_id, access.previous_place, access.place) == ("service-a", "BER-1", "HAM-1")
    assert access.record["place"] == [{"id": "BER-1", "role": "installation"}]
    back = undo_service_order(delta, internet_done()).item("access")
    assert (back.previous_place, back.place) == ("HAM-1", "BER-1")


def test_people_do_their_part_once_more_at_another_place() -> None:
    visit = ManualWork(instructions="Connect it", undo="Fetch it back")
    delta = redone(at("HAM-1", with_item(manual=visit)), with_item(manual=visit))
    assert delta.item("access").manual == ManualWork(instructions="Connect it", undo="Connect it")


def test_what_gets_a_new_service_at_another_place_is_not_changed_in_place() -> None:
    renewed = with_item(move=Move.OVERLAP)
    assert can_be_changed(renewed, with_item(move=Move.OVERLAP, characteristics={}))
    assert not can_be_changed(renewed, at("HAM-1", renewed))


def test_what_was_moved_before_an_amendment_is_where_it_was_moved_to() -> None:
    def line(place: str, speed: int) -> ServiceOrderPlan:
        whole = service(CUSTOMER_FACING, Action.MODIFY, service_id="c", previous_place="BER-1", place=place)
        record = {"state": "active", "place": [{"id": "BER-1", "role": "site"}, {"id": "A-7", "role": "billing"}]}
        return service_order(
            [whole.model_copy(update={"characteristics": {"speed": speed}, "record": record})], Action.MODIFY
        )

    done = ServiceOrderOutcome(services={CUSTOMER_FACING: RealisedService(id="c", characteristics={"speed": 1})})
    stays = modified_service_order(line("HAM-1", 1), done, line("HAM-1", 2)).item(CUSTOMER_FACING)
    assert (stays.action, stays.moves, stays.place) == ("modify", False, "HAM-1")
    goes_back = modified_service_order(line("HAM-1", 1), done, line("BER-1", 1)).item(CUSTOMER_FACING)
    assert (goes_back.moves, goes_back.previous_place, goes_back.place) == (True, "HAM-1", "BER-1")
    assert goes_back.record["place"] == [{"id": "HAM-1", "role": "installation"}, {"id": "A-7", "role": "billing"}]


def test_what_a_change_came_to_is_part_of_the_whole_and_what_it_deleted_is_not() -> None:
    shorter = with_resource(0, demand=Demand(criteria={"type": "xgs"}))
    shorter.items = [shorter.items[0], shorter.items[2].model_copy(update={"relies_on": ["access"]})]
    delta = redone(shorter)
    stock = Stock()
    stock.services = {each.id: {"state": "active"} for each in internet_done().services.values()}
    assert delta.item("routing").action == "delete"
    came_to = ServiceOrderOutcome(
        services={
            item.key: internet_done()
            .services[item.key]
            .model_copy(
                update={
                    "resources": {
                        each.key: internet_done().services["access"].resources["port"] for each in item.resources
                    }
                }
            )
            for item in delta.items
        }
    )
    whole = merged_outcome(internet_done(), delta, came_to)
    assert set(whole.services) == {"access", "service"}
    assert set(whole.services["access"].resources) == {"port", "vlan"}


# What always holds, played through in a stock
