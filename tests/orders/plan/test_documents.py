"""The documents of service and resource orders have the shapes that TMF641 and TMF652 publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker  # type: ignore[import-untyped]

from orders.change.compensation import undo_service_order
from orders.lifecycle.states import OrderState
from orders.model.product_orders import Action
from orders.plan import order_documents as documents
from orders.plan.keys import CUSTOMER_FACING
from tests.orders.samples import internet, internet_done, resource, service

SPECS = Path(__file__).resolve().parents[4] / "shared" / "tmf" / "specs"
WHEN = "2026-03-01T10:00:00.000Z"

SERVICE_ORDER = documents.service_order(internet(), "7f3k2a9d01:1:internet", "7f3k2a9d01", WHEN)
RESOURCE_ORDER = documents.resource_order(
    internet().resource_order("access"), "7f3k2a9d01:1:internet:access", "7f3k2a9d01:1:internet", WHEN
)


def assert_fits(document: dict[str, Any], file: str, definition: str) -> None:
    """Compare with a published definition; the files require an `id` of item references that is called `itemId`."""
    if not SPECS.is_dir():
        pytest.skip(f"the published TM Forum files are not at {SPECS}")
    definitions = json.loads((SPECS / file).read_text())["definitions"]
    for reference in definitions.keys() & {"ServiceOrderItemRef", "ResourceOrderItemRef"}:
        definitions[reference]["required"] = ["itemId"]
    schema = {"$ref": f"#/definitions/{definition}", "definitions": definitions}
    faults = Draft4Validator(schema, format_checker=FormatChecker()).iter_errors(document)
    assert [f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in faults] == []


def assert_known(document: dict[str, Any], file: str, definition: str) -> None:
    """Check that every attribute is one that the published definition knows."""
    if not SPECS.is_dir():
        pytest.skip(f"the published TM Forum files are not at {SPECS}")
    definitions = json.loads((SPECS / file).read_text())["definitions"]
    assert set(document) <= set(definitions[definition]["properties"])


def test_a_service_order_fits_tmf641() -> None:
    assert_fits(SERVICE_ORDER, "TMF641-v4.1.0.swagger.json", "ServiceOrder")
    assert_known(SERVICE_ORDER, "TMF641-v4.1.0.swagger.json", "ServiceOrder")
    for item in SERVICE_ORDER["serviceOrderItem"]:
        assert_known(item, "TMF641-v4.1.0.swagger.json", "ServiceOrderItem")
        assert_known(item["service"], "TMF641-v4.1.0.swagger.json", "ServiceRefOrValue")
        for relation in item["serviceOrderItemRelationship"]:
            assert_known(relation, "TMF641-v4.1.0.swagger.json", "ServiceOrderItemRelationship")


def test_a_resource_order_fits_tmf652() -> None:
    assert_fits(RESOURCE_ORDER, "TMF652-v4.0.0-datamodel.swagger.json", "ResourceOrder")
    for item in RESOURCE_ORDER["orderItem"]:
        assert_fits(item, "TMF652-v4.0.0-datamodel.swagger.json", "ResourceOrderItem")
        assert_known(item, "TMF652-v4.0.0.swagger.json", "ResourceOrderItem")
        for relation in item["orderItemRelationship"]:
            assert_known(relation, "TMF652-v4.0.0.swagger.json", "ResourceOrderItemRelationship")


def test_the_documents_of_an_undo_fit_too() -> None:
    undo = undo_service_order(internet(), internet_done())
    assert_fits(
        documents.service_order(undo, "o:1:internet:undo", "o", WHEN), "TMF641-v4.1.0.swagger.json", "ServiceOrder"
    )
    resources = documents.resource_order(undo.resource_order("access"), "o:1:internet:access:undo", "o", WHEN)
    assert_fits(resources, "TMF652-v4.0.0-datamodel.swagger.json", "ResourceOrder")
    assert [item["resource"]["id"] for item in resources["orderItem"]] == ["vlan-43", "port-7"]


def test_documents_are_plain_json() -> None:
    for document in (SERVICE_ORDER, RESOURCE_ORDER):
        assert json.loads(json.dumps(document)) == document


def test_an_order_begins_acknowledged_and_names_its_parent_its_customer_and_what_it_does() -> None:
    assert {name: SERVICE_ORDER[name] for name in ("id", "state", "orderDate", "description")} == {
        "id": "7f3k2a9d01:1:internet",
        "state": "acknowledged",
        "orderDate": WHEN,
        "description": "add Cfs internet",
    }
    assert SERVICE_ORDER["orderRelationship"] == [
        {"id": "7f3k2a9d01", "relationshipType": "parent", "@referredType": "ProductOrder"}
    ]
    assert RESOURCE_ORDER["orderRelationship"] == [
        {"id": "7f3k2a9d01:1:internet", "relationshipType": "parent", "@referredType": "ServiceOrder"}
    ]
    for document in (SERVICE_ORDER, RESOURCE_ORDER):
        assert [(party["id"], party["role"]) for party in document["relatedParty"]] == [("customer-1", "customer")]
        assert "href" not in document


def test_an_order_without_a_customer_or_a_place_names_none() -> None:
    plan = internet().model_copy(update={"customer_id": None, "place": None})
    document = documents.service_order(plan, "o:1:internet", "o", WHEN)
    assert document["relatedParty"] == []
    assert all("place" not in item["service"] for item in document["serviceOrderItem"])


def test_an_item_says_what_it_waits_for_and_where_it_is() -> None:
    access, routing, whole = SERVICE_ORDER["serviceOrderItem"]
    assert [item["service"]["category"] for item in (access, routing, whole)] == ["RFS", "RFS", "CFS"]
    assert whole["id"] == CUSTOMER_FACING
    assert [relation["orderItem"]["itemId"] for relation in whole["serviceOrderItemRelationship"]] == [
        "access",
        "routing",
    ]
    assert {relation["relationshipType"] for relation in whole["serviceOrderItemRelationship"]} == {"dependency"}
    assert access["service"]["place"][0]["id"] == "BER-1"
    assert access["service"]["serviceSpecification"] == {
        "id": "rfs-access",
        "name": "Rfs access",
        "version": "2.1",
        "@referredType": "ServiceSpecification",
    }
    assert access["service"]["serviceCharacteristic"] == [{"name": "downloadSpeed", "value": 500}]
    vlan = RESOURCE_ORDER["orderItem"][1]
    assert vlan["orderItemRelationship"] == [{"relationshipType": "dependency", "orderItem": {"itemId": "port"}}]


def test_an_item_that_is_done_shows_what_it_came_to() -> None:
    item = documents.service_order_item(
        service("access", characteristics={"downloadSpeed": 500}),
        "BER-1",
        OrderState.COMPLETED,
        "service-a",
        {"downloadSpeed": 500, "vlan": "2043"},
    )
    assert (item["state"], item["service"]["id"]) == ("completed", "service-a")
    assert {each["name"]: each["value"] for each in item["service"]["serviceCharacteristic"]}["vlan"] == "2043"
    done = documents.resource_order_item(
        resource("vlan", characteristics={"priority": 3}), OrderState.COMPLETED, "vlan-43", "2043", {}
    )
    assert done["state"] == "completed"
    assert (done["resource"]["id"], done["resource"]["value"]) == ("vlan-43", "2043")
    assert done["resource"]["resourceCharacteristic"] == []


def test_an_item_that_changes_what_is_installed_names_it_from_the_start() -> None:
    changed = documents.service_order_item(service("access", Action.MODIFY, service_id="service-a"), None)
    assert (changed["action"], changed["service"]["id"]) == ("modify", "service-a")
    gone = documents.resource_order_item(resource("vlan", Action.DELETE, resource_id="vlan-43"))
    assert (gone["action"], gone["resource"]["id"]) == ("delete", "vlan-43")
    assert "id" not in documents.resource_order_item(resource("vlan"))["resource"]
