"""Posted service orders: what breaks a rule, and the plans that the others come down to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from catalogs.checks.service_orders import check_service_order
from catalogs.decomposition.service_orders import decompose_service_order
from catalogs.model.catalog_set import CatalogSet
from orders.model.installed import InstalledBase, InstalledResource, InstalledService
from orders.model.product_orders import Action
from orders.model.service_orders import ServiceOrder
from orders.model.violation import Violation
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import ServiceOrderPlan
from orders.plan.plan_graph import NodeKind

ON = datetime(2026, 11, 23, tzinfo=UTC)
MOBILE = {"simType": "esim", "dataVolumeGb": 20, "roaming": "eu"}


@pytest.fixture
def catalogs(shipped: CatalogSet) -> CatalogSet:
    return shipped


def order(*items: dict[str, Any], **more: Any) -> ServiceOrder:
    return ServiceOrder.model_validate({"id": "s-1", "serviceOrderItem": list(items), **more})


def item(item_id: str, action: str = "add", /, *after: str, nested: list[Any] | None = None, **service: Any) -> Any:
    """Return an item about a service; `spec` is its specification, `place` and `characteristics` are those it has."""
    written: dict[str, Any] = {"id": service["id"]} if "id" in service else {}
    if "spec" in service:
        written["serviceSpecification"] = {"id": service["spec"]}
    if "place" in service:
        written["place"] = [{"id": service["place"]}]
    given = service.get("characteristics", {})
    written["serviceCharacteristic"] = [{"name": name, "value": value} for name, value in given.items()]
    relations = [{"relationshipType": "dependency", "orderItem": {"itemId": each}} for each in after]
    made = {"id": item_id, "action": action, "service": written, "serviceOrderItemRelationship": relations}
    return {**made, "serviceOrderItem": nested} if nested else made


def mobile(item_id: str, *after: str, **changes: Any) -> Any:
    return item(item_id, "add", *after, spec="cfs-mobile", characteristics={**MOBILE, **changes})


def core(item_id: str, *after: str) -> Any:
    return item(item_id, "add", *after, spec="cfs-vpn-core", characteristics={"topology": "mesh"})


def number(**more: Any) -> InstalledService:
    """Return a mobile subscription with a number, as inventory has it."""
    msisdn = InstalledResource(id="r-1", key="msisdn", specification_id="msisdn", value="+4915020100000")
    part = InstalledService(
        id="svc-2",
        key="number",
        specification_id="rfs-mobile-number",
        state="active",
        characteristics={"msisdn": "+4915020100000"},
        resources=[msisdn],
    )
    known = {**MOBILE, "msisdn": "+4915020100000"}
    values: dict[str, Any] = {
        "id": "svc-1",
        "key": "svc-1",
        "specification_id": "cfs-mobile",
        "state": "active",
        "customer_id": "C-1",
        "characteristics": known,
        "services": [part],
    }
    return InstalledService(**{**values, **more})


def base(service: InstalledService | None = None, *owners: str) -> InstalledBase:
    there = service or number()
    return InstalledBase(single_services={there.id: there}, owners={there.id: list(owners)})


def check(catalogs: CatalogSet, ordered: ServiceOrder, installed: InstalledBase | None = None) -> list[Violation]:
    return check_service_order(ordered, catalogs, installed or InstalledBase(), ON)


def plan(catalogs: CatalogSet, ordered: ServiceOrder, installed: InstalledBase | None = None) -> OrchestrationPlan:
    assert check(catalogs, ordered, installed) == []
    return decompose_service_order(ordered, catalogs, installed or InstalledBase(), on=ON)


def by_key(made: OrchestrationPlan) -> dict[str, ServiceOrderPlan]:
    return {each.key: each for each in made.service_orders}


def test_a_service_comes_down_to_the_services_and_resources_that_a_product_would_have_it_from(
    catalogs: CatalogSet,
) -> None:
    made = plan(catalogs, order(mobile("1")))
    (service_order,) = made.service_orders
    assert service_order.key == "1:service"
    assert [each.key for each in service_order.items] == ["subscriber", "number", "profile", "service"]
    assert [each.key for each in service_order.item("subscriber").resources] == ["imsi", "esim"]
    assert service_order.item("service").late.keys() == {"msisdn", "imsi", "iccid"}
    assert [each.category for each in service_order.items] == ["RFS", "RFS", "RFS", "CFS"]
    assert [node.kind for node in made.graph().nodes] == [NodeKind.SERVICE_ORDER]


def test_a_resource_facing_service_is_the_service_of_its_order(catalogs: CatalogSet) -> None:
    made = plan(catalogs, order(item("1", spec="rfs-mobile-number", characteristics={"wantedNumber": "+49151"})))
    (only,) = made.service_orders[0].items
    assert (only.key, only.category, only.customer_facing) == ("service", "RFS", True)
    assert only.resources[0].demand.value == "+49151"


def test_the_place_of_an_item_reaches_the_resources_below_it(catalogs: CatalogSet) -> None:
    speeds = {"downloadSpeed": 250, "uploadSpeed": 50}
    made = plan(catalogs, order(item("1", spec="cfs-internet", place="BER-1", characteristics=speeds)))
    (service_order,) = made.service_orders
    assert service_order.place == "BER-1"
    assert service_order.item("access").resources[0].demand.place == "BER-1"


def test_items_start_after_those_that_they_depend_on(catalogs: CatalogSet) -> None:
    made = plan(catalogs, order(mobile("1", "2"), core("2")))
    assert by_key(made)["1:service"].depends_on == ["2:service"]


def test_what_is_new_of_a_service_is_whose_that_is(catalogs: CatalogSet) -> None:
    changed = order(item("1", "modify", id="svc-1", characteristics={"simType": "sim"}), relatedParty=[{"id": "C-1"}])
    for customer in ("C-1", None):
        (made,) = plan(catalogs, changed, base(number(customer_id=customer))).service_orders
        assert Action.ADD in {each.action for each in made.items}
        assert made.customer_id == customer


def test_deleting_goes_the_other_way(catalogs: CatalogSet) -> None:
    one, other = number(id="svc-1"), number(id="svc-9", services=[])
    installed = InstalledBase(single_services={"svc-1": one, "svc-9": other}, owners={"svc-1": [], "svc-9": []})
    made = plan(catalogs, order(item("1", "delete", "2", id="svc-1"), item("2", "delete", id="svc-9")), installed)
    assert by_key(made)["1:service"].depends_on == []
    assert by_key(made)["2:service"].depends_on == ["1:service"]


def test_relations_of_unknown_types_are_kept_and_order_nothing(catalogs: CatalogSet) -> None:
    first = mobile("1", "2")
    first["serviceOrderItemRelationship"][0]["relationshipType"] = "sameAs"
    assert by_key(plan(catalogs, order(first, core("2"))))["1:service"].depends_on == []


def test_a_relation_to_an_item_of_another_order_orders_nothing(catalogs: CatalogSet) -> None:
    first = mobile("1", "2")
    first["serviceOrderItemRelationship"][0]["orderItem"]["serviceOrderId"] = "s-other"
    assert by_key(plan(catalogs, order(first, core("2"))))["1:service"].depends_on == []


def test_nested_items_come_first_and_are_one_unit_with_the_item_around_them(catalogs: CatalogSet) -> None:
    outer = {**core("1"), "serviceOrderItem": [mobile("1.1")]}
    made = plan(catalogs, order(outer, mobile("2")))
    assert by_key(made)["1:service"].depends_on == ["1.1:service"]
    assert {key: each.unit for key, each in by_key(made).items()} == {
        "1:service": "1",
        "1.1:service": "1",
        "2:service": "2",
    }


def test_an_item_that_changes_nothing_only_groups_those_nested_in_it(catalogs: CatalogSet) -> None:
    group = item("1", "noChange", nested=[mobile("a"), core("b")])
    made = plan(catalogs, order(group, core("2", "1")))
    assert {key: each.unit for key, each in by_key(made).items()} == {
        "a:service": "a",
        "b:service": "b",
        "2:service": "2",
    }
    assert by_key(made)["2:service"].depends_on == ["a:service", "b:service"]


def test_an_order_may_be_all_or_nothing(catalogs: CatalogSet) -> None:
    made = plan(catalogs, order(mobile("1"), core("2"), allOrNothing=True))
    assert {each.unit for each in made.service_orders} == {"order"}


def test_modifying_touches_what_differs_and_leaves_the_rest_alone(catalogs: CatalogSet) -> None:
    change = item("1", "modify", id="svc-1", characteristics={"dataVolumeGb": 50})
    (service_order,) = plan(catalogs, order(change), base(None, "product:P-1")).service_orders
    actions = {each.key: each.action for each in service_order.items}
    assert actions["number"] is Action.NO_CHANGE
    assert actions["service"] is Action.MODIFY
    assert service_order.item("service").characteristics["dataVolumeGb"] == 50
    assert "msisdn" not in service_order.item("service").late


def test_what_a_changed_service_belongs_to_is_part_of_the_plan(catalogs: CatalogSet) -> None:
    change = item("1", "modify", id="svc-1", characteristics={"dataVolumeGb": 50})
    assert plan(catalogs, order(change), base(None, "product:P-1")).belongs_to == ["product:P-1"]


def test_modifying_to_what_is_there_already_comes_down_to_nothing(catalogs: CatalogSet) -> None:
    there = InstalledService(
        id="rfs",
        key="rfs",
        specification_id="rfs-mobile-number",
        state="active",
        characteristics={"wantedNumber": "+49151", "msisdn": "+49151"},
        resources=[InstalledResource(id="r", key="msisdn", specification_id="msisdn", value="+49151")],
    )
    change = item("1", "modify", id="rfs", characteristics={"wantedNumber": "+49151"})
    assert plan(catalogs, order(change), base(there)).service_orders == []


def test_deleting_takes_down_what_inventory_says_is_there(catalogs: CatalogSet) -> None:
    (service_order,) = plan(catalogs, order(item("1", "delete", id="svc-1")), base()).service_orders
    assert service_order.action is Action.DELETE
    assert [each.service_id for each in service_order.items] == ["svc-2", "svc-1"]
    assert service_order.item("number").resources[0].resource_id == "r-1"


def codes(violations: list[Violation]) -> set[str]:
    return {each.code for each in violations}


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        (item("1"), "specificationMissing", "service.serviceSpecification"),
        (item("1", spec="cfs-mobil"), "unknownSpecification", "service.serviceSpecification.id"),
        (mobile("1", simType=5), "characteristicType", "service.serviceCharacteristic[0].value"),
        (mobile("1", colour="red"), "unknownCharacteristic", "service.serviceCharacteristic[3].name"),
        (mobile("1", msisdn="+49"), "characteristicNotConfigurable", "service.serviceCharacteristic[3].value"),
        (mobile("1", roaming=None), "characteristicMissing", "service.serviceCharacteristic"),
        ({**mobile("1"), "quantity": 2}, "quantityNotAllowed", "quantity"),
        (
            item("1", spec="cfs-home-network", characteristics={"wifiName": "😀" * 9}),
            "characteristicTooLong",
            "service.serviceCharacteristic[0].value",
        ),
        (item("1", "delete"), "serviceMissing", "service.id"),
        (item("1", "modify", id="nobody"), "serviceNotFound", "service.id"),
    ],
)
def test_each_rule_that_an_item_breaks_is_named_by_its_path(
    catalogs: CatalogSet, wrong: dict[str, Any], code: str, path: str
) -> None:
    assert (code, f"serviceOrderItem[0].{path}") in {(each.code, each.path) for each in check(catalogs, order(wrong))}


def test_all_that_is_wrong_is_said_at_once(catalogs: CatalogSet) -> None:
    nested = {**core("2"), "serviceOrderItem": [item("2.1", spec="nothing")]}
    violations = check(catalogs, order(item("1"), nested, item("3", "delete", id="nobody")))
    assert {(each.item_id, each.path) for each in violations} == {
        ("1", "serviceOrderItem[0].service.serviceSpecification"),
        ("2.1", "serviceOrderItem[1].serviceOrderItem[0].service.serviceSpecification.id"),
        ("3", "serviceOrderItem[2].service.id"),
    }


def test_a_service_that_is_realised_at_a_place_needs_one(catalogs: CatalogSet) -> None:
    speeds = {"downloadSpeed": 250, "uploadSpeed": 50}
    violations = check(catalogs, order(item("1", spec="cfs-internet", characteristics=speeds)))
    assert codes(violations) == {"placeMissing"}


def test_a_circle_of_items_is_named(catalogs: CatalogSet) -> None:
    (violation,) = check(catalogs, order(mobile("1", "2"), core("2", "1")))
    assert violation.code == "circularReliance"
    assert " → " in violation.message


@pytest.mark.parametrize(
    ("there", "wrong", "code"),
    [
        (number(state="terminated"), item("1", "modify", id="svc-1"), "serviceNotActive"),
        (number(customer_id="C-2"), item("1", "modify", id="svc-1"), "serviceNotOfCustomer"),
        (number(), item("1", "modify", id="svc-1", spec="cfs-iptv"), "specificationDiffers"),
        (number(specification_id="gone"), item("1", "modify", id="svc-1"), "unknownSpecification"),
        (number(), item("1", "add", id="svc-1", spec="cfs-mobile", characteristics=MOBILE), "serviceExists"),
    ],
)
def test_what_is_installed_must_be_what_the_item_says(
    catalogs: CatalogSet, there: InstalledService, wrong: dict[str, Any], code: str
) -> None:
    party = [{"id": "C-1", "role": "customer"}]
    assert code in codes(check(catalogs, order(wrong, relatedParty=party), base(there)))


def test_a_network_team_names_no_customer(catalogs: CatalogSet) -> None:
    change = item("1", "modify", id="svc-1", characteristics={"dataVolumeGb": 50})
    (service_order,) = plan(catalogs, order(change), base()).service_orders
    assert service_order.customer_id == "C-1"


def test_one_service_is_one_item_s_only(catalogs: CatalogSet) -> None:
    violations = check(catalogs, order(item("1", "delete", id="svc-1"), item("2", "modify", id="svc-1")), base())
    assert "serviceNamedTwice" in codes(violations)


def test_what_is_needed_by_something_that_stays_is_not_deleted(catalogs: CatalogSet) -> None:
    deletion = item("1", "delete", id="svc-1")
    assert codes(check(catalogs, order(deletion), base(None, "product:P-1"))) == {"serviceInUse"}
    assert check(catalogs, order(deletion), base()) == []


def test_what_is_deleted_with_all_that_needs_it_can_go(catalogs: CatalogSet) -> None:
    part, whole = number(id="svc-2", services=[]), number()
    installed = InstalledBase(
        single_services={"svc-1": whole, "svc-2": part}, owners={"svc-1": [], "svc-2": ["service:svc-1"]}
    )
    both = order(item("1", "delete", id="svc-1"), item("2", "delete", id="svc-2"))
    assert check(catalogs, both, installed) == []


def test_values_that_were_worked_out_may_be_sent_back_as_they_are(catalogs: CatalogSet) -> None:
    back = item("1", "modify", id="svc-1", characteristics={"msisdn": "+4915020100000", "dataVolumeGb": 50})
    assert check(catalogs, order(back), base()) == []
