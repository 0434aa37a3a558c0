"""Products and services: documents, list queries, and the audit of what is held against what is in service."""

from typing import Any

import httpx2
import pytest

from tests.systems.conftest import keyed

pytestmark = pytest.mark.anyio

PRODUCT = "/tmf-api/productInventory/v4/product"
SERVICE = "/tmf-api/serviceInventory/v4/service"
RESERVATION = "/tmf-api/resourcePoolManagement/v4/reservation"


LEAST: dict[str, dict[str, Any]] = {
    PRODUCT: {"status": "created"},
    SERVICE: {"state": "feasibilityChecked", "serviceSpecification": {"id": "cfs-internet"}},
}


async def make(client: httpx2.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=LEAST[path] | body, headers=keyed(f"make {path} {body}"))
    assert answer.status_code == 201
    document: dict[str, Any] = answer.json()
    return document


async def test_a_product_keeps_what_it_is_given(inventory: httpx2.AsyncClient) -> None:
    answer = await inventory.post(
        PRODUCT, json={"name": "Fibre", "colour": "blue", "status": "created"}, headers=keyed("k")
    )
    product = answer.json()
    assert answer.headers["Location"] == product["href"] == f"http://system{PRODUCT}/{product['id']}"
    assert (product["status"], product["colour"]) == ("created", "blue")
    assert (await inventory.get(product["href"])).json() == product


async def test_an_id_of_ones_own_is_taken_once(inventory: httpx2.AsyncClient) -> None:
    await make(inventory, SERVICE, id="svc-1", state="active")
    taken = await inventory.post(SERVICE, json=LEAST[SERVICE] | {"id": "svc-1"}, headers=keyed("k"))
    assert (taken.status_code, taken.json()["code"]) == (409, "idTaken")


async def test_a_merge_patch_removes_merges_and_replaces(inventory: httpx2.AsyncClient) -> None:
    service = await make(inventory, SERVICE, name="a", note=[{"text": "1"}, {"text": "2"}], extra={"x": 1, "y": 2})
    patched = await inventory.patch(
        service["href"],
        json={"name": None, "state": "active", "note": [{"text": "3"}], "extra": {"y": 3}},
        headers=keyed("k") | {"Content-Type": "application/merge-patch+json"},
    )
    assert patched.status_code == 200
    kept = {name: value for name, value in service.items() if name != "name"}
    changed = {"state": "active", "note": [{"text": "3"}], "extra": {"x": 1, "y": 3}}
    assert patched.json() == kept | changed | {"startDate": patched.json()["startDate"]}
    found = await inventory.get(SERVICE, params={"state": "active"})
    assert [document["id"] for document in found.json()] == [service["id"]]


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        (PRODUCT, {"status": "happy"}, "status"),
        (PRODUCT, {"isBundle": "yes"}, "isBundle"),
        (PRODUCT, {"startDate": "tomorrow"}, "startDate"),
        (PRODUCT, {"productOffering": {}}, "productOffering.id"),
        (SERVICE, {"state": "suspended"}, "state"),
        (SERVICE, {"id": 7}, "id"),
        (SERVICE, {"id": "x" * 201}, "id"),
        (SERVICE, {"serviceCharacteristic": [{"name": "speed"}]}, "serviceCharacteristic[0].value"),
    ],
)
async def test_an_illegal_value_is_refused_by_its_name(
    inventory: httpx2.AsyncClient, path: str, body: dict[str, object], named: str
) -> None:
    document = await make(inventory, path)
    for refused in (
        await inventory.post(path, json=LEAST[path] | body, headers=keyed("k")),
        await inventory.patch(document["href"], json=body, headers=keyed("p")),
    ):
        assert (refused.status_code, refused.json()["@type"]) == (400, "Error")
        assert f"{named}: " in refused.json()["reason"] or refused.json()["reason"] == f"{named} cannot be changed"
    assert (await inventory.get(document["href"])).json() == document


@pytest.mark.parametrize(("path", "required"), [(PRODUCT, ["status"]), (SERVICE, ["state", "serviceSpecification"])])
async def test_what_the_standard_requires_is_named_where_it_is_missing(
    inventory: httpx2.AsyncClient, path: str, required: list[str]
) -> None:
    refused = await inventory.post(path, json={"name": "bare"})
    assert refused.status_code == 400
    assert refused.json()["reason"] == "; ".join(f"{name}: is missing; there is name" for name in required)
    document = await make(inventory, path)
    removal = await inventory.patch(document["href"], json=dict.fromkeys(required))
    assert (removal.status_code, removal.json()["reason"]) == (400, f"{', '.join(required)} cannot be removed")


async def test_absent_documents_are_not_found(inventory: httpx2.AsyncClient) -> None:
    for answer in (
        await inventory.get(f"{PRODUCT}/none"),
        await inventory.patch(f"{PRODUCT}/none", json={}, headers=keyed("a")),
        await inventory.delete(f"{PRODUCT}/none", headers=keyed("b")),
    ):
        assert answer.status_code == 404
        assert answer.json()["@type"] == "Error"


async def test_lists_are_filtered_by_every_attribute_named(inventory: httpx2.AsyncClient) -> None:
    anna = {"relatedParty": [{"id": "anna", "role": "customer"}, {"id": "shop", "role": "seller"}]}
    one = await make(inventory, PRODUCT, **anna, status="active", productSpecification={"id": "ps-1"}, isBundle=True)
    two = await make(inventory, PRODUCT, **anna, status="terminated", productSpecification={"id": "ps-1"})
    await make(inventory, PRODUCT, relatedParty=[{"id": "bert"}], status="active")

    async def ids(**params: str) -> list[str]:
        return [document["id"] for document in (await inventory.get(PRODUCT, params=params)).json()]

    assert await ids(**{"relatedParty.id": "anna"}) == [one["id"], two["id"]]
    assert await ids(**{"relatedParty.id": "anna", "status": "active"}) == [one["id"]]
    assert await ids(**{"productSpecification.id": "ps-1", "status": '"terminated"'}) == [two["id"]]
    assert await ids(**{"relatedParty.role": "seller", "isBundle": "true"}) == [one["id"]]
    assert await ids(**{"relatedParty.id": "anna", "status": "active,terminated"}) == [one["id"], two["id"]]
    assert await ids(**{"relatedParty.id": "nobody"}) == []


async def test_a_truncated_page_is_partial_content(inventory: httpx2.AsyncClient) -> None:
    made = [await make(inventory, SERVICE, name=f"s{n}", state="active") for n in range(5)]
    page = await inventory.get(SERVICE, params={"offset": "1", "limit": "2", "fields": "name"})
    assert page.status_code == 206
    assert (page.headers["X-Total-Count"], page.headers["X-Result-Count"]) == ("5", "2")
    assert page.json() == [{"id": made[n]["id"], "href": made[n]["href"], "name": f"s{n}"} for n in (1, 2)]
    whole = await inventory.get(SERVICE)
    assert (whole.status_code, whole.headers["X-Total-Count"], len(whole.json())) == (200, "5", 5)
    assert (await inventory.get(SERVICE, params={"limit": "-1"})).status_code == 400


async def test_the_audit_finds_a_resource_that_no_active_service_uses(inventory: httpx2.AsyncClient) -> None:
    async def reserve(key: str) -> str:
        body = {"resourceSpecification": {"id": "msisdn"}, "requestedBy": key}
        return str((await inventory.post(RESERVATION, json=body, headers=keyed(key))).json()["id"])

    used, leaked = await reserve("so:1"), await reserve("so:2")
    service = await make(inventory, SERVICE, state="active", supportingResource=[{"id": used}])
    idle = await make(inventory, SERVICE, state="designed", supportingResource=[{"id": leaked}])
    product = await make(inventory, PRODUCT, status="active")
    await make(inventory, PRODUCT, status="terminated")

    audit = (await inventory.get("/audit")).json()
    assert [line["id"] for line in audit["resources"]] == [used, leaked]
    assert [(line["id"], line["requestedBy"]) for line in audit["leaked"]] == [(leaked, "so:2")]
    assert audit["services"] == [
        {"id": service["id"], "state": "active"},
        {"id": idle["id"], "state": "designed"},
    ]
    assert audit["products"] == [{"id": product["id"], "status": "active"}]
    assert audit["consistent"] is False

    await inventory.delete(f"{RESERVATION}/{leaked}", headers=keyed("mend"))
    audit = (await inventory.get("/audit")).json()
    assert (audit["leaked"], audit["dangling"], audit["consistent"]) == ([], [], True)

    await inventory.delete(f"{RESERVATION}/{used}", headers=keyed("break"))
    audit = (await inventory.get("/audit")).json()
    assert (audit["dangling"], audit["consistent"]) == ([used], False)
