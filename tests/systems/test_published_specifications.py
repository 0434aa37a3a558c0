"""Answers and events fit the published TM Forum files, where these are at hand."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft4Validator, FormatChecker  # type: ignore[import-untyped]

from systems.activation.app import create_app as create_activation
from systems.inventory.app import create_app as create_inventory
from tests.systems.conftest import Inbox, keyed, running

SPECS = Path(__file__).resolve().parents[3] / "shared" / "tmf" / "specs"
PARTY = {"id": "c-1", "role": "customer", "@referredType": "Customer"}
PLACE = {"id": "BER-1", "role": "installation"}

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not SPECS.is_dir(), reason=f"the published TM Forum files are not at {SPECS}"),
]


def published(file: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SPECS / f"{file}.swagger.json").read_text())
    return document


def assert_fits(answer: Any, file: str, definition: str) -> None:
    schema = {"$ref": f"#/definitions/{definition}", "definitions": published(file)["definitions"]}
    faults = [
        f"{'.'.join(map(str, fault.path))}: {fault.message}"
        for fault in Draft4Validator(schema, format_checker=FormatChecker()).iter_errors(answer)
    ]
    assert faults == []


INVENTORIES = [
    (
        "TMF637-v4.0.0",
        "Product",
        "/tmf-api/productInventory/v4",
        {
            "status": "active",
            "name": "Fibre",
            "startDate": "2026-03-01T00:00:00Z",
            "place": [PLACE],
            "relatedParty": [PARTY],
            "productOffering": {"id": "fibre"},
            "productCharacteristic": [{"name": "speed", "value": 250}],
            "productOrderItem": [{"productOrderId": "po", "orderItemId": "1"}],
        },
    ),
    (
        "TMF638-v4.0.0",
        "Service",
        "/tmf-api/serviceInventory/v4",
        {
            "state": "active",
            "serviceSpecification": {"id": "cfs"},
            "place": [PLACE],
            "relatedParty": [PARTY],
            "supportingResource": [{"id": "ont-1"}],
            "serviceOrderItem": [{"serviceOrderId": "so", "itemId": "1"}],
        },
    ),
    (
        "TMF639-v4.0.0",
        "Resource",
        "/tmf-api/resourceInventoryManagement/v4",
        {"name": "Edge 1", "place": PLACE, "resourceCharacteristic": [{"name": "vendor", "value": "Acme"}]},
    ),
    (
        "TMF640-v4.0.0",
        "Service",
        "/tmf-api/ServiceActivationAndConfiguration/v4",
        {"state": "active", "serviceSpecification": {"id": "rfs"}, "relatedParty": [PARTY]},
    ),
    (
        "TMF702-v4.0.0",
        "Resource",
        "/tmf-api/ResourceActivationAndConfiguration/v4",
        {"resourceSpecification": {"id": "port"}, "resourceCharacteristic": [{"name": "vlan", "value": 7}]},
    ),
]


@pytest.mark.parametrize(("file", "base"), [(each[0], each[2]) for each in INVENTORIES])
def test_base_paths_are_theirs(file: str, base: str) -> None:
    assert published(file)["basePath"].rstrip("/") == base


@pytest.mark.parametrize(("file", "noun", "base", "body"), INVENTORIES, ids=[each[0] for each in INVENTORIES])
async def test_answers_and_events_fit_theirs(
    database_url: str, stock: Path, file: str, noun: str, base: str, body: dict[str, Any]
) -> None:
    inbox = Inbox()
    inventory = file in ("TMF637-v4.0.0", "TMF638-v4.0.0", "TMF639-v4.0.0")
    app = (
        create_inventory(database_url, stock=stock, transport=inbox)
        if inventory
        else create_activation(database_url, transport=inbox)
    )
    path = f"{base}/{noun.lower()}"
    async with running(app) as client:
        hub = await client.post(f"{base}/hub", json={"callback": "http://listener", "query": ""})
        assert_fits(hub.json(), file, "EventSubscription")
        made = await client.post(path, json=body, headers=keyed("k"))
        assert made.status_code == 201, made.text
        assert made.headers["Location"] == made.json()["href"]
        changed = await client.patch(made.json()["href"], json={"description": "new"})
        assert changed.status_code == 200
        for answer in (made.json(), changed.json(), *(await client.get(path, params={"limit": "3"})).json()):
            assert_fits(answer, file, noun)
        await _errors_fit(client, path, file)
        assert (await client.delete(made.json()["href"])).status_code == 204
        for _ in range(3):
            _, event = await inbox.next()
            assert_fits(event, file, event["eventType"])


async def _errors_fit(client: httpx2.AsyncClient, path: str, file: str) -> None:
    for answer, status in (
        (await client.post(path, json=[]), 400),
        (await client.get(f"{path}/none"), 404),
        (await client.put(path, json={}), 405),
        (await client.post(path, content=b"<a/>", headers={"Content-Type": "text/xml"}), 415),
    ):
        assert answer.status_code == status
        assert_fits(answer.json(), file, "Error")


@pytest.mark.parametrize(("file", "noun", "base", "body"), INVENTORIES[3:], ids=["TMF640", "TMF702"])
async def test_monitors_and_their_events_fit_theirs(
    database_url: str, file: str, noun: str, base: str, body: dict[str, Any]
) -> None:
    inbox = Inbox()
    async with running(create_activation(database_url, transport=inbox)) as client:
        await client.post(f"{base}/hub", json={"callback": "http://listener"})
        accepted = await client.post(f"{base}/{noun.lower()}", params={"mode": "async"}, json=body)
        assert accepted.status_code == 202
        assert_fits(accepted.json(), file, "Monitor")
        for _ in range(4):
            _, event = await inbox.next()
            assert_fits(event, file, event["eventType"])
        (monitor,) = (await client.get(f"{base}/monitor")).json()
        assert monitor["state"] == "Completed"
        assert_fits(monitor, file, "Monitor")


async def test_qualifications_fit_tmf645(database_url: str, stock: Path) -> None:
    inbox = Inbox()
    base = "/tmf-api/serviceQualificationManagement/v4"
    async with running(create_inventory(database_url, stock=stock, transport=inbox)) as client:
        await client.post(f"{base}/hub", json={"callback": "http://listener"})
        items = [
            {
                "id": place,
                "service": {"serviceSpecification": {"id": "cfs-internet"}, "place": [{**PLACE, "id": place}]},
            }
            for place in ("BER-1", "MOON")
        ]
        made = await client.post(f"{base}/checkServiceQualification", json={"serviceQualificationItem": items})
        assert made.status_code == 201
        assert_fits(made.json(), "TMF645-v4.0.1", "CheckServiceQualification")
        known = published("TMF645-v4.0.1")["definitions"]["CheckServiceQualificationItem"]["properties"]
        assert all(item.keys() <= known.keys() for item in made.json()["serviceQualificationItem"])
        await client.delete(made.json()["href"])
        for _ in range(2):
            _, event = await inbox.next()
            assert_fits(event, "TMF645-v4.0.1", event["eventType"])
