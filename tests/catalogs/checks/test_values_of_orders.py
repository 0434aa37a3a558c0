"""Every rule for values that an order can break, and the values that break none."""

from __future__ import annotations

from typing import Any

import pytest

from catalogs.model.catalog_set import CatalogSet
from orders.model.product_orders import ProductOrder
from tests.catalogs.checks.test_order_check import HERE, LEASE, owned, violations
from tests.catalogs.sample_orders import (
    add,
    item,
    order,
)


@pytest.mark.parametrize(
    ("characteristics", "code", "message"),
    [
        ({"tear": "gold"}, "unknownCharacteristic", "Line has no characteristic 'tear'; did you mean 'tier'?"),
        ({"tier": 7}, "characteristicType", "'tier' is of type string; 7 is not"),
        ({"gain": "0.5"}, "characteristicType", "'gain' is of type number; \"0.5\" is not"),
        ({"gain": True}, "characteristicType", "'gain' is of type number; true is not"),
        ({"enabled": 1}, "characteristicType", "'enabled' is of type boolean; 1 is not"),
        ({"tier": "bronze"}, "characteristicNotAllowed", '\'tier\' does not take "bronze"; it takes "silver", "gold"'),
        ({"gain": 1.0}, "characteristicOutOfRange", "'gain' does not take 1.0; it takes from 0 to 1 (closedBottom)"),
        ({"gain": -1}, "characteristicOutOfRange", "'gain' does not take -1.0; it takes from 0 to 1 (closedBottom)"),
        ({"label": "Ab"}, "characteristicPattern", "'label' does not take \"Ab\": it must match [a-z]+"),
        ({"owner": "me"}, "characteristicNotConfigurable", "'owner' cannot be chosen; it is \"lab\""),
        ({"codecs": ["a", "b", "c"]}, "characteristicCardinality", "'codecs' takes 0 to 2 values, not 3"),
        ({"codecs": ["a", "x"]}, "characteristicNotAllowed", '\'codecs\' does not take "x"; it takes "a", "b", "c"'),
    ],
)
def test_a_characteristic_that_breaks_its_rule_is_named_with_the_rule(
    lab: CatalogSet, characteristics: dict[str, Any], code: str, message: str
) -> None:
    [(found, path, words)] = violations(lab, order(add("1", "line", **characteristics)), owned(LEASE))[:1]
    assert (found, words) == (code, message)
    end = "name" if code == "unknownCharacteristic" else "value"
    assert path == f"{HERE}.product.productCharacteristic[0].{end}"


@pytest.mark.parametrize(
    "characteristics",
    [
        {"gain": 0},
        {"gain": 0.999},
        {"enabled": False},
        {"codecs": ["a", "c"]},
        {"codecs": "b"},
        {"owner": "lab"},
        {"label": None},
    ],
)
def test_a_characteristic_that_keeps_its_rule_is_taken(lab: CatalogSet, characteristics: dict[str, Any]) -> None:
    assert violations(lab, order(add("1", "line", **characteristics)), owned(LEASE)) == []


def test_a_whole_number_written_as_a_decimal_is_taken_for_an_integer(shipped: CatalogSet) -> None:
    assert violations(shipped, order(add("1", "fibre-internet", downloadSpeed=250.0))) == []


def test_an_offering_narrows_the_characteristics_of_its_specification(lab: CatalogSet) -> None:
    assert violations(lab, order(add("1", "fixed-line", tier="silver"))) == [
        (
            "characteristicNotAllowed",
            f"{HERE}.product.productCharacteristic[0].value",
            '\'tier\' does not take "silver"; it takes "gold"',
        )
    ]


def test_a_mandatory_characteristic_without_a_default_must_be_given(shipped: CatalogSet) -> None:
    site = add("site", "vpn-spoke-site", place="SITE-1")
    placed = order(add("vpn", "business-vpn", add("core", "vpn-core"), add("hub", "vpn-hub-site", siteName="H"), site))
    assert violations(shipped, placed) == [
        (
            "characteristicMissing",
            f"{HERE}.productOrderItem[2].product.productCharacteristic",
            "VPN Spoke Site needs the characteristic 'siteName'",
        )
    ]


def test_a_characteristic_given_twice_is_a_violation(lab: CatalogSet) -> None:
    characteristics = [{"name": "tier", "value": "gold"}, {"name": "tier", "value": "silver"}]
    placed = order(item("1", "add", offering="modem-sale"), add("2", "line"))
    document = placed.model_dump(mode="json")
    document["productOrderItem"][1]["product"] = {"productCharacteristic": characteristics}
    [found] = violations(lab, ProductOrder.model_validate(document), owned(LEASE))[:1]
    assert found[0] == "characteristicRepeated"
    assert found[1] == "productOrderItem[1].product.productCharacteristic[1].name"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            0,
            "the catalog cannot work out 'product.parts == null ? 100 : 100 / product.parts': "
            "division by zero in CEL expression",
        ),
        (
            7,
            "the catalog cannot price it: "
            "\"item.action == 'modify' || (product.parts != null && 100 / (product.parts - 7) > 100)\": "
            "division by zero in CEL expression",
        ),
    ],
)
def test_a_value_that_an_expression_of_the_catalog_cannot_take_is_told(
    lab: CatalogSet, parts: int, message: str
) -> None:
    found = violations(lab, order(add("1", "line", parts=parts)), owned(LEASE))
    assert found == [("catalogExpression", f"{HERE}.product", message)]


@pytest.mark.parametrize(
    ("volume", "told"),
    [
        (8e12, "1.07e+12 EUR for 3.20e+12 units"),
        (1e30, "1.33e+29 EUR for 4.00e+29 units"),
        (1.7e308, "2.26e+307 EUR for 6.80e+307 units"),
    ],
)
def test_a_value_that_comes_to_more_than_can_be_charged_is_told(lab: CatalogSet, volume: float, told: str) -> None:
    found = violations(lab, order(add("1", "meter", volume=volume)))
    message = f"price 'volume-setup' comes to {told}; at most 1,000,000,000,000 of either can be charged"
    assert found == [("amountTooLarge", f"{HERE}.product.productCharacteristic", message)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a" * 32, None),
        ("é" * 16, None),
        ("😀" * 8, None),
        ("😀" * 9, "it has 36 octets in UTF-8; at most 32"),
        ("é" * 17, "it has 34 octets in UTF-8; at most 32"),
    ],
)
def test_a_text_is_bounded_in_the_octets_that_a_device_counts(shipped: CatalogSet, name: str, said: str | None) -> None:
    router = add("r", "home-router", wifiName=name)
    placed = order(add("h", "fibre-home-bundle", add("i", "fibre-internet"), router, place="BER-1"))
    found = [
        ("characteristicTooLong", "productOrderItem[0].productOrderItem[1].product.productCharacteristic[0].value")
        for _ in (said,)
        if said
    ]
    assert [(code, path) for code, path, _ in violations(shipped, placed)] == found
    assert all(message == f"'wifiName' does not take \"{name}\": {said}" for *_, message in violations(shipped, placed))


@pytest.mark.parametrize(
    ("note", "code", "said"),
    [
        ("ab", "characteristicTooShort", "it has 2 characters; at least 3"),
        ("😀😀😀", None, None),
        ("abcdefghi", "characteristicTooLong", "it has 9 characters; at most 8"),
    ],
)
def test_a_text_is_bounded_in_characters(lab: CatalogSet, note: str, code: str | None, said: str | None) -> None:
    found = violations(lab, order(add("1", "meter", code=note)))
    assert [(each, words) for each, _, words in found] == (
        [(code, f"'code' does not take \"{note}\": {said}")] if code else []
    )
