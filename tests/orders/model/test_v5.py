"""The same order in the shapes of TMF622 v4 and v5."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from orders.model.v5 import CANCELLATION, from_v5, path_from_v5, to_v5

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = ROOT.parent / "shared" / "tmf" / "specs" / "TMF622-v5.0.0.oas.yaml"
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.json"))

ORDER: dict[str, Any] = {
    "id": "o1",
    "href": "http://gateway/o1",
    "externalId": "CRM-7",
    "orderDate": "2026-11-23T09:00:00.000Z",
    "state": "inProgress",
    "channel": [{"id": "web", "name": "Web shop", "role": "used"}],
    "relatedParty": [{"id": "ada", "name": "Ada", "role": "customer", "@referredType": "Customer"}],
    "milestone": [{"id": "m1", "name": "on site", "status": "completed"}],
    "jeopardyAlert": [{"id": "j1", "name": "late", "jeopardyType": "late"}],
    "productOrderErrorMessage": [{"code": "c", "reason": "r", "productOrderItem": [{"id": "1"}]}],
    "note": [{"text": "ring twice"}],
    "ours": {"anything": [1]},
    "productOrderItem": [
        {
            "id": "1",
            "action": "add",
            "itemPrice": [{"priceType": "recurring", "price": {"dutyFreeAmount": {"unit": "EUR", "value": 9.5}}}],
            "product": {
                "place": [{"id": "BER-1", "role": "installation"}, {"city": "Bonn", "role": "billing"}],
                "productCharacteristic": [
                    {"name": "speed", "value": 250},
                    {"name": "ip", "value": ["a", "b"]},
                    {"name": "fixed", "value": True},
                ],
                "productRelationship": [{"relationshipType": "reliesOn", "product": {"id": "p-9", "href": "http://p"}}],
            },
            "productOrderItem": [{"id": "1.1", "action": "noChange"}],
            "productOrderItemRelationship": [{"id": "2", "relationshipType": "reliesOn"}],
        }
    ],
}


def test_dates_identifiers_parties_places_and_channels_are_said_as_version_5_says_them() -> None:
    order = to_v5(ORDER)

    assert order["creationDate"] == ORDER["orderDate"]
    assert "orderDate" not in order
    assert order["externalId"] == [{"@type": "ExternalIdentifier", "id": "CRM-7"}]
    assert order["relatedParty"] == [
        {
            "@type": "RelatedPartyRefOrPartyRoleRef",
            "role": "customer",
            "partyOrPartyRole": {"@type": "PartyRef", "id": "ada", "name": "Ada", "@referredType": "Customer"},
        }
    ]
    assert order["channel"][0]["channel"] == {"@type": "ChannelRef", "id": "web", "name": "Web shop"}
    assert [(each["@type"], each["status"]) for each in order["productOrderMilestone"]] == [
        ("ProductOrderMilestone", "Completed")
    ]
    assert [alert["jeopardyType"] for alert in order["productOrderJeopardyAlert"]] == ["late"]
    assert order["productOrderErrorMessage"][0]["productOrderItem"] == [
        {"@type": "ProductOrderItemRef", "productOrderItemId": "1"}
    ]
    assert order["ours"] == ORDER["ours"]


def test_products_say_the_types_of_their_characteristics_and_wrap_their_places() -> None:
    product = to_v5(ORDER)["productOrderItem"][0]["product"]

    assert [each["@type"] for each in product["productCharacteristic"]] == [
        "IntegerCharacteristic",
        "StringArrayCharacteristic",
        "BooleanCharacteristic",
    ]
    assert [each["place"] for each in product["place"]] == [
        {"@type": "PlaceRef", "id": "BER-1"},
        {"@type": "GeographicAddress", "city": "Bonn"},
    ]
    assert product["productRelationship"] == [
        {"id": "p-9", "href": "http://p", "@type": "ProductRelationship", "relationshipType": "reliesOn"}
    ]


def test_nested_items_have_their_types_too() -> None:
    item = to_v5(ORDER)["productOrderItem"][0]
    assert (item["@type"], item["productOrderItem"][0]["@type"]) == ("ProductOrderItem", "ProductOrderItem")
    assert item["itemPrice"][0]["price"]["@type"] == "Price"


def test_what_a_price_counts_has_its_type_and_so_has_the_price_of_a_unit() -> None:
    price = {"priceType": "recurring", "countedCharacteristic": {"name": "boxes", "quantity": 2, "unitPrice": {}}}
    [written] = to_v5({"productOrderItem": [{"id": "1", "action": "add", "itemPrice": [price]}]})["productOrderItem"]
    counted = written["itemPrice"][0]["countedCharacteristic"]
    assert (counted["@type"], counted["unitPrice"]["@type"]) == ("CountedCharacteristic", "Price")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_order_that_goes_to_version_5_and_back_is_the_same_but_for_types(example: Path) -> None:
    order = json.loads(example.read_text())
    if "productOrderItem" not in order:
        pytest.skip("not a product order")
    assert untyped(from_v5(to_v5(order))) == untyped(order)


def test_all_of_an_order_goes_to_version_5_and_back() -> None:
    assert untyped(from_v5(to_v5(ORDER))) == untyped(ORDER)


@pytest.mark.parametrize(
    ("identifiers", "external_id"),
    [
        ([{"@type": "ExternalIdentifier", "id": "A"}], "A"),
        ([{"id": "A", "owner": "CRM"}, {"id": "B", "externalIdentifierType": "quote"}], "A"),
        ([], None),
        ([{"owner": "CRM"}], None),
        (["A"], None),
    ],
)
def test_external_identifiers_come_back_as_they_were_sent(identifiers: list[Any], external_id: str | None) -> None:
    kept = from_v5({"externalId": identifiers})
    assert kept.get("externalId") == external_id
    told = to_v5(kept).get("externalId")
    if external_id is not None:
        assert told is not None
        assert [untyped(each) for each in told] == [untyped(each) for each in identifiers]


def test_another_external_id_that_version_4_sets_is_what_version_5_shows() -> None:
    kept = from_v5({"externalId": [{"id": "A", "owner": "CRM"}]})
    assert to_v5({**kept, "externalId": "B"})["externalId"] == [{"@type": "ExternalIdentifier", "id": "B"}]


def test_a_party_by_its_role_stays_one() -> None:
    party = {
        "@type": "RelatedPartyRefOrPartyRoleRef",
        "role": "seller",
        "partyOrPartyRole": {"@type": "PartyRoleRef", "id": "r-1", "partyId": "p-1"},
    }
    (kept,) = from_v5({"relatedParty": [party]})["relatedParty"]
    assert kept == {
        "@type": "PartyRoleRef",
        "id": "r-1",
        "partyId": "p-1",
        "role": "seller",
        "@referredType": "PartyRole",
    }
    (told,) = to_v5({"relatedParty": [kept]})["relatedParty"]
    assert told["partyOrPartyRole"]["@type"] == "PartyRoleRef"


@pytest.mark.parametrize("junk", [None, "x", 7, ["x", None], {"id": 1}, [[{"id": "a"}]]])
def test_what_has_another_shape_is_left_as_it_is_or_typed_and_never_fails(junk: Any) -> None:
    for name in ("channel", "relatedParty", "externalId", "note", "productOrderItem", "milestone"):
        assert untyped(from_v5(to_v5({name: junk, "id": "o1"})))["id"] == "o1"
        from_v5({name: junk})


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("state", "state"),
        ("creationDate", "orderDate"),
        ("creationDate.gte", "orderDate.gte"),
        ("externalId", "externalId"),
        ("externalId.id", "externalId"),
        ("externalId.owner", "externalIdentifier.owner"),
        ("relatedParty.partyOrPartyRole.id", "relatedParty.id"),
        ("relatedParty.role", "relatedParty.role"),
        ("productOrderItem.product.place.place.id", "productOrderItem.product.place.id"),
        (
            "productOrderItem.productOrderItem.product.productRelationship.id",
            "productOrderItem.productOrderItem.product.productRelationship.product.id",
        ),
        ("productOrderMilestone.name", "milestone.name"),
        (
            "productOrderErrorMessage.productOrderItem.productOrderItemId",
            "productOrderErrorMessage.productOrderItem.id",
        ),
    ],
)
def test_a_filter_of_version_5_finds_what_is_kept(path: str, kept: str) -> None:
    assert ".".join(path_from_v5(path.split("."))) == kept


def test_references_to_a_part_of_something_call_it_by_a_name_of_their_own() -> None:
    item = {
        "quoteItem": {"id": "q-1", "quoteId": "q"},
        "productOfferingQualificationItem": {"id": "i-1", "productOfferingQualificationId": "poq"},
        "product": {
            "agreement": [{"id": "a", "name": "frame", "agreementItemId": "a-1"}],
            "productPrice": [{"productPriceAlteration": [{"priceType": "recurring", "price": {"percentage": 10}}]}],
        },
    }
    order = {"productOrderItem": [item]}
    (told,) = to_v5(order)["productOrderItem"]
    assert untyped(told["quoteItem"]) == {"quoteItemId": "q-1", "quoteId": "q"}
    assert told["productOfferingQualificationItem"]["itemId"] == "i-1"
    assert untyped(told["product"]["agreementItem"]) == [
        {"agreementId": "a", "agreementName": "frame", "agreementItemId": "a-1"}
    ]
    assert told["product"]["productPrice"][0]["priceAlteration"][0]["@type"] == "PriceAlteration"
    assert untyped(from_v5(to_v5(order))) == order


def test_cancellations_name_their_order_by_a_typed_reference() -> None:
    told = to_v5({"id": "c1", "productOrder": {"id": "o1"}, "state": "done"}, CANCELLATION)
    assert told == {
        "@type": "CancelProductOrder",
        "id": "c1",
        "productOrder": {"@type": "ProductOrderRef", "id": "o1"},
        "state": "done",
    }


@pytest.mark.skipif(not PUBLISHED.is_file(), reason=f"the published TM Forum file is not at {PUBLISHED}")
@pytest.mark.parametrize("example", [*EXAMPLES, None], ids=lambda path: path.stem if path else "whole")
def test_orders_fit_the_published_version_5(example: Path | None) -> None:
    order = json.loads(example.read_text()) if example else ORDER
    if "productOrderItem" not in order:
        pytest.skip("not a product order")
    assert faults_of(to_v5(order), "ProductOrder") == []


def untyped(node: Any) -> Any:
    """Return a value without types, which version 5 adds where version 4 had none."""
    match node:
        case dict():
            names = [name for name in node if name not in ("@type", "@referredType")]
            return {name: untyped(node[name]) for name in sorted(names)}
        case list():
            return [untyped(each) for each in node]
        case _:
            return node


def faults_of(answer: Any, schema: str) -> list[str]:
    """Return what keeps a value from fitting a schema of the published file."""
    validator = Draft7Validator({"$ref": f"#/components/schemas/{schema}", "components": published()})
    return [f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in validator.iter_errors(answer)]


@cache
def published() -> dict[str, Any]:
    """Return the published components, each choice by its `@type` written as JSON Schema can check it."""
    components: dict[str, Any] = YAML(typ="safe", pure=True).load(PUBLISHED.read_text())["components"]
    return {"schemas": {name: _by_type(schema) for name, schema in components["schemas"].items()}}


def _by_type(schema: dict[str, Any]) -> dict[str, Any]:
    if "oneOf" not in schema:
        return schema
    mapping = schema["discriminator"]["mapping"]
    return {
        "allOf": [
            {"if": {"properties": {"@type": {"const": name}}, "required": ["@type"]}, "then": {"$ref": reference}}
            for name, reference in mapping.items()
        ]
    }
