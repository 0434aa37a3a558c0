"""Qualification of offerings: what the order would be refused for, item by item, and what can be had instead."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from application.feasibility import FeasibilityCheck
from application.http import DownstreamError, DownstreamSystem
from application.offering_qualification import OfferingQualifier
from application.planner import Planner
from catalogs.loader import load_catalogs
from catalogs.model.catalog_set import CatalogSet
from store.sql.database import Database
from tests.application.conftest import install_internet, install_mobile, mobile_plan, scripted

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
HAMBURG, BERLIN = "HAM-1", "BER-1"
ITEMS = "productOfferingQualificationItem"


@pytest.fixture
def qualifier(stocked: DownstreamSystem, catalogs: CatalogSet, database: Database) -> OfferingQualifier:
    return qualifier_of(stocked, catalogs, database)


def qualifier_of(inventory: DownstreamSystem, catalogs: CatalogSet, database: Database) -> OfferingQualifier:
    feasibility = FeasibilityCheck(inventory)
    return OfferingQualifier(Planner(catalogs, inventory), feasibility, catalogs)


def question(*items: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    party = {"id": "c1", "role": "customer", "@referredType": "Customer"}
    return {"relatedParty": [party], ITEMS: list(items), **attributes}


def item(
    item_id: str, offering: str, place: str | None = HAMBURG, parts: tuple[str, ...] = (), **chosen: Any
) -> dict[str, Any]:
    product: dict[str, Any] = {
        "productCharacteristic": [{"name": name, "value": value} for name, value in chosen.items()]
    }
    if place:
        product["place"] = [{"id": place, "role": "installation"}]
    if parts:
        product["product"] = [{"productOffering": {"id": part}} for part in parts]
    return {"id": item_id, "productOffering": {"id": offering}, "product": product}


def results(answer: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["qualificationItemResult"] for each in answer[ITEMS]}


def codes(answer: dict[str, Any], item_id: str = "1") -> list[str]:
    told = next(each for each in answer[ITEMS] if each["id"] == item_id)
    return [reason["code"] for reason in told.get("eligibilityUnavailabilityReason", [])]


def proposals(answer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each alternative of the first item: its offering, and the values it has."""
    return [
        (
            each["alternateProductOffering"]["id"],
            {one["name"]: one["value"] for one in each["alternateProduct"].get("productCharacteristic", [])},
        )
        for each in answer[ITEMS][0].get("alternateProductOfferingProposal", [])
    ]


async def test_what_can_be_had_is_qualified(qualifier: OfferingQualifier) -> None:
    answer = await qualifier.answer(question(item("1", "fibre-internet", downloadSpeed=250)), NOW)
    assert answer["state"] == "done"
    assert answer["qualificationResult"] == "qualified"
    assert answer["effectiveQualificationDate"] == "2026-06-01T10:00:00.000Z"
    assert "expirationDate" not in answer
    assert results(answer) == {"1": "qualified"}
    assert codes(answer) == []


@pytest.mark.parametrize(
    ("offering", "result", "reasons"),
    [("fibre-internet", "qualified", []), ("fiber-internet", "unqualified", ["unknownOffering"])],
)
async def test_an_offering_that_the_product_names_is_the_one_asked_for(
    qualifier: OfferingQualifier, offering: str, result: str, reasons: list[str]
) -> None:
    asked = item("1", "x", downloadSpeed=250)
    asked["product"]["productOffering"] = asked.pop("productOffering") | {"id": offering}
    answer = await qualifier.answer(question(asked), NOW)
    assert results(answer) == {"1": result}
    assert codes(answer) == reasons


async def test_items_that_name_two_offerings_are_unqualified(qualifier: OfferingQualifier) -> None:
    asked = item("1", "fibre-internet", downloadSpeed=250)
    asked["product"]["productOffering"] = {"id": "home-tv"}
    assert codes(await qualifier.answer(question(asked), NOW)) == ["offeringDiffers"]


async def test_nobody_in_particular_may_ask_and_two_customers_may_not(qualifier: OfferingQualifier) -> None:
    asked = question(item("1", "fibre-internet", downloadSpeed=250), relatedParty=[])
    assert results(await qualifier.answer(asked, NOW)) == {"1": "qualified"}
    two = [{"id": each, "role": "customer", "@referredType": "Customer"} for each in ("c1", "c2")]
    assert codes(await qualifier.answer(asked | {"relatedParty": two}, NOW)) == ["customerAmbiguous"]


async def test_too_much_for_a_place_is_unqualified_with_the_reason(qualifier: OfferingQualifier) -> None:
    answer = await qualifier.answer(question(item("1", "fibre-internet", downloadSpeed=1000)), NOW)
    assert answer["qualificationResult"] == "unqualified"
    [reason] = answer[ITEMS][0]["eligibilityUnavailabilityReason"]
    assert reason["code"] == "notFeasible"
    assert "downloadSpeed 1000 is more than HAM-1 offers" in reason["label"]
    assert "alternateProductOfferingProposal" not in answer[ITEMS][0]


async def test_alternatives_are_those_that_can_be_had_the_closest_first(qualifier: OfferingQualifier) -> None:
    asked = question(item("1", "fibre-internet", downloadSpeed=1000), provideAlternative=True)
    answer = await qualifier.answer(asked, NOW)
    assert answer["qualificationResult"] == "alternate"
    assert proposals(answer) == [
        ("fibre-internet", {"downloadSpeed": 250}),
        ("fibre-internet", {"downloadSpeed": 100}),
        ("internet-250", {}),
    ]


async def test_a_bundle_is_offered_without_the_part_that_is_not_there(qualifier: OfferingQualifier) -> None:
    parts = ("fibre-internet", "home-router", "home-tv")
    answer = await qualifier.answer(question(item("1", "fibre-home-bundle", parts=parts), provideAlternative=True), NOW)
    assert results(answer) == {"1": "alternate"}
    assert codes(answer) == ["notFeasible"]
    [proposal] = answer[ITEMS][0]["alternateProductOfferingProposal"]
    left = [part["productOffering"]["id"] for part in proposal["alternateProduct"]["product"]]
    assert left == ["fibre-internet", "home-router"]


async def test_what_is_sold_in_bundles_only_is_offered_in_its_bundle(qualifier: OfferingQualifier) -> None:
    answer = await qualifier.answer(question(item("1", "home-tv", BERLIN), provideAlternative=True), NOW)
    assert codes(answer) == ["offeringNotSellable", "requirementMissing"]
    [proposal] = answer[ITEMS][0]["alternateProductOfferingProposal"]
    assert proposal["alternateProductOffering"] == {"id": "fibre-home-bundle", "name": "Fibre Home"}
    parts = [part["productOffering"]["id"] for part in proposal["alternateProduct"]["product"]]
    assert parts == ["fibre-internet", "home-router", "home-tv"]


async def test_a_bundle_without_parts_is_asked_with_those_that_it_needs(qualifier: OfferingQualifier) -> None:
    assert results(await qualifier.answer(question(item("1", "fibre-home-bundle")), NOW)) == {"1": "qualified"}


async def test_items_are_checked_together_and_each_has_its_own_result(qualifier: OfferingQualifier) -> None:
    bundle = item("1", "fibre-home-bundle")
    bundle["qualificationItemRelationship"] = [{"id": each, "relationshipType": "bundles"} for each in ("2", "3", "4")]
    parts = [item("2", "fibre-internet", None), item("3", "home-router", None), item("4", "home-tv", None)]
    answer = await qualifier.answer(question(bundle, *parts), NOW)
    assert results(answer) == {"1": "qualified", "2": "qualified", "3": "qualified", "4": "unqualified"}
    assert answer["qualificationResult"] == "unqualified"


async def test_what_relies_on_something_that_is_not_there_is_not_there_either(qualifier: OfferingQualifier) -> None:
    relying = item("2", "mobile-plan")
    relying["qualificationItemRelationship"] = [{"id": "1", "relationshipType": "reliesOn"}]
    answer = await qualifier.answer(question(item("1", "fibre-internet", downloadSpeed=1000), relying), NOW)
    assert results(answer) == {"1": "unqualified", "2": "unqualified"}
    assert codes(answer, "2") == ["relianceUnavailable"]


async def test_a_broken_rule_does_not_hide_that_another_item_is_not_feasible(qualifier: OfferingQualifier) -> None:
    answer = await qualifier.answer(
        question(item("1", "fibre-internt"), item("2", "fibre-internet", downloadSpeed=1000)), NOW
    )
    assert codes(answer, "1") == ["unknownOffering"]
    assert codes(answer, "2") == ["notFeasible"]


async def test_the_place_of_the_whole_is_that_of_its_items(qualifier: OfferingQualifier) -> None:
    asked = question(item("1", "internet-1000", None), place=[{"id": HAMBURG, "role": "installation"}])
    assert codes(await qualifier.answer(asked, NOW)) == ["notFeasible"]
    assert results(await qualifier.answer({**asked, "place": [{"id": BERLIN, "role": "x"}]}, NOW)) == {"1": "qualified"}


async def test_reasons_and_what_is_not_available_are_left_out_where_nobody_wants_them(
    qualifier: OfferingQualifier,
) -> None:
    items = [item("1", "internet-1000"), item("2", "mobile-plan")]
    silent = await qualifier.answer(question(*items, provideUnavailabilityReason=False), NOW)
    assert results(silent) == {"1": "unqualified", "2": "qualified"}
    assert codes(silent) == []
    available = await qualifier.answer(question(*items, provideOnlyAvailable=True), NOW)
    assert results(available) == {"2": "qualified"}
    assert available["qualificationResult"] == "unqualified"


async def test_without_items_it_tells_which_offerings_can_be_had(qualifier: OfferingQualifier) -> None:
    asked = {"place": [{"id": HAMBURG, "role": "installation"}], "provideOnlyAvailable": True}
    answer = await qualifier.answer(asked, NOW)
    found = [each["productOffering"]["id"] for each in answer[ITEMS]]
    assert found == ["fibre-home-bundle", "fibre-internet", "internet-250", "mobile-plan"]
    assert len({each["id"] for each in answer[ITEMS]}) == 4
    assert answer["qualificationResult"] == "qualified"


async def test_a_product_specification_finds_its_offerings(qualifier: OfferingQualifier) -> None:
    search = {"id": "x", "product": {"productSpecification": {"id": "fibre-internet"}}}
    answer = await qualifier.answer(question(search, place=[{"id": HAMBURG, "role": "installation"}]), NOW)
    found = {each["productOffering"]["id"]: each["qualificationItemResult"] for each in answer[ITEMS]}
    assert found == {"fibre-internet": "qualified", "internet-250": "qualified", "internet-1000": "unqualified"}
    assert [each["id"] for each in answer[ITEMS]] == ["x.1", "x.2", "x.3"]


async def test_a_search_for_a_value_finds_the_offerings_that_have_it(qualifier: OfferingQualifier) -> None:
    search = {"id": "1", "product": {"productCharacteristic": [{"name": "downloadSpeed", "value": 1000}]}}
    answer = await qualifier.answer(question(search, place=[{"id": BERLIN, "role": "installation"}]), NOW)
    assert [each["productOffering"]["id"] for each in answer[ITEMS]] == ["fibre-internet", "internet-1000"]


async def test_a_category_finds_its_offerings_and_dates_their_end(
    stocked: DownstreamSystem, database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "catalogs" / "shop"
    folder.mkdir(parents=True)
    folder.joinpath("catalog.yaml").write_text(
        """
catalog: {id: shop, name: Shop}
category: [{id: sale, name: Sale}, {id: stock, name: Stock}]
productSpecification: [{id: thing, name: Thing}]
productOffering:
  - {id: summer, name: Summer, productSpecification: {id: thing}, category: [{id: sale}],
     validFor: {endDateTime: "2026-09-01T00:00:00Z"}}
  - {id: always, name: Always, productSpecification: {id: thing}, category: [{id: stock}]}
  - {id: autumn, name: Autumn, productSpecification: {id: thing}, category: [{id: sale}],
     validFor: {startDateTime: "2026-09-01T00:00:00Z"}}
"""
    )
    qualifier = qualifier_of(stocked, load_catalogs(folder.parent), database)
    answer = await qualifier.answer({"category": {"id": "sale"}}, NOW)
    assert [each["productOffering"]["id"] for each in answer[ITEMS]] == ["summer"]
    assert answer["expirationDate"] == "2026-09-01T00:00:00.000Z"
    later = await qualifier.answer(question(item("1", "autumn"), provideAlternative=True), NOW)
    told = later[ITEMS][0]["alternateProductOfferingProposal"]
    assert [(each["alternateProductOffering"]["id"], each.get("alternateActivationDate")) for each in told] == [
        ("autumn", "2026-09-01T00:00:00.000Z"),
        ("summer", None),
        ("always", None),
    ]


async def test_a_change_of_what_the_customer_has_is_checked_against_it(
    stocked: DownstreamSystem, qualifier: OfferingQualifier
) -> None:
    product_id, _ = await install_mobile(stocked, mobile_plan())

    def change(volume: int) -> dict[str, Any]:
        chosen = [{"name": "dataVolumeGb", "value": volume}]
        return {"id": "1", "action": "modify", "product": {"id": product_id, "productCharacteristic": chosen}}

    assert results(await qualifier.answer(question(change(50)), NOW)) == {"1": "qualified"}
    assert codes(await qualifier.answer(question(change(51)), NOW)) == ["characteristicNotAllowed"]
    gone = {"id": "1", "action": "delete", "product": {"id": "unknown"}}
    assert codes(await qualifier.answer(question(gone), NOW)) == ["productNotFound"]


async def test_a_move_is_checked_at_the_new_place(stocked: DownstreamSystem, qualifier: OfferingQualifier) -> None:
    product_id, _ = await install_internet(stocked, "c1", BERLIN)

    def moved(place: str) -> dict[str, Any]:
        where = [{"id": place, "role": "installation"}]
        return {"id": "1", "action": "modify", "product": {"id": product_id, "place": where}}

    answer = await qualifier.answer(question(moved(HAMBURG)), NOW)
    assert codes(answer) == ["notFeasible"]
    assert codes(await qualifier.answer(question(moved("MUC-1")), NOW)) == []


async def test_an_inventory_that_is_away_is_said(catalogs: CatalogSet, database: Database) -> None:
    away, _ = scripted(httpx2.ConnectError("refused"))
    with pytest.raises(DownstreamError, match="inventory gave no answer"):
        await qualifier_of(away, catalogs, database).answer(question(item("1", "mobile-plan")), NOW)
