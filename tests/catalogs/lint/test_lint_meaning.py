"""What a catalog says and hardly means: rules that are void by a slip, what is sold and cannot be had."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalogs.loader import inspect_catalogs
from tests.catalogs.shop import SHOP, faults_of, shop_with, warnings_of, written

LINE = "productSpecification[0].fulfilment.services[0]"
CHARACTERISTIC = "productSpecification[0].productSpecCharacteristic"
RELATION = "productOffering[1].productOfferingRelationship"
MODEM = {"id": "modem", "name": "Modem", "productSpecification": {"id": "line"}}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("require", "requires"),
        ("Requires", "requires"),
        ("exclude", "excludes"),
        ("dependency", "requires"),
        ("reliesOn", "requires"),
        ("exclusivity", "excludes"),
    ],
)
def test_a_relation_that_is_void_by_a_slip_is_a_fault(tmp_path: Path, word: str, meant: str) -> None:
    shop = shop_with(RELATION, [{"id": "bundle", "relationshipType": word}])
    assert faults_of(tmp_path, shop) == [
        f"{RELATION}[0].relationshipType: {word!r} means nothing here; write {meant!r}"
    ]


@pytest.mark.parametrize("word", ["reliesON", "relyOn", "dependency", "requires"])
def test_so_is_one_between_products(tmp_path: Path, word: str) -> None:
    other = {"id": "other", "name": "Other"}
    shop = shop_with("productSpecification[1]", other)
    relation = "productSpecification[0].productSpecificationRelationship"
    shop = shop_with(relation, [{"id": "other", "relationshipType": word}], shop)
    assert faults_of(tmp_path, shop) == [
        f"{relation}[0].relationshipType: {word!r} means nothing here; write 'reliesOn'"
    ]


def test_a_relation_of_a_word_of_ones_own_is_warned_of_and_one_of_the_standard_is_not(tmp_path: Path) -> None:
    shop = shop_with("productOffering[2]", MODEM)
    shop = shop_with(
        RELATION, [{"id": "modem", "relationshipType": each} for each in ("looksGoodWith", "substitution")], shop
    )
    assert [each for each in warnings_of(tmp_path, shop) if RELATION in each] == [
        f"{RELATION}[0].relationshipType: 'looksGoodWith' asks nothing of an order; 'requires' or 'excludes' does"
    ]


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (
            f"{CHARACTERISTIC}[1]",
            {"name": "label", "regex": "[a-z]+", "productSpecCharacteristicValue": [{"value": "A", "isDefault": True}]},
            f"{CHARACTERISTIC}[1].productSpecCharacteristicValue[0].value: "
            "'label' does not take \"A\": it must match [a-z]+",
        ),
        (
            f"{CHARACTERISTIC}[1]",
            {"name": "label", "maxOctets": 4, "productSpecCharacteristicValue": [{"value": "größe"}]},
            f"{CHARACTERISTIC}[1].productSpecCharacteristicValue[0].value: "
            "'label' does not take \"größe\": it has 7 octets in UTF-8; at most 4",
        ),
        (
            f"{CHARACTERISTIC}[1]",
            {"name": "label", "minLength": 9, "maxLength": 8},
            f"{CHARACTERISTIC}[1].minLength: minLength 9 is above maxLength 8: no text has room",
        ),
        (
            f"{CHARACTERISTIC}[1]",
            {"name": "label", "minLength": 9, "maxOctets": 8},
            f"{CHARACTERISTIC}[1].minLength: minLength 9 is above maxOctets 8: no text has room",
        ),
        (
            f"{CHARACTERISTIC}[2].maxOctets",
            8,
            f"{CHARACTERISTIC}[2].maxOctets: maxOctets is for texts; 'gain' is of type number",
        ),
        (
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue",
            [{"value": 9, "isDefault": True, "valueFrom": 0, "valueTo": 5}],
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue[0].value: the default 9 is outside its range",
        ),
        (
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue",
            [{"isDefault": True, "valueFrom": 0, "valueTo": 5}],
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue[0].isDefault: a range is no default: value is missing",
        ),
        (
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue",
            [{"valueFrom": 5, "valueTo": 5, "rangeInterval": "open"}],
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue[0]: no value lies between 5 and 5 (open)",
        ),
        (
            f"{CHARACTERISTIC}[0].productSpecCharacteristicValue",
            [{"valueFrom": 1.2, "valueTo": 1.8}],
            f"{CHARACTERISTIC}[0].productSpecCharacteristicValue[0]: no value lies between 1.2 and 1.8 (closed)",
        ),
        (
            f"{CHARACTERISTIC}[0].productSpecCharacteristicValue",
            [{"value": "10", "isDefault": True}],
            f"{CHARACTERISTIC}[0].productSpecCharacteristicValue[0].value: "
            "\"10\" is not of type integer, which 'speed' is",
        ),
        (
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue",
            [{"valueFrom": float("nan"), "valueTo": 5}],
            f'{CHARACTERISTIC}[2].productSpecCharacteristicValue[0].valueFrom: must be a number, not "NaN"',
        ),
        (
            f"{CHARACTERISTIC}[1].configurable",
            False,
            f"{CHARACTERISTIC}[1]: 'label' cannot be chosen and has no default",
        ),
        (
            "productOffering[1].prodSpecCharValueUse",
            [{"name": "speed", "productSpecCharacteristicValue": [{"valueFrom": 10, "valueTo": 30}]}],
            "productOffering[1].prodSpecCharValueUse[0].productSpecCharacteristicValue[0].valueTo: "
            "'speed' does not take 30; it takes 10, 20",
        ),
        (
            "productOffering[1].prodSpecCharValueUse",
            [{"name": "speed", "minCardinality": 2}],
            "productOffering[1].prodSpecCharValueUse[0].minCardinality: minCardinality 2 is above maxCardinality 1",
        ),
        (
            "productOffering[0].prodSpecCharValueUse",
            [{"name": "speed", "minCardinality": 1}],
            "productOffering[0].prodSpecCharValueUse: "
            "'bundle' has no productSpecification whose characteristics it could narrow",
        ),
        (
            f"{LINE}.when",
            "product.speed == 15",
            f"{LINE}.when: 'product.speed == 15': 'speed' does not take 15; it takes 10, 20",
        ),
        (
            f"{LINE}.when",
            "item.action == 'create'",
            f'{LINE}.when: "item.action == \'create\'": item.action is never "create"; '
            "it is add or modify or delete or noChange",
        ),
        (
            "serviceSpecification[1].fulfilment.characteristics.port",
            "assigned.port",
            "serviceSpecification[1].fulfilment.characteristics.port: 'assigned.port' gives an object; "
            "'port' is of type string; did you mean assigned.port.value?",
        ),
        (
            "serviceSpecification[1].fulfilment.resources[0].criteria",
            {"model": "indoor"},
            "serviceSpecification[1].fulfilment.resources[0].criteria.model: "
            "'indoor' reads the unknown variable 'indoor'; for this very text write \"'indoor'\"",
        ),
        (
            "serviceSpecification[1].fulfilment.resources[0].place",
            "place",
            "serviceSpecification[1].fulfilment.resources[0].place: 'place' gives an object, not a text",
        ),
        (
            "serviceSpecification[1].fulfilment.characteristics.port",
            "assigned.port.vale",
            "serviceSpecification[1].fulfilment.characteristics.port: 'assigned.port.vale': "
            "the resource 'port' has no 'vale'; did you mean 'value'?",
        ),
        (
            "serviceSpecification[1].specCharacteristic[0].valueType",
            "integer",
            "serviceSpecification[1].fulfilment.characteristics.port: 'assigned.port.value': "
            "'port' is of type integer; \"text\" is not",
        ),
        (
            f"{LINE}.characteristics.speed",
            "services.access.port",
            f"{LINE}.characteristics.speed: 'services.access.port': 'speed' is of type integer; \"text\" is not",
        ),
        (
            "serviceSpecification[1].fulfilment.resources[0].criteria",
            {"speed": "place"},
            "serviceSpecification[1].fulfilment.resources[0].criteria.speed: "
            "'place' gives an object or a list, not one value",
        ),
    ],
)
def test_what_cannot_be_meant_is_a_fault(tmp_path: Path, path: str, value: Any, fault: str) -> None:
    assert fault in faults_of(tmp_path, shop_with(path, value))


def test_what_gives_a_whole_object_is_right_where_one_is_wanted(tmp_path: Path) -> None:
    shop = shop_with("serviceSpecification[1].specCharacteristic[0].valueType", "object")
    shop = shop_with("serviceSpecification[1].fulfilment.characteristics.port", "assigned.port", shop)
    assert faults_of(tmp_path, shop) == []


@pytest.mark.parametrize("condition", ["product.speed > 10", "product.speed == 20", "product.speed % 3 == 2"])
def test_a_condition_that_some_value_meets_is_not_warned_of(tmp_path: Path, condition: str) -> None:
    assert not [each for each in warnings_of(tmp_path, shop_with(f"{LINE}.when", condition)) if ".when" in each]


def bundle_of(*children: dict[str, Any]) -> dict[str, Any]:
    modem = {**MODEM, "productOfferingRelationship": [{"id": "line", "relationshipType": "excludes"}]}
    return shop_with(
        "productOffering[0].bundledProductOffering", list(children), shop_with("productOffering[2]", modem)
    )


def test_parts_that_exclude_one_that_the_bundle_needs_are_a_fault(tmp_path: Path) -> None:
    needed = {"id": "line", "bundledProductOfferingOption": {"numberRelOfferLowerLimit": 1}}
    assert faults_of(tmp_path, bundle_of(needed, {"id": "modem"})) == [
        "productOffering[0].bundledProductOffering[1]: "
        "'modem' and 'line' exclude each other, and the bundle cannot do without 'line'"
    ]


def test_parts_to_choose_from_may_exclude_each_other(tmp_path: Path) -> None:
    assert faults_of(tmp_path, bundle_of({"id": "line"}, {"id": "modem"})) == []


ENDED = {"endDateTime": "2021-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("path", "value", "warning"),
    [
        (
            "productOffering[2]",
            MODEM,
            "productOffering[2].productOfferingPrice: 'modem' is sold without a price",
        ),
        (
            "productSpecification[0].fulfilment",
            {},
            "productOffering[1].productSpecification: 'line' has no fulfilment: "
            "an order of 'line' is billed, and sets nothing up",
        ),
        (
            "productOffering[1].validFor",
            ENDED,
            "productOffering[1].validFor.endDateTime: ended on 2021-01-01T00:00:00.000Z, and lifecycleStatus is still "
            "'Active': write 'Retired', or another end",
        ),
        (
            "productOfferingPrice[1].validFor",
            ENDED,
            "productOfferingPrice[1].validFor.endDateTime: ended on 2021-01-01T00:00:00.000Z, and lifecycleStatus "
            "is still 'Active': write 'Retired', or another end",
        ),
        (
            "productOffering[1].lifecycleStatus",
            "Retired",
            "productOffering[0].bundledProductOffering[0]: 'line' is in the status 'Retired': nobody can choose it",
        ),
        (
            RELATION,
            [{"id": "old", "relationshipType": "requires"}],
            f"{RELATION}[0]: 'line' requires 'old', which is in the status 'Retired': only who has it can order this",
        ),
        (
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue",
            [{"value": 9, "isDefault": True}, {"valueFrom": 0, "valueTo": 5}],
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue[0].value: "
            "the default 9 is outside the range beside it, and allowed all the same",
        ),
        (
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue",
            [{"value": 9}, {"value": 9}],
            f"{CHARACTERISTIC}[2].productSpecCharacteristicValue[1].value: 9 is told twice",
        ),
        (
            "productOffering[1].prodSpecCharValueUse",
            [{"name": "speed"}],
            "productOffering[1].prodSpecCharValueUse[0]: "
            "narrows nothing of 'speed': it has no values and no cardinality",
        ),
        (
            f"{LINE}.when",
            "product.speed > 20",
            f"{LINE}.when: 'product.speed > 20' is true of no value that there can be",
        ),
        (
            "productOfferingPrice[1].when",
            "product.speed < 10",
            "productOfferingPrice[1].when: 'product.speed < 10' is true of no value that there can be",
        ),
        (
            f"{CHARACTERISTIC}[1].mandatory",
            True,
            f"{CHARACTERISTIC}[1].mandatory: nothing reads 'mandatory', nor has the standard such an attribute; "
            "for 'mandatory' write minCardinality: 1",
        ),
        (
            "productOffering[1].status",
            "Retired",
            "productOffering[1].status: nothing reads 'status', nor has the standard such an attribute; "
            "for 'status' write lifecycleStatus",
        ),
    ],
)
def test_what_is_hardly_meant_is_warned_of(tmp_path: Path, path: str, value: Any, warning: str) -> None:
    old = {"id": "old", "name": "Old", "productSpecification": {"id": "line"}, "lifecycleStatus": "Retired"}
    shop = SHOP if path == "productOffering[2]" else shop_with("productOffering[2]", old)
    assert any(each.startswith(warning) for each in warnings_of(tmp_path, shop_with(path, value, shop)))


def test_what_has_not_ended_yet_is_not_warned_of(tmp_path: Path) -> None:
    written(tmp_path, shop_with("productOffering[1].validFor", ENDED))
    before = inspect_catalogs(tmp_path, datetime(2020, 12, 31, tzinfo=UTC))
    assert not [each for each in before[1] if "validFor" in each.path]


def test_attributes_of_the_standards_and_ones_own_that_say_so_are_not_warned_of(tmp_path: Path) -> None:
    shop = shop_with("productOffering[1].productOfferingTerm", [{"name": "24 months"}])
    shop["productOffering"][1] |= {"@type": "ProductOffering", "x-own": 1, "channel": [{"id": "web"}]}
    assert not [each for each in warnings_of(tmp_path, shop) if "nothing reads" in each]
