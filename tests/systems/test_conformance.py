"""What the conformance kits ask for beyond the published schemas: whole addresses, and the dates of what is kept."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from systems.activation.app import create_app as create_activation
from systems.inventory.app import create_app as create_inventory
from tests.systems.conftest import Inbox, keyed, running

pytestmark = pytest.mark.anyio

ACTIVATION = "/tmf-api/ServiceActivationAndConfiguration/v4"
CONFIGURATION = "/tmf-api/ResourceActivationAndConfiguration/v4"
SERVICE = {"state": "active", "serviceSpecification": {"id": "s"}}
QUESTION = {"serviceQualificationItem": [{"id": "1", "service": {"serviceSpecification": {"id": "cfs-internet"}}}]}
# System, path, the least body, and the attributes that an answer has in any case.
KEPT: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("inventory", "/tmf-api/productInventory/v4/product", {"status": "active"}, {"status", "startDate"}),
    ("inventory", "/tmf-api/serviceInventory/v4/service", SERVICE, {"state", "serviceDate", "startDate"}),
    ("inventory", "/tmf-api/resourceInventoryManagement/v4/resource", {"name": "Edge 1"}, {"name", "resourceStatus"}),
    (
        "inventory",
        "/tmf-api/serviceQualificationManagement/v4/checkServiceQualification",
        QUESTION,
        {"state", "checkServiceQualificationDate", "effectiveQualificationDate", "serviceQualificationItem"},
    ),
    ("activation", f"{ACTIVATION}/service", SERVICE, {"state", "serviceSpecification", "serviceDate", "startDate"}),
    ("activation", f"{CONFIGURATION}/resource", {}, {"state", "operationalState", "startOperatingDate"}),
    ("billing", "/billing/v1/charge", {"product": {"id": "p"}, "price": []}, {"state", "startDate"}),
]
DATED = [
    ("inventory", "/tmf-api/productInventory/v4/product", "status", {"status": "created"}, "terminationDate"),
    ("inventory", "/tmf-api/serviceInventory/v4/service", "state", SERVICE | {"state": "designed"}, "endDate"),
    ("activation", f"{ACTIVATION}/service", "state", SERVICE | {"state": "inactive"}, "endDate"),
]


@pytest.fixture
def clients(
    inventory: httpx2.AsyncClient, activation: httpx2.AsyncClient, billing: httpx2.AsyncClient
) -> dict[str, httpx2.AsyncClient]:
    return {"inventory": inventory, "activation": activation, "billing": billing}


@pytest.mark.parametrize(("system", "path", "body", "attributes"), KEPT, ids=[each[1] for each in KEPT])
async def test_what_is_kept_is_given_with_its_whole_address_and_its_dates(
    clients: dict[str, httpx2.AsyncClient], system: str, path: str, body: dict[str, Any], attributes: set[str]
) -> None:
    client = clients[system]
    made = await client.post(path, json=body, headers=keyed(path))
    document = made.json()
    assert document["href"] == made.headers["Location"] == f"http://system{path}/{document['id']}"
    assert {"id", "href", "@type", *attributes} <= document.keys()
    for name in attributes:
        if name.endswith("Date"):
            assert datetime.fromisoformat(document[name]).tzinfo == UTC
    assert (await client.get(document["href"])).json() == document
    listed = (await client.get(path, params={"href": document["href"]})).json()
    assert listed == [document]


@pytest.mark.parametrize("odd", ["日本", "a b", "a?b#c", "%41", "line\r\nSet-Cookie: a=b", "A'(b),;=+$&@!~:*"])
async def test_an_address_is_one_whatever_the_id_has_in_it(clients: dict[str, httpx2.AsyncClient], odd: str) -> None:
    for system, path, body, _ in KEPT:
        if "Qualification" in path or system == "billing":
            continue
        client, document_id = clients[system], f"{system} {odd}"
        made = await client.post(path, json=body | {"id": document_id}, headers=keyed(path))
        assert made.status_code == 201, made.text
        document = made.json()
        assert document["id"] == document_id
        assert document["href"] == made.headers["Location"]
        assert document["href"].isascii()
        assert document["href"].isprintable()
        assert (await client.get(document["href"])).json() == document
        assert (await client.get(path, params={"href": document["href"]})).json() == [document]
        others = {"href.ne": document["href"], "id": document_id}
        assert (await client.get(path, params=others)).json() == []


async def test_an_address_is_that_by_which_the_system_was_reached(clients: dict[str, httpx2.AsyncClient]) -> None:
    for system, path, body, _ in KEPT:
        client = clients[system]
        made = (await client.post(path, json=body, headers=keyed(path))).json()
        elsewhere = (await client.get(made["href"], headers={"Host": "crm.example:9101"})).json()
        assert elsewhere["href"] == f"http://crm.example:9101{path}/{made['id']}"
        unchanged = {"href": elsewhere["href"]}
        if "Qualification" not in path and system != "billing":
            again = await client.patch(made["href"], json=unchanged, headers={"Host": "crm.example:9101"})
            assert again.status_code == 200


async def test_the_public_address_goes_before_that_by_which_a_request_came(database_url: str, stock: Path) -> None:
    app = create_inventory(database_url, stock=stock, public_url="https://inventory.example")
    async with running(app) as client:
        pool = (await client.get("/tmf-api/resourcePoolManagement/v4/resourcePool/ont")).json()
        assert pool["href"] == "https://inventory.example/tmf-api/resourcePoolManagement/v4/resourcePool/ont"
        member = (await client.get("/tmf-api/resourceInventoryManagement/v4/resource?value=SN-001")).json()[0]
        assert member["href"].startswith("https://inventory.example/tmf-api/")


async def test_events_have_the_address_by_which_the_change_was_asked_for(database_url: str) -> None:
    inbox = Inbox()
    async with running(create_activation(database_url, transport=inbox)) as client:
        await client.post(f"{ACTIVATION}/hub", json={"callback": "http://listener"})
        for mode in ("sync", "async"):
            await client.post(f"{ACTIVATION}/service", params={"mode": mode}, json=SERVICE | {"id": mode})
        events = [(await inbox.next())[1]["event"] for _ in range(4)]
    hrefs = [document["href"] for event in events for document in event.values()]
    assert all(href.startswith(f"http://system{ACTIVATION}/") for href in hrefs), hrefs


@pytest.mark.parametrize(("system", "path", "state", "body", "ended"), DATED, ids=[each[1] for each in DATED])
async def test_the_dates_follow_the_state(
    clients: dict[str, httpx2.AsyncClient], system: str, path: str, state: str, body: dict[str, Any], ended: str
) -> None:
    client = clients[system]
    made = (await client.post(path, json=body)).json()
    assert not {"startDate", ended} & made.keys()

    async def step(to: str, **more: Any) -> dict[str, Any]:
        changed = await client.patch(made["href"], json={state: to, **more})
        assert changed.status_code == 200, changed.text
        document: dict[str, Any] = changed.json()
        return document

    active = await step("active")
    assert "startDate" in active
    assert ended not in active
    over = await step("terminated")
    assert over["startDate"] == active["startDate"]
    assert ended in over
    assert await step("active") == active
    assert (await step("terminated", **{ended: "2027-01-01T00:00:00Z"}))[ended] == "2027-01-01T00:00:00Z"


async def test_dates_that_are_given_are_kept(clients: dict[str, httpx2.AsyncClient]) -> None:
    given = {"serviceDate": "2018-01-15", "startDate": "2018-02-01T00:00:00Z"}
    for system, path in (("inventory", KEPT[1][1]), ("activation", KEPT[4][1])):
        made = (await clients[system].post(path, json=SERVICE | given | {"endDate": None})).json()
        assert {name: made[name] for name in given} == given
        refused = await clients[system].patch(made["href"], json={"serviceDate": "2019-01-01"})
        assert (refused.status_code, refused.json()["code"]) == (400, "notPatchable")


async def test_what_is_set_up_again_is_as_old_as_what_was_there(activation: httpx2.AsyncClient) -> None:
    path = f"{ACTIVATION}/service"
    idle = SERVICE | {"id": "s", "state": "inactive", "serviceDate": "2018-01-15"}
    await activation.post(path, json=idle)
    assert (await activation.post(path, json=SERVICE | {"id": "s"})).json()["serviceDate"] == "2018-01-15"
