"""How two plans of an order differ, node by node."""

from __future__ import annotations

from typing import Any

import pytest

from orders.change.comparison import Comparison, Read, compare, reads
from orders.model.product_orders import Action, OrderPrice, Reference
from orders.plan.keys import CUSTOMER_FACING, REPLACED
from orders.plan.orchestration_plan import CatalogVersion, OrchestrationPlan
from orders.plan.parts import (
    Activation,
    Delivery,
    Demand,
    ManualWork,
    Milestone,
    ProductPlan,
    ResourceItem,
    ServiceItem,
    ServiceOrderPlan,
    Step,
)
from orders.plan.policy import Policy
from tests.orders.samples import internet, resource, service, service_order, specification

Node = ServiceOrderPlan | ProductPlan | Delivery


def plan(*nodes: Node, revision: int = 1) -> OrchestrationPlan:
    return OrchestrationPlan(
        order_id="abc",
        revision=revision,
        catalog=CatalogVersion(digest="d", label="l"),
        service_orders=[each for each in nodes if isinstance(each, ServiceOrderPlan)],
        products=[each for each in nodes if isinstance(each, ProductPlan)],
        deliveries=[each for each in nodes if isinstance(each, Delivery)],
    )


def product(key: str = "1", action: Action = Action.ADD, **fields: Any) -> ProductPlan:
    return ProductPlan(key=key, item_id=key, unit=key, action=action, name="Fibre").model_copy(update=fields)


def with_item(**fields: Any) -> ServiceOrderPlan:
    """The internet access, its item `access` with these fields."""
    order = internet()
    order.items[0] = order.items[0].model_copy(update=fields)
    return order


def with_port(**fields: Any) -> ServiceOrderPlan:
    """The internet access, the port of its item `access` with these fields."""
    port, vlan = internet().items[0].resources
    return with_item(resources=[port.model_copy(update=fields), vlan])


def difference(old: Node, new: Node) -> Comparison:
    return compare(plan(old), plan(new, revision=2))[new.key]


def modifying(*items: ServiceItem, action: Action = Action.MODIFY) -> ServiceOrderPlan:
    whole = service(CUSTOMER_FACING, Action.MODIFY, service_id="service-c")
    return service_order([*items, whole], action)


def kept(key: str, action: Action = Action.NO_CHANGE, **fields: Any) -> ServiceItem:
    return service(key, action, service_id=f"id-{key}", **fields)


def test_the_same_plan_is_the_same() -> None:
    one, other = plan(internet(), product()), plan(internet(), product(), revision=2)
    assert compare(one, other) == {"1:internet": "same", "1": "same"}


def test_what_only_one_plan_has_is_added_or_removed() -> None:
    tv = service_order([service(CUSTOMER_FACING)], key="2:tv", item_id="2")
    assert compare(plan(internet()), plan(tv)) == {"2:tv": "added", "1:internet": "removed"}


@pytest.mark.parametrize(
    "how",
    [
        {"depends_on": ["2:hub"]},
        {"policy": Policy(attempts=2)},
        {"unit": "order"},
        {"specification": specification("cfs-internet").model_copy(update={"name": "Fast", "version": "3.0"})},
        {"given": {"nobody-reads-it": {"x": 1}}},
        {"inputs": {"nobody-reads-it": "2:hub"}},
    ],
)
def test_how_a_service_order_comes_about_is_no_difference(how: dict[str, Any]) -> None:
    assert difference(internet(), internet().model_copy(update=how)) == "same"


@pytest.mark.parametrize(
    "how",
    [
        {"depends_on": ["routing"]},
        {"policy": Policy(attempts=2)},
        {"activation": Activation(completion="callback")},
        {"test": "test-thorough"},
        {"manual": ManualWork(instructions="visit")},
        {"point_of_no_return": Step.ACTIVATE},
        {"milestones": [Milestone(name="connected", after=Step.ACTIVATE)]},
    ],
)
def test_how_an_item_comes_about_is_no_difference(how: dict[str, Any]) -> None:
    assert difference(internet(), with_item(**how)) == "same"


def test_items_in_another_sequence_are_no_difference() -> None:
    turned = internet().model_copy(update={"items": internet().items[::-1]})
    assert difference(internet(), turned) == "same"


@pytest.mark.parametrize(
    "fields",
    [
        {"characteristics": {"downloadSpeed": 1000}},
        {"late": {"node": "assigned.port.value"}},
        {"relies_on": ["routing"]},
        {"resources": []},
        {"resources": [*internet().items[0].resources, resource("ont")]},
    ],
)
def test_other_values_and_parts_are_changed_in_place(fields: dict[str, Any]) -> None:
    assert difference(internet(), with_item(**fields)) == "changed"


@pytest.mark.parametrize(
    "fields",
    [
        {"demand": Demand(place="BER-1", criteria={"type": "xgs"})},
        {"characteristics": {"priority": 1}},
        {"late": {"node": "services.access.node"}},
        {"specification": specification("res-other")},
    ],
)
def test_other_resources_are_changed_in_place(fields: dict[str, Any]) -> None:
    assert difference(internet(), with_port(**fields)) == "changed"


def test_items_may_come_and_go_in_place() -> None:
    shorter = internet().model_copy(update={"items": [internet().items[0], internet().items[2]]})
    assert difference(internet(), shorter) == "changed"
    assert difference(shorter, internet()) == "changed"


@pytest.mark.parametrize(
    "fields",
    [
        {"customer_id": "customer-2"},
        {"specification": specification("cfs-other")},
        {"action": Action.MODIFY},
    ],
)
def test_another_customer_kind_or_action_is_done_anew(fields: dict[str, Any]) -> None:
    assert difference(internet(), internet().model_copy(update=fields)) == "moved"


def test_an_item_of_another_kind_is_done_anew() -> None:
    assert difference(internet(), with_item(specification=specification("rfs-other"))) == "moved"


def test_deleting_otherwise_and_leaving_alone_otherwise_are_done_anew() -> None:
    for action in (Action.DELETE, Action.NO_CHANGE):
        one = modifying(kept("access"), action=action)
        other = modifying(kept("access", characteristics={"x": 1}), action=action)
        assert difference(one, other) == "moved"


def test_what_is_installed_may_change_or_be_left_alone_in_either_version() -> None:
    left, changed = modifying(kept("access")), modifying(kept("access", Action.MODIFY, characteristics={"x": 1}))
    assert difference(left, changed) == "changed"
    assert difference(changed, left) == "changed"


def test_what_was_deleted_cannot_come_back_in_place() -> None:
    gone, stays = modifying(kept("access", Action.DELETE)), modifying(kept("access"))
    assert difference(gone, stays) == "moved"
    assert difference(gone, modifying()) == "moved"


def test_what_was_installed_and_is_kept_cannot_be_left_out_or_replaced_in_place() -> None:
    stays = modifying(kept("access", Action.MODIFY))
    replaced = modifying(service("access"), kept(f"access{REPLACED}", Action.DELETE))
    assert difference(stays, modifying()) == "moved"
    assert difference(stays, replaced) == "moved"
    assert difference(stays, modifying(kept("access", Action.DELETE))) == "moved"


def test_a_resource_that_was_installed_and_is_kept_cannot_be_replaced_in_place() -> None:
    def vlan(*resources: ResourceItem) -> ServiceOrderPlan:
        return modifying(kept("access", Action.MODIFY, resources=list(resources)))

    stays = resource("vlan", Action.NO_CHANGE, resource_id="vlan-1")
    new = [resource("vlan"), resource(f"vlan{REPLACED}", Action.DELETE, resource_id="vlan-1")]
    assert difference(vlan(stays), vlan(*new)) == "moved"
    assert difference(vlan(*new), vlan(stays)) == "moved"
    assert difference(vlan(*new), vlan(new[0].model_copy(update={"characteristics": {"x": 1}}), new[1])) == "changed"


def test_values_of_other_services_count_where_they_are_read() -> None:
    reader = with_item(late={"port": "services.line.port"})
    for fields in ({"inputs": {"line": "2:line"}}, {"given": {"line": {"port": 7}}}):
        assert difference(reader, reader.model_copy(update=fields)) == "changed"


@pytest.mark.parametrize(
    "fields",
    [
        {"characteristics": {"downloadSpeed": 1000}},
        {"place": "HAM-1"},
        {"prices": [OrderPrice(name="monthly")]},
        {"components": ["1.2"]},
        {"services": ["1:internet"]},
        {"billing_account": "acct-2"},
        {"offering": Reference(id="fibre-1000")},
    ],
)
def test_a_product_that_differs_is_recorded_and_billed_anew(fields: dict[str, Any]) -> None:
    assert difference(product(), product(**fields)) == "moved"


def test_the_sequence_of_prices_and_what_inventory_recorded_are_no_difference() -> None:
    prices = [OrderPrice(name="monthly"), OrderPrice(name="once")]
    one = product(prices=prices, record={"status": "active"}, depends_on=["1:internet"])
    other = product(prices=prices[::-1], record={}, depends_on=[], policy=Policy(attempts=2))
    assert difference(one, other) == "same"


def test_a_delivery_is_the_same_whatever_it_waits_for() -> None:
    one = Delivery(key="1:!delivered", unit="1", depends_on=["1:internet"])
    other = Delivery(key="1:!delivered", unit="1", depends_on=["1:internet", "1:tv"])
    assert difference(one, other) == "same"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("assigned.port.value", {("assigned", "port", "value")}),
        ('services["vpn-hub-site/overlay"].tunnel', {("services", "vpn-hub-site/overlay", "tunnel")}),
        ("services['line*2']", {("services", "line*2", None)}),
        ("services.line.port.startsWith('x')", {("services", "line", "port")}),
        ("services.line.exists(x, x == 1)", {("services", "line", None)}),
        ("size(services)", {("services", None, None)}),
        ("services[name].port", {("services", None, None)}),
        (
            "'sim' in assigned ? assigned.sim.value : assigned.esim.value",
            {("assigned", "sim", None), ("assigned", "sim", "value"), ("assigned", "esim", "value")},
        ),
        ("1 + 2", set()),
    ],
)
def test_what_an_expression_reads_is_found_in_its_text(text: str, expected: set[tuple[str, str, str]]) -> None:
    assert {*reads(text)} == {Read(*each) for each in expected}
