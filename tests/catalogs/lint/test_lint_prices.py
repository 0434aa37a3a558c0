"""Prices that a catalog cannot mean, and those that it hardly means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.catalogs.shop import SHOP, faults_of, shop_with, warnings_of

MONTHLY = "productOfferingPrice[0]"
OFF = "productOfferingPrice[1]"
COUNTED = {"name": "speed"}


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    shop = SHOP
    for path, value in changes:
        shop = shop_with(path, value, shop)
    return shop


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (
            "productOffering[1].productOfferingPrice[1]",
            {"id": "off"},
            "productOffering[1].productOfferingPrice[1]: 'off' is a discount; "
            "name it in the popRelationship of the price that it is taken off",
        ),
        (
            "productOffering[1].productOfferingPrice[1]",
            {"id": "monthly"},
            "productOffering[1].productOfferingPrice[1]: 'monthly' is named twice, and would be charged twice",
        ),
        (
            f"{MONTHLY}.popRelationship[1]",
            {"id": "off", "relationshipType": "discount"},
            f"{MONTHLY}.popRelationship[1]: 'off' is named twice, and would be taken off twice",
        ),
        (
            f"{MONTHLY}.popRelationship",
            [{"id": "off", "relationshipType": "discont"}],
            f"{MONTHLY}.popRelationship[0].relationshipType: 'discont' means nothing here; write 'discount'",
        ),
        (
            f"{MONTHLY}.popRelationship",
            [{"id": "off", "relationshipType": "migration"}],
            f"{MONTHLY}.popRelationship[0].relationshipType: "
            "'migration' is no type of such a relation; it is 'discount'",
        ),
        (
            f"{MONTHLY}.prodSpecCharValueUse",
            [{"name": "speed"}],
            f"{MONTHLY}.prodSpecCharValueUse[0]: names no value of 'speed', so that the price never applies",
        ),
        (
            f"{MONTHLY}.prodSpecCharValueUse",
            [{"name": "speed", "productSpecCharacteristicValue": [{"value": 30}]}],
            f"{MONTHLY}.prodSpecCharValueUse[0].productSpecCharacteristicValue[0].value: "
            "'speed' does not take 30; it takes 10, 20",
        ),
        (
            f"{MONTHLY}.prodSpecCharValueUse",
            [{"name": "speed", "productSpecCharacteristicValue": [{"value": "10"}]}],
            f"{MONTHLY}.prodSpecCharValueUse[0].productSpecCharacteristicValue[0].value: "
            "'speed' is of type integer; \"10\" is not",
        ),
        (
            f"{OFF}.prodSpecCharValueUse",
            [{"name": "sped", "productSpecCharacteristicValue": [{"value": 10}]}],
            f"{OFF}.prodSpecCharValueUse[0].name: 'line' has no characteristic 'sped'; did you mean 'speed'?",
        ),
        (
            f"{MONTHLY}.when",
            "product.sped > 10",
            f"{MONTHLY}.when: 'product.sped > 10': the product has no characteristic 'sped'; did you mean 'speed'?",
        ),
        (
            f"{MONTHLY}.when",
            "product.speed == 30",
            f"{MONTHLY}.when: 'product.speed == 30': 'speed' does not take 30; it takes 10, 20",
        ),
        (
            f"{MONTHLY}.when",
            "'5' != product.speed",
            f"{MONTHLY}.when: \"'5' != product.speed\": 'speed' is of type integer; \"5\" is not",
        ),
        (
            f"{MONTHLY}.when",
            "product.speed in [10, 15]",
            f"{MONTHLY}.when: 'product.speed in [10, 15]': 'speed' does not take 15; it takes 10, 20",
        ),
        (
            f"{MONTHLY}.when",
            "item.bundle == 'bundel'",
            f"{MONTHLY}.when: \"item.bundle == 'bundel'\": item.bundle is never \"bundel\"; did you mean 'bundle'?",
        ),
        (
            f"{MONTHLY}.when",
            "item.action == 'delete'",
            f'{MONTHLY}.when: "item.action == \'delete\'": item.action is never "delete"; it is add or modify',
        ),
        (f"{MONTHLY}.price.value", -1, f"{MONTHLY}.price.value: -1 is below zero; a discount is a price of its own"),
        (
            f"{MONTHLY}.bundledPopRelationship",
            [{"id": "off"}],
            f"{MONTHLY}.bundledPopRelationship: 'monthly' has parts, but isBundle is not true",
        ),
        (
            f"{MONTHLY}.isBundle",
            True,
            f"{MONTHLY}.popRelationship: a bundle of prices has no popRelationship of its own; its parts have",
        ),
        (
            "productOfferingPrice[2]",
            {
                "id": "all",
                "name": "All",
                "priceType": "recurring",
                "isBundle": True,
                "bundledPopRelationship": [{"id": "off"}],
            },
            "productOfferingPrice[2].bundledPopRelationship[0]: 'off' is a discount: "
            "name it in the popRelationship of the price that it is taken off",
        ),
        (
            MONTHLY,
            {
                "id": "monthly",
                "name": "Minute",
                "priceType": "usage",
                "price": {"value": 1},
                "unitOfMeasure": {"units": "min"},
                "popRelationship": [{"id": "off", "relationshipType": "discount"}],
            },
            f"{MONTHLY}.popRelationship: a usage price has no discounts: "
            "what will be used is not known; write the lower price",
        ),
        (
            f"{MONTHLY}.countedCharacteristic",
            {"name": "sped"},
            f"{MONTHLY}.countedCharacteristic.name: 'line' has no characteristic 'sped'; did you mean 'speed'?",
        ),
        (
            f"{MONTHLY}.countedCharacteristic",
            {"name": "label"},
            f"{MONTHLY}.countedCharacteristic.name: 'label' is of type string; only one number can be counted",
        ),
        (
            f"{MONTHLY}.countedCharacteristic",
            {"name": "speed", "included": 20},
            f"{MONTHLY}.countedCharacteristic.included: with 20 included, nothing is charged: 'speed' ends at 20",
        ),
        (
            f"{MONTHLY}.unitOfMeasure",
            {"amount": 0, "units": "Mbit/s"},
            f"{MONTHLY}.unitOfMeasure.amount: 0 is no number of units; it is above 0",
        ),
        (
            OFF,
            {"id": "off", "name": "Off", "priceType": "discount", "percentage": 5, "countedCharacteristic": COUNTED},
            f"{OFF}.countedCharacteristic: a percentage is of the whole price; "
            "only an amount is taken off for each unit",
        ),
        (
            f"{MONTHLY}.countedCharacteristic",
            {"name": "speed", "include": 1},
            f"{MONTHLY}.countedCharacteristic.include: unknown key 'include'; did you mean 'included'?",
        ),
        (
            f"{MONTHLY}.price.value",
            "a lot",
            f'{MONTHLY}.price.value: must be a number, not "a lot"',
        ),
        (
            f"{MONTHLY}.tax",
            [{"taxRate": 190}],
            f"{MONTHLY}.tax[0].taxRate: must be 100 or less, not 190",
        ),
        (
            f"{MONTHLY}.price.value",
            10**30,
            f"{MONTHLY}.price.value: must be 1000000000000 or less, not 1000000000000000000000000000000",
        ),
        (f"{OFF}.percentage", 150, f"{OFF}.percentage: must be 100 or less, not 150"),
    ],
)
def test_a_price_that_cannot_be_meant_is_a_fault(tmp_path: Path, path: str, value: Any, fault: str) -> None:
    assert fault in faults_of(tmp_path, shop_with(path, value))


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ({"priceType": "usage", "unitOfMeasure": {"units": "GB"}}, "a usage price is for each unit that is used; "),
        ({"isBundle": True, "priceType": "recurring"}, "a bundle of prices counts nothing; its parts do"),
    ],
)
def test_only_some_prices_count_a_characteristic(tmp_path: Path, kind: dict[str, Any], fault: str) -> None:
    monthly = {"id": "monthly", "name": "Monthly", "countedCharacteristic": COUNTED, **kind}
    found = faults_of(tmp_path, shop_with(MONTHLY, monthly))
    assert any(each.startswith(f"{MONTHLY}.countedCharacteristic: {fault}") for each in found)


def test_a_discount_of_several_products_may_look_at_what_only_one_of_them_has(tmp_path: Path) -> None:
    other = {"id": "other", "name": "Other", "productSpecCharacteristic": [{"name": "colour"}]}
    sold = {"id": "other", "name": "Other", "productSpecification": {"id": "other"}}
    shop = changed(
        ("productSpecification[1]", other),
        ("productOffering[2]", {**sold, "productOfferingPrice": [{"id": "monthly"}]}),
        (f"{OFF}.prodSpecCharValueUse", [{"name": "speed", "productSpecCharacteristicValue": [{"value": 10}]}]),
    )
    assert faults_of(tmp_path, shop) == []


@pytest.mark.parametrize(
    ("path", "value", "warning"),
    [
        (
            f"{MONTHLY}.tax",
            [{"taxRate": 0.19}],
            f"{MONTHLY}.tax[0].taxRate: taxRate is in percent, and 0.19 is less than one in a hundred; is 19 meant?",
        ),
        (
            OFF,
            {"id": "off", "name": "Off", "priceType": "discount", "percentage": 0.5},
            f"{OFF}.percentage: percentage is in percent, and 0.5 is less than one in a hundred; is 50 meant?",
        ),
        (f"{MONTHLY}.price.value", 9.995, f"{MONTHLY}.price.value: 9.995 is charged as 10.00"),
        (
            f"{MONTHLY}.unitOfMeasure",
            {"units": "Mbit/s"},
            f"{MONTHLY}.unitOfMeasure: counts nothing: without countedCharacteristic, "
            "the price is the same for any number of units",
        ),
        (f"{OFF}.tax", [{"taxRate": 19}], f"{OFF}.tax: a discount has the tax of the price that it is taken off"),
        (
            MONTHLY,
            {
                "id": "monthly",
                "name": "Once",
                "priceType": "oneTime",
                "recurringChargePeriodLength": 3,
                "price": {"value": 5},
            },
            f"{MONTHLY}.recurringChargePeriodLength: a oneTime price has no charge period",
        ),
        (
            "productOfferingPrice[2]",
            {"id": "setup", "name": "Set-up", "priceType": "oneTime", "price": {"unit": "CHF", "value": 9}},
            "productOffering[1].productOfferingPrice: 'line' is charged in CHF and EUR: no total has all of it",
        ),
        (
            "productOfferingPrice[2]",
            {"id": "setup", "name": "S", "priceType": "oneTime", "price": {"value": 9}, "tax": [{"taxRate": 19}]},
            "productOffering[0].productOfferingPrice: 'monthly' has no tax, and 'setup' has",
        ),
        (
            "productOfferingPrice[2]",
            {
                "id": "setup",
                "name": "S",
                "priceType": "oneTime",
                "price": {"value": 9},
                "popRelationship": [{"id": "once", "relationshipType": "discount"}],
            },
            "productOfferingPrice[3].applicationDuration: "
            "is for recurring prices, and nothing recurring names this discount",
        ),
    ],
)
def test_a_price_that_is_hardly_meant_is_warned_of(tmp_path: Path, path: str, value: Any, warning: str) -> None:
    once = {"id": "once", "name": "Once", "priceType": "discount", "percentage": 5, "applicationDuration": 2}
    shop = changed(
        ("productOffering[1].productOfferingPrice[1]", {"id": "setup"}),
        ("productOfferingPrice[2]", {"id": "setup", "name": "S", "priceType": "oneTime", "price": {"value": 0}}),
        ("productOfferingPrice[3]", once),
        (path, value),
    )
    assert warning in warnings_of(tmp_path, shop)


def test_a_unit_may_cost_less_than_a_cent(tmp_path: Path) -> None:
    shop = changed((f"{MONTHLY}.price.value", 0.005), (f"{MONTHLY}.countedCharacteristic", COUNTED))
    assert not [each for each in warnings_of(tmp_path, shop) if "productOfferingPrice[0].price" in each]
