"""Orders that cannot be: rejected with every reason, without any effect."""

from __future__ import annotations

import pytest

from tests.stage import Stage, customer_of, example

pytestmark = pytest.mark.anyio


async def test_an_order_against_the_catalogs_rules_is_rejected_with_every_reason(stage: Stage) -> None:
    document = example("mobile")
    customer_of(document)
    item = document["productOrderItem"][0]
    document["productOrderItem"] = [
        {**item, "id": "1", "productOffering": {"id": "no-such-offering"}},
        {**item, "id": "2", "product": {"productCharacteristic": [{"name": "simType", "value": "paper"}]}},
    ]

    order = await stage.done(document)

    assert order["state"] == "rejected"
    assert {item["state"] for item in order["productOrderItem"]} == {"rejected"}
    reasons = {each["productOrderItem"][0]["id"]: each["reason"] for each in order["productOrderErrorMessage"]}
    assert "no-such-offering" in reasons["1"]
    assert "paper" in reasons["2"]
    for system in (stage.inventory, stage.activation, stage.billing):
        assert await stage.log(system, order["id"]) == []


async def test_a_place_without_coverage_rejects_the_order_naming_it(stage: Stage) -> None:
    document = example("fibre-bundle")
    customer_of(document)
    for item in [document["productOrderItem"][0], *document["productOrderItem"][0]["productOrderItem"]]:
        item.setdefault("product", {})["place"] = [{"id": "MOON-1", "role": "installation"}]

    order = await stage.done(document)

    assert order["state"] == "rejected"
    assert any("MOON-1" in each["reason"] for each in order["productOrderErrorMessage"])
    assert await stage.taken_resources(order["id"]) == []


async def test_a_number_that_is_taken_rejects_the_order(stage: Stage) -> None:
    number = "+4915020100777"
    first = example("mobile")
    customer_of(first)
    choose(first, number)
    assert (await stage.done(first))["state"] == "completed"
    second = example("mobile")
    customer_of(second)
    choose(second, number)

    order = await stage.done(second)

    assert order["state"] == "rejected"
    assert any(number in each["reason"] for each in order["productOrderErrorMessage"])


def choose(document: dict[str, list[dict[str, dict[str, list[dict[str, str]]]]]], number: str) -> None:
    """Let a mobile order ask for a number."""
    characteristics = document["productOrderItem"][0]["product"]["productCharacteristic"]
    characteristics[:] = [each for each in characteristics if each["name"] != "msisdn"]
    characteristics.append({"name": "msisdn", "value": number})
