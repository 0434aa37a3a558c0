"""Qualification of services: by the catalogs' rules, by coverage and free resources, in the shapes that are sold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from application.feasibility import FeasibilityCheck
from application.http import DownstreamSystem
from application.service_qualification import ServiceQualifier
from catalogs.model.catalog_set import CatalogSet
from store.sql.database import Database
from tests.application.conftest import Reference, install_internet, install_mobile, mobile_plan

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
ITEMS = "serviceQualificationItem"


def qualifier_of(inventory: DownstreamSystem, catalogs: CatalogSet, database: Database) -> ServiceQualifier:
    return ServiceQualifier(FeasibilityCheck(inventory), inventory, catalogs)


@pytest.fixture
def qualifier(stocked: DownstreamSystem, catalogs: CatalogSet, database: Database) -> ServiceQualifier:
    return qualifier_of(stocked, catalogs, database)


def service(specification: str | None, place: str | None = "HAM-1", **chosen: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "serviceCharacteristic": [{"name": name, "value": value} for name, value in chosen.items()]
    }
    if specification:
        document["serviceSpecification"] = {"id": specification}
    if place:
        document["place"] = [{"id": place, "role": "installation"}]
    return document


def check(*services: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {ITEMS: [{"id": str(n), "service": each} for n, each in enumerate(services, start=1)], **attributes}


def internet(speed: int, place: str = "HAM-1") -> dict[str, Any]:
    return service("cfs-internet", place, downloadSpeed=speed, uploadSpeed=speed // 5)


def codes(answer: dict[str, Any], index: int = 0) -> list[str]:
    return [each["code"] for each in answer[ITEMS][index].get("eligibilityUnavailabilityReason", [])]


async def test_a_service_that_can_be_had_says_when_it_would_be_active(qualifier: ServiceQualifier) -> None:
    answer = await qualifier.check(check(internet(250)), NOW)
    assert answer["qualificationResult"] == answer[ITEMS][0]["qualificationResult"] == "qualified"
    assert answer["effectiveQualificationDate"] == "2026-06-01T10:00:00.000Z"
    # GPON access, then the session, then the service itself, each as long as the catalog expects.
    assert "2026-06-01T10:15:00.000Z" < answer[ITEMS][0]["expectedActivationDate"] < "2026-06-01T11:00:00.000Z"


async def test_alternatives_are_the_shapes_that_products_have_it_in(qualifier: ServiceQualifier) -> None:
    answer = await qualifier.check(check(internet(1000), provideAlternative=True), NOW)
    assert answer["qualificationResult"] == "alternate"
    assert codes(answer) == ["notFeasible"]
    shapes = [
        {one["name"]: one["value"] for one in each["alternateService"]["serviceCharacteristic"]}
        for each in answer[ITEMS][0]["alternateServiceProposal"]
    ]
    assert shapes == [{"downloadSpeed": 250, "uploadSpeed": 50}, {"downloadSpeed": 100, "uploadSpeed": 40}]


async def test_a_service_that_is_not_covered_has_no_alternative(qualifier: ServiceQualifier) -> None:
    tv = service("cfs-iptv", package="basic", setTopBoxes=1)
    answer = await qualifier.check(check(tv, provideAlternative=True), NOW)
    assert answer["qualificationResult"] == "unqualified"
    assert codes(answer) == ["notFeasible"]
    assert "alternateServiceProposal" not in answer[ITEMS][0]


async def test_coverage_is_told_before_every_value_is_chosen(qualifier: ServiceQualifier) -> None:
    answer = await qualifier.check(check(service("cfs-iptv"), service("cfs-iptv", "BER-1")), NOW)
    assert codes(answer, 0) == ["characteristicMissing", "characteristicMissing", "notFeasible"]
    assert codes(answer, 1) == ["characteristicMissing", "characteristicMissing"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (service("cfs-intrnet"), "unknownSpecification"),
        (service(None), "specificationMissing"),
        (service("cfs-internet", downloadSpeed="fast", uploadSpeed=1), "characteristicType"),
        (service("cfs-internet", downloadSpeed=100, uploadSpeed=40, color="red"), "unknownCharacteristic"),
        (service("cfs-internet", downloadSpeed=100, uploadSpeed=40, vlan="7"), "characteristicNotConfigurable"),
        (service("cfs-internet", None, downloadSpeed=100, uploadSpeed=40), "placeMissing"),
        ({"id": "unknown"}, "serviceNotFound"),
    ],
)
async def test_what_the_catalogs_do_not_allow_is_said_with_its_rule(
    qualifier: ServiceQualifier, asked: dict[str, Any], code: str
) -> None:
    answer = await qualifier.check(check(asked, internet(100)), NOW)
    assert codes(answer) == [code]
    assert answer[ITEMS][1]["qualificationResult"] == "qualified"
    silent = await qualifier.check(check(asked, provideUnavailabilityReason=False), NOW)
    assert codes(silent) == []
    assert silent["qualificationResult"] == "unqualified"


async def test_items_share_what_the_pools_have_free(
    inventory: Reference, catalogs: CatalogSet, database: Database
) -> None:
    # The stock has three ports at BER-1.
    access = service("rfs-gpon-access", "BER-1", lineProfile="gpon-500")
    qualifier = qualifier_of(inventory.system, catalogs, database)

    async def without_port(count: int) -> int:
        answer = await qualifier.check(check(*[access] * count), NOW)
        reasons = [each["label"] for item in answer[ITEMS] for each in item["eligibilityUnavailabilityReason"]]
        return sum("gpon-port" in each for each in reasons)

    assert await without_port(3) == 0
    assert await without_port(4) == 4


async def test_a_change_of_a_service_is_checked_as_a_change(
    stocked: DownstreamSystem, qualifier: ServiceQualifier
) -> None:
    _, service_id = await install_mobile(stocked, mobile_plan())

    def changed(**chosen: Any) -> dict[str, Any]:
        return service(None, None, simType="sim", dataVolumeGb=50, roaming="eu", **chosen) | {"id": service_id}

    answer = await qualifier.check(check(changed(), changed(other=1)), NOW)
    assert answer[ITEMS][0]["qualificationResult"] == "qualified"
    assert codes(answer, 1) == ["unknownCharacteristic"]
    other = await qualifier.check(check(changed() | {"serviceSpecification": {"id": "cfs-internet"}}), NOW)
    assert codes(other) == ["specificationDiffers"]


async def test_a_move_of_a_service_is_checked_at_the_new_place(
    stocked: DownstreamSystem, qualifier: ServiceQualifier
) -> None:
    _, service_id = await install_internet(stocked, "c1", "BER-1")
    asked = [service(None, place) | {"id": service_id} for place in ("HAM-1", "MUC-1")]
    answer = await qualifier.check(check(*asked), NOW)
    assert [each["qualificationResult"] for each in answer[ITEMS]] == ["unqualified", "qualified"]
    assert codes(answer) == ["notFeasible"]


async def test_a_query_finds_what_can_be_had_at_a_place(qualifier: ServiceQualifier) -> None:
    def found(answer: dict[str, Any]) -> list[str]:
        return [each["service"]["serviceSpecification"]["id"] for each in answer[ITEMS]]

    hamburg = found(await qualifier.query({"searchCriteria": {"service": service(None)}}, NOW))
    berlin = found(await qualifier.query({"searchCriteria": {"service": service(None, "BER-1")}}, NOW))
    assert "cfs-internet" in hamburg
    assert set(berlin) - set(hamburg) == {"cfs-iptv"}
    fast = {"searchCriteria": {"service": internet(1000)}}
    assert found(await qualifier.query(fast, NOW)) == []
    fast["searchCriteria"]["service"] = internet(1000, "BER-1")
    assert found(await qualifier.query(fast, NOW)) == ["cfs-internet"]
    nothing = {"searchCriteria": {"category": {"id": "none"}}}
    assert found(await qualifier.query(nothing, NOW)) == []
