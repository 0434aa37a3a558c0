"""Each rule of the lint on a small catalog that breaks it alone; what several faults look like is in test_loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from catalogs.loader import load_catalogs
from tests.catalogs.shop import SHOP, faults_of, shop_with

LINE = "productSpecification[0].fulfilment.services[0]"
SPEED = "productSpecification[0].productSpecCharacteristic[0]"


def test_the_shop_itself_has_no_fault(tmp_path: Path) -> None:
    assert faults_of(tmp_path, SHOP) == []


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (
            f"{LINE}.characteristics.speed",
            "product.speed * 1.5",
            f"{LINE}.characteristics.speed: 'product.speed * 1.5': No such overload: the operation is not "
            "defined for the given operand types. CEL never mixes types: "
            "write double(x) or int(x) around one side where whole and decimal numbers meet, "
            "string(x) to join a text, and test for null before you calculate (tried with product.speed = 10)",
        ),
        (
            f"{LINE}.characteristics.speed",
            "product.speed == 20 ? 'fast' : '5'",
            f"{LINE}.characteristics.speed: \"product.speed == 20 ? 'fast' : '5'\": "
            "'speed' is of type integer; \"5\" is not",
        ),
        (
            f"{LINE}.when",
            "product.label.startsWith('x')",
            f"{LINE}.when: \"product.label.startsWith('x')\": startsWith() is not for a value of this type; "
            "test for null before you call it (tried with product.label = null)",
        ),
        (f"{LINE}.when", "product.speed", f"{LINE}.when: 'product.speed' gives 10; a condition gives true or false"),
        (f"{LINE}.count", "product.label", f"{LINE}.count: 'product.label' gives \"text\", not a count"),
        (f"{LINE}.place", "product.speed", f"{LINE}.place: 'product.speed' gives 10, not a text"),
        (
            f"{LINE}.when",
            "has(product.label)",
            f"{LINE}.when: 'has(product.label)': has() is true of every characteristic; one without a value is null: "
            "compare with null instead",
        ),
        (
            f"{LINE}.characteristics.speed",
            "product.sped",
            f"{LINE}.characteristics.speed: 'product.sped': the product has no characteristic 'sped'; "
            "did you mean 'speed'?",
        ),
        (
            f"{LINE}.characteristics.speed",
            "services.access.prt",
            f"{LINE}.characteristics.speed: 'services.access.prt': service 'access' has no characteristic 'prt'; "
            "did you mean 'port'?",
        ),
        (
            f"{LINE}.dependsOn",
            ["line"],
            f"{LINE}.dependsOn[0]: 'line' depends on itself",
        ),
        (
            f"{LINE}.specification",
            "rfs",
            f"{LINE}.specification: 'rfs' is a ResourceFacingServiceSpecification; "
            "a customer-facing one is needed here",
        ),
        (
            f"{LINE}.key",
            "a/b",
            f"{LINE}.key: the key 'a/b' is not a letter followed by letters, digits, - and _, at most 40",
        ),
        (f"{LINE}.key", "service", f"{LINE}.key: the key 'service' is reserved; choose another"),
        (
            "productSpecification[0].fulfilment.services[1]",
            {"key": "line", "specification": "cfs", "characteristics": {"speed": 1}},
            "productSpecification[0].fulfilment.services[1].key: the key 'line' is used twice",
        ),
        (
            "productSpecification[0].fulfilment.policy",
            {"backoff": "soon"},
            "productSpecification[0].fulfilment.policy.backoff: 'soon' is not a duration: "
            "write 30s, 5m, 2h, 3d or ISO 8601 (PT1H30M)",
        ),
        (
            "productSpecification[0].productSpecificationRelationship",
            [{"id": "lines", "relationshipType": "reliesOn"}],
            "productSpecification[0].productSpecificationRelationship[0].id: there is no productSpecification 'lines'; "
            "did you mean 'line'?",
        ),
        (
            f"{SPEED}.productSpecCharacteristicValue[2]",
            {"value": 30, "isDefault": True},
            f"{SPEED}.productSpecCharacteristicValue: characteristic 'speed' has more than one default",
        ),
        (
            f"{SPEED}.productSpecCharacteristicValue[2]",
            {"unitOfMeasure": "Mbit/s"},
            f"{SPEED}.productSpecCharacteristicValue[2]: has neither a value nor a range",
        ),
        (
            f"{SPEED}.regex",
            "[0-9]+",
            f"{SPEED}.regex: a pattern is for texts; 'speed' is of type integer",
        ),
        (
            "productSpecification[0].productSpecCharacteristic[3]",
            {"name": "fixed", "minCardinality": 1, "configurable": False},
            "productSpecification[0].productSpecCharacteristic[3]: "
            "'fixed' is mandatory, cannot be chosen, and has no default",
        ),
        (
            "productSpecification[0].productSpecCharacteristic[3]",
            {"name": "speed"},
            "productSpecification[0].productSpecCharacteristic[3].name: characteristic 'speed' is defined twice",
        ),
        (
            "productOffering[1].prodSpecCharValueUse",
            [{"name": "speed", "productSpecCharacteristicValue": [{"value": 15}]}],
            "productOffering[1].prodSpecCharValueUse[0].productSpecCharacteristicValue[0].value: "
            "'speed' does not take 15; it takes 10, 20",
        ),
        (
            "productOffering[1].productOfferingRelationship",
            [{"id": "bundle", "relationshipType": "requires"}, {"id": "bundle", "relationshipType": "excludes"}],
            "productOffering[1].productOfferingRelationship[1]: 'line' both requires and excludes 'bundle'",
        ),
        (
            "productOffering[1].productOfferingRelationship",
            [{"id": "line", "relationshipType": "excludes"}],
            "productOffering[1].productOfferingRelationship[0]: 'line' excludes itself",
        ),
        (
            "productOffering[0].bundledProductOffering",
            [],
            "productOffering[0].isBundle: 'bundle' is a bundle of nothing: bundledProductOffering is missing",
        ),
        (
            "productOffering[1].bundledProductOffering",
            [{"id": "line"}],
            "productOffering[1].bundledProductOffering: 'line' has parts, but isBundle is not true",
        ),
        (
            "productOffering[0].bundledProductOffering[1]",
            {"id": "line"},
            "productOffering[0].bundledProductOffering[1]: 'line' is a part twice; one entry says how many",
        ),
        (
            "productOffering[0].bundledProductOffering[0].bundledProductOfferingOption",
            {"numberRelOfferUpperLimit": 2, "numberRelOfferDefault": 3},
            "productOffering[0].bundledProductOffering[0].bundledProductOfferingOption.numberRelOfferDefault: "
            "numberRelOfferDefault 3 is not between the limits, 0 to 2",
        ),
        (
            "productOffering[0].bundledProductOffering[1]",
            {"id": "bundle"},
            "productOffering[0].bundledProductOffering: bundles contain each other in a circle: bundle → bundle",
        ),
        (
            "productOffering[0].lifecycleStatus",
            "Sold",
            'productOffering[0].lifecycleStatus: must be "In Study", "In Design", "In Test", '
            '"Rejected", "Active", "Launched", "Retired" or "Obsolete", not "Sold"',
        ),
        (
            "productOfferingPrice[0].when",
            "product.speed",
            "productOfferingPrice[0].when: 'product.speed' gives 10; a condition gives true or false",
        ),
        (
            "productOfferingPrice[0].when",
            "service.speed == 1",
            "productOfferingPrice[0].when: 'service.speed == 1' reads the unknown variable 'service'; "
            "known here are customer, item, order, place, product",
        ),
        (
            "productOfferingPrice[0].prodSpecCharValueUse",
            [{"name": "sped", "productSpecCharacteristicValue": [{"value": 10}]}],
            "productOfferingPrice[0].prodSpecCharValueUse[0].name: 'line' has no characteristic 'sped'; "
            "did you mean 'speed'?",
        ),
        (
            "productOfferingPrice[1].price",
            {"unit": "CHF", "value": 1},
            "productOfferingPrice[0].popRelationship[0]: 'off' is in CHF, the price it alters in EUR",
        ),
        (
            "productOfferingPrice[1].price",
            {"unit": "euro", "value": 1},
            'productOfferingPrice[1].price.unit: must be a text that matches ^[A-Z]{3}$, not "euro"',
        ),
        (
            "productOfferingPrice[1].percentage",
            5,
            "productOfferingPrice[1]: discount 'off' needs either a percentage or a price",
        ),
        (
            "productOfferingPrice[1].popRelationship",
            [{"id": "off", "relationshipType": "discount"}],
            "productOfferingPrice[1].popRelationship: a discount has no discounts",
        ),
        (
            "productOfferingPrice[0].priceType",
            "oneTime",
            "productOfferingPrice[0].recurringChargePeriodType: a oneTime price has no charge period",
        ),
        (
            "productOfferingPrice[0].applicationDuration",
            3,
            "productOfferingPrice[0].applicationDuration: is for discounts (priceType: discount)",
        ),
        (
            "productOfferingPrice[2]",
            {
                "id": "all",
                "name": "All",
                "priceType": "recurring",
                "isBundle": True,
                "bundledPopRelationship": [{"id": "all"}],
            },
            "productOfferingPrice[2].bundledPopRelationship: prices contain each other in a circle: all → all",
        ),
        (
            "serviceSpecification[1].fulfilment.services",
            [{"key": "more", "specification": "rfs"}],
            "serviceSpecification[1].fulfilment.services: "
            "a resource-facing service is realised by resources, not by other services",
        ),
        (
            "serviceSpecification[0].fulfilment.services[0].dependsOn",
            ["line/line"],
            "serviceSpecification[0].fulfilment.services[0].dependsOn[0]: "
            "only a product's services depend on those of other products",
        ),
        (
            "serviceSpecification[0].fulfilment.move",
            "alongside",
            'serviceSpecification[0].fulfilment.move: must be "inPlace" or "overlap", not "alongside"',
        ),
        (
            "serviceSpecification[1].fulfilment.resources[0].value",
            "services.access.port",
            "serviceSpecification[1].fulfilment.resources[0].value: 'services.access.port' reads services, "
            "known only when the order runs; here it is needed before",
        ),
        (
            "serviceSpecification[1].fulfilment.resources[0].criteria",
            {"tier": "product.sped"},
            "serviceSpecification[1].fulfilment.resources[0].criteria.tier: 'product.sped': "
            "the product has no characteristic 'sped'; did you mean 'speed'?",
        ),
        (
            "serviceSpecification[1].fulfilment.characteristics",
            {"prt": "assigned.port.value"},
            "serviceSpecification[1].fulfilment.characteristics.prt: 'rfs' has no characteristic 'prt'; "
            "did you mean 'port'?",
        ),
        (
            "serviceSpecification[1].fulfilment.resources[1]",
            {"key": "card", "specification": "port", "characteristics": {"port": "assigned.port.value"}},
            "serviceSpecification[1].fulfilment.resources[1].characteristics.port: 'assigned.port.value': "
            "no resource it can read is called 'port'",
        ),
    ],
)
def test_each_fault_is_told_where_it_is(tmp_path: Path, path: str, value: Any, fault: str) -> None:
    assert fault in faults_of(tmp_path, shop_with(path, value))


def test_services_of_products_that_rely_on_each_other_are_a_circle(tmp_path: Path) -> None:
    shop = shop_with("productSpecification[0].fulfilment.services[0].dependsOn", ["other/line"])
    other = json.loads(json.dumps(SHOP["productSpecification"][0]))
    other |= {"id": "other", "productSpecificationRelationship": [{"id": "line", "relationshipType": "reliesOn"}]}
    shop["productSpecification"].append(other)
    [fault] = faults_of(tmp_path, shop)
    assert "services depend on each other in a circle: " in fault
    assert "line/line → other/line" in fault or "other/line → line/line" in fault


def test_attributes_that_tmf_has_and_nobody_reads_are_kept(tmp_path: Path) -> None:
    shop = shop_with("productOffering[1].productOfferingTerm", [{"name": "24 months"}])
    shop["productOffering"][1] |= {"@type": "ProductOffering", "x-own": 1, "channel": [{"id": "web"}]}
    assert faults_of(tmp_path, shop) == []
    line = load_catalogs(tmp_path).offerings.get("line")
    assert line is not None
    assert line.model_extra == {
        "productOfferingTerm": [{"name": "24 months"}],
        "@type": "ProductOffering",
        "x-own": 1,
        "channel": [{"id": "web"}],
    }


@pytest.mark.parametrize("overlapping", [0, 1], ids=["the whole", "the part itself"])
def test_what_there_is_only_once_cannot_be_in_two_services_that_overlap(tmp_path: Path, overlapping: int) -> None:
    shop = shop_with("serviceSpecification[1].fulfilment.resources[0].value", "'port-7'")
    overlap = shop_with(f"serviceSpecification[{overlapping}].fulfilment.move", "overlap", shop)
    path = f"serviceSpecification[{overlapping}].fulfilment.move"
    assert faults_of(tmp_path, overlap) == [
        f"{path}: 'port' of 'rfs' is asked for by its value, which the old service has while the new one is set up: "
        "leave out `move`, or that `value`"
    ]
