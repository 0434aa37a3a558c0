"""Posted resource orders: what breaks a rule, and the plans that the others come down to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from catalogs.checks.resource_orders import check_resource_order
from catalogs.decomposition.resource_orders import decompose_resource_order
from catalogs.model.catalog_set import CatalogSet
from orders.model.installed import InstalledBase, InstalledResource
from orders.model.product_orders import Action
from orders.model.resource_orders import ResourceOrder
from orders.model.violation import Violation
from orders.plan.orchestration_plan import OrchestrationPlan
from orders.plan.parts import Demand
from orders.plan.plan_graph import NodeKind

ON = datetime(2026, 11, 23, tzinfo=UTC)
ROUTER = InstalledResource(
    id="r-1",
    key="r-1",
    specification_id="vpn-cpe",
    value="SN-1",
    pool="vpn-cpe",
    reserved_by="ro:r-1:ro:1/1/reserve/add/1",
    characteristics={"siteName": "Berlin", "colour": "grey"},
)


@pytest.fixture
def catalogs(shipped: CatalogSet) -> CatalogSet:
    return shipped


def order(*items: dict[str, Any], **more: Any) -> ResourceOrder:
    return ResourceOrder.model_validate({"id": "r-x", "orderItem": list(items), **more})


def item(item_id: str, action: str = "add", /, *after: str, **resource: Any) -> dict[str, Any]:
    """Return an item about a resource; `spec` is its specification, `characteristics` are those that it gives."""
    given = resource.pop("characteristics", {})
    if spec := resource.pop("spec", None):
        resource["resourceSpecification"] = {"id": spec}
    resource["resourceCharacteristic"] = [{"name": name, "value": value} for name, value in given.items()]
    relations = [{"relationshipType": "dependency", "orderItem": {"itemId": each}} for each in after]
    return {"id": item_id, "action": action, "resource": resource, "orderItemRelationship": relations}


def base(*owners: str, **more: Any) -> InstalledBase:
    there = ROUTER.model_copy(update=more)
    return InstalledBase(single_resources={"r-1": there}, owners={"r-1": list(owners)})


def check(catalogs: CatalogSet, ordered: ResourceOrder, installed: InstalledBase | None = None) -> list[Violation]:
    return check_resource_order(ordered, catalogs, installed or InstalledBase(), ON)


def plan(catalogs: CatalogSet, ordered: ResourceOrder, installed: InstalledBase | None = None) -> OrchestrationPlan:
    assert check(catalogs, ordered, installed) == []
    return decompose_resource_order(ordered, catalogs, installed or InstalledBase(), on=ON)


def test_an_item_asks_the_pool_for_what_it_says(catalogs: CatalogSet) -> None:
    wanted = item("1", spec="msisdn", category="numbers", place={"id": "BER-1"}, characteristics={"category": "gold"})
    made = plan(catalogs, order(wanted))
    (single,) = made.resource_orders
    assert single.resource.demand == Demand(pool="numbers", place="BER-1", criteria={"category": "gold"})
    assert single.resource.characteristics == {}
    assert [(node.key, node.kind) for node in made.graph().nodes] == [("1", NodeKind.RESOURCE_ORDER)]


@pytest.mark.parametrize("attribute", ["value", "name"])
def test_a_member_can_be_chosen_by_value_or_name(catalogs: CatalogSet, attribute: str) -> None:
    (single,) = plan(catalogs, order(item("1", spec="msisdn", **{attribute: "+49151"}))).resource_orders
    assert single.resource.demand.value == "+49151"


def test_places_may_come_as_a_list(catalogs: CatalogSet) -> None:
    (single,) = plan(catalogs, order(item("1", spec="access-port", place=[{"id": "BER-1"}]))).resource_orders
    assert single.resource.demand.place == "BER-1"


def test_what_the_specification_has_is_what_the_resource_is_set_up_with(catalogs: CatalogSet) -> None:
    (single,) = plan(catalogs, order(item("1", spec="vpn-cpe", characteristics={"siteName": "B"}))).resource_orders
    assert single.resource.characteristics == {"siteName": "B"}
    assert single.resource.demand.criteria == {}
    assert single.resource.configuration is not None


def test_the_specification_may_be_named_at_the_item(catalogs: CatalogSet) -> None:
    wanted = {"id": "1", "action": "add", "resource": {}, "resourceSpecification": {"id": "msisdn"}}
    assert plan(catalogs, order(wanted)).resource_orders[0].resource.specification.id == "msisdn"


def test_items_start_after_those_that_they_depend_on(catalogs: CatalogSet) -> None:
    made = plan(catalogs, order(item("1", "add", "2", spec="vpn-cpe"), item("2", spec="access-port")))
    assert {each.key: each.depends_on for each in made.resource_orders} == {"1": ["2"], "2": []}
    assert {each.unit for each in made.resource_orders} == {"1", "2"}


def test_an_order_may_be_all_or_nothing(catalogs: CatalogSet) -> None:
    ordered = order(item("1", spec="vpn-cpe"), item("2", spec="access-port"), allOrNothing=True)
    assert {each.unit for each in plan(catalogs, ordered).resource_orders} == {"order"}


def test_modifying_keeps_the_member_and_what_it_does_not_name(catalogs: CatalogSet) -> None:
    change = item("1", "modify", id="r-1", characteristics={"siteName": "Potsdam"})
    made = plan(catalogs, order(change), base("service:svc-1", "product:P-1"))
    (single,) = made.resource_orders
    assert single.action is Action.MODIFY
    assert single.resource.resource_id == "r-1"
    assert single.resource.demand.value == "SN-1"
    assert single.resource.characteristics == {"siteName": "Potsdam", "colour": "grey"}
    assert single.resource.previous == {"siteName": "Berlin", "colour": "grey"}
    assert made.belongs_to == ["service:svc-1", "product:P-1"]


def test_modifying_to_what_is_there_already_comes_down_to_nothing(catalogs: CatalogSet) -> None:
    same = item("1", "modify", id="r-1", characteristics={"siteName": "Berlin", "colour": "grey"})
    assert plan(catalogs, order(same), base()).resource_orders == []
    assert plan(catalogs, order(item("1", "noChange", id="r-1")), base()).resource_orders == []


def test_deleting_gives_back_the_very_member(catalogs: CatalogSet) -> None:
    (single,) = plan(catalogs, order(item("1", "delete", id="r-1")), base()).resource_orders
    assert single.action is Action.DELETE
    assert (single.key, single.resource.resource_id, single.resource.demand.value) == ("1", "r-1", "SN-1")


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        (item("1"), "specificationMissing", "resource.resourceSpecification"),
        (item("1", spec="msisdm"), "unknownSpecification", "resource.resourceSpecification.id"),
        (
            item("1", spec="vpn-cpe", characteristics={"siteName": 5}),
            "characteristicType",
            "resource.resourceCharacteristic[0].value",
        ),
        (
            item("1", spec="cpe-router", characteristics={"wifiName": "😀" * 9}),
            "characteristicTooLong",
            "resource.resourceCharacteristic[0].value",
        ),
        ({**item("1", spec="msisdn"), "quantity": 3}, "quantityNotAllowed", "quantity"),
        (item("1", "add", id="r-1", spec="vpn-cpe"), "resourceExists", "resource.id"),
        (item("1", "delete"), "resourceMissing", "resource.id"),
        (item("1", "delete", id="nobody"), "resourceNotFound", "resource.id"),
        (
            item("1", "modify", id="r-1", characteristics={"nothing": 1}),
            "unknownCharacteristic",
            "resource.resourceCharacteristic[0].name",
        ),
        (item("1", "modify", id="r-1", spec="msisdn"), "specificationDiffers", "resource.resourceSpecification.id"),
        (item("1", "modify", id="r-1", value="SN-2"), "resourceDiffers", "resource.value"),
        (item("1", "modify", id="r-1", category="edge"), "resourceDiffers", "resource.category"),
        (item("1", "delete", id="r-1", value="SN-2"), "resourceDiffers", "resource.value"),
    ],
)
def test_each_rule_that_an_item_breaks_is_named_by_its_path(
    catalogs: CatalogSet, wrong: dict[str, Any], code: str, path: str
) -> None:
    violations = check(catalogs, order(wrong), base())
    assert (code, f"orderItem[0].{path}") in {(each.code, each.path) for each in violations}


def test_an_item_may_say_which_member_it_changes_and_no_other(catalogs: CatalogSet) -> None:
    assert check(catalogs, order(item("1", "modify", id="r-1", value="SN-1", category="vpn-cpe")), base()) == []
    (violation,) = check(catalogs, order(item("1", "modify", id="r-1", value="SN-2")), base())
    assert violation.message == (
        'resource r-1 has the value "SN-1", not "SN-2"; leave it out, or delete this and add another'
    )
    (violation,) = check(catalogs, order(item("1", "modify", id="r-1", category="edge")), base(pool=None))
    assert violation.message.startswith('resource r-1 has no category in inventory, not "edge"')


def test_what_is_not_in_use_cannot_be_changed(catalogs: CatalogSet) -> None:
    (violation,) = check(catalogs, order(item("1", "delete", id="r-1")), base(in_use=False))
    assert violation.code == "resourceNotActive"


def test_what_a_service_needs_can_be_modified_but_not_deleted(catalogs: CatalogSet) -> None:
    owned = base("service:svc-1")
    (violation,) = check(catalogs, order(item("1", "delete", id="r-1")), owned)
    assert violation.code == "resourceInUse"
    assert "service svc-1" in violation.message
    assert check(catalogs, order(item("1", "modify", id="r-1", characteristics={"siteName": "P"})), owned) == []


def test_one_resource_is_one_item_s_only(catalogs: CatalogSet) -> None:
    violations = check(catalogs, order(item("1", "delete", id="r-1"), item("2", "modify", id="r-1")), base())
    assert [each.code for each in violations] == ["resourceNamedTwice"]


def test_a_circle_of_items_is_named(catalogs: CatalogSet) -> None:
    (violation,) = check(catalogs, order(item("1", "add", "2", spec="imsi"), item("2", "add", "1", spec="imsi")))
    assert (violation.code, violation.path) == ("circularReliance", "orderItem")
