"""Where a service can be had."""

from typing import Any

import httpx2
import pytest

from systems.inventory.app import STOCK
from systems.inventory.qualification import ServiceAsked, reasons_against
from systems.inventory.stock import load_stock
from tests.systems.conftest import keyed

COVERAGE = load_stock(STOCK).coverage
CITIES = ("BER-1", "BER-2", "HAM-1", "MUC-1")


def reasons(specification: str, *places: str, speed: Any = None) -> list[str]:
    service = ServiceAsked.model_validate(
        {
            "serviceSpecification": {"id": specification},
            "place": [{"id": place} for place in places],
            "serviceCharacteristic": [{"name": "downloadSpeed", "value": speed}],
        }
    )
    return [reason["code"] for reason in reasons_against(service, COVERAGE)]


@pytest.mark.parametrize("place", CITIES)
def test_internet_is_available_in_the_cities(place: str) -> None:
    assert reasons("cfs-internet", place, speed=250) == []
    assert reasons("cfs-internet", place, speed=1001) == ["tooMuch"]


def test_hamburg_has_no_gigabit() -> None:
    assert reasons("cfs-internet", "HAM-1", speed="500") == ["tooMuch"]
    assert reasons("cfs-internet", "MUC-1", speed="1000") == []


def test_television_is_not_available_everywhere() -> None:
    assert [place for place in CITIES if not reasons("cfs-iptv", place)] == ["BER-1", "BER-2", "MUC-1"]
    assert reasons("cfs-iptv", "SITE-1") == ["notCovered"]


@pytest.mark.parametrize("place", [*CITIES, "SITE-HUB", "SITE-12", "SITE-99"])
def test_site_access_is_available_at_every_site_and_city(place: str) -> None:
    assert reasons("cfs-site-access", place) == []


def test_every_place_must_qualify_and_one_must_be_given() -> None:
    assert reasons("cfs-site-access", "SITE-1", "MOON") == ["unknownPlace"]
    assert reasons("cfs-internet") == ["placeMissing"]


def test_a_service_without_a_rule_is_available_everywhere() -> None:
    assert reasons("cfs-voice", "MOON") == []
    assert reasons("cfs-voice") == []


@pytest.mark.anyio
async def test_each_item_is_answered_with_its_reasons(inventory: httpx2.AsyncClient) -> None:
    def item(item_id: str, place: Any, speed: int) -> dict[str, Any]:
        characteristic = [{"name": "downloadSpeed", "value": speed}]
        service = {
            "serviceSpecification": {"id": "cfs-internet"},
            "place": place,
            "serviceCharacteristic": characteristic,
        }
        return {"id": item_id, "service": service}

    asked = {"serviceQualificationItem": [item("1", {"id": "BER-1"}, 500), item("2", [{"id": "HAM-1"}], 500)]}
    answer = await inventory.post("/tmf-api/serviceQualificationManagement/v4/checkServiceQualification", json=asked)
    assert answer.status_code == 201
    good, bad = answer.json()["serviceQualificationItem"]
    assert (good["id"], good["qualificationResult"], good["eligibilityUnavailabilityReason"]) == (
        "1",
        "qualified",
        [],
    )
    assert (bad["id"], bad["qualificationResult"]) == ("2", "unqualified")
    assert bad["eligibilityUnavailabilityReason"] == [
        {"code": "tooMuch", "label": "downloadSpeed 500 is more than HAM-1 offers"}
    ]
    assert answer.json()["qualificationResult"] == "unqualified"
    empty: dict[str, Any] = {"serviceQualificationItem": []}
    refused = await inventory.post(answer.request.url.path, json=empty, headers=keyed("k"))
    assert refused.status_code == 400
