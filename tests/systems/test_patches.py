"""Patches of every kind, read-only attributes, and life cycles."""

from typing import Any

import httpx2
import pytest

from systems.common.errors import Refusal
from systems.common.patches import Patch
from systems.inventory import lifecycle
from tests.systems.conftest import keyed

PRODUCT = "/tmf-api/productInventory/v4/product"
SERVICE = "/tmf-api/serviceInventory/v4/service"
RESOURCE = "/tmf-api/resourceInventoryManagement/v4/resource"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def operations(*given: dict[str, Any]) -> Patch:
    return Patch(list(given))


def test_operations_are_done_one_after_the_other() -> None:
    document = {"id": "p", "note": [{"text": "a"}]}
    patch = operations(
        {"op": "test", "path": "/id", "value": "p"},
        {"op": "add", "path": "/note/-", "value": {"text": "b"}},
        {"op": "copy", "from": "/note/1", "path": "/note/0"},
        {"op": "remove", "path": "/note/1"},
    )
    assert patch.applied_to(document) == {"id": "p", "note": [{"text": "b"}, {"text": "b"}]}
    assert document == {"id": "p", "note": [{"text": "a"}]}


@pytest.mark.parametrize(
    ("operation", "status", "reason"),
    [
        ({"op": "test", "path": "/id", "value": True}, 409, '[1]: test /id: is "p", and not true'),
        ({"op": "test", "path": "/count", "value": True}, 409, "[1]: test /count: is 1, and not true"),
        (
            {"op": "test", "path": "/absent", "value": 1},
            400,
            '[1]: test /absent: the document has no attribute "absent"',
        ),
        ({"op": "remove", "path": "/absent"}, 400, '[1]: remove /absent: the document has no attribute "absent"'),
        ({"op": "remove", "path": ""}, 400, "[1]: remove: the whole document cannot be removed"),
        (
            {"op": "replace", "path": "/absent/deep", "value": 1},
            400,
            '[1]: replace /absent/deep: the document has no attribute "absent"',
        ),
        ({"op": "add", "path": "/id/deep", "value": 1}, 400, '[1]: add /id/deep: /id is "p", which has no parts'),
        (
            {"op": "whim", "path": "/id"},
            400,
            '[1]: whim /id: op must be "add", "remove", "replace", "move", "copy" or "test", not "whim"',
        ),
        ({"path": "/id"}, 400, '[1]: /id: op is missing: "add", "remove", "replace", "move", "copy" or "test"'),
        ({"op": "add", "path": "/id"}, 400, "[1]: add /id: value is missing"),
        (
            {"op": "add", "path": "id", "value": 1},
            400,
            '[1]: add id: path must be a text such as "/productOrderItem/0/action" (in names ~0 for ~, ~1 for /), '
            'not "id"',
        ),
        ({"op": "add", "path": "/note/7", "value": 1}, 400, "[1]: add /note/7: /note has 0 entries, and none at 7"),
        ({"op": "move", "from": "/at", "path": "/at/x"}, 400, "[1]: move /at /at/x: nothing can be moved into itself"),
        ({"op": "replace", "path": "", "value": []}, 400, "the patch must leave a JSON object, not []"),
        (
            None,
            400,
            '[1]: an operation must be an object such as {"op": "remove", "path": "/note"}, not null',
        ),
    ],
)
def test_an_operation_that_cannot_be_done_is_named_with_the_reason(operation: Any, status: int, reason: str) -> None:
    patch = Patch([{"op": "add", "path": "/count", "value": 1}, operation])
    with pytest.raises(Refusal) as refused:
        patch.applied_to({"id": "p", "note": [], "at": {}})
    assert (refused.value.status, refused.value.reason) == (status, reason)


def test_copies_of_copies_end_at_the_limit() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": f"/a/{number}"} for number in range(60)]
    with pytest.raises(Refusal) as refused:
        Patch(doubling).applied_to({"a": {"x": "y" * 100}})
    assert refused.value.status == 413


@pytest.mark.parametrize("life_cycle", [lifecycle.PRODUCT, lifecycle.SERVICE])
def test_a_life_cycle_leads_from_state_to_state(life_cycle: lifecycle.LifeCycle) -> None:
    assert {after for steps in life_cycle.values() for after in steps} <= life_cycle.keys()
    for state in life_cycle:
        lifecycle.check_step(life_cycle, "state", state, state)


@pytest.mark.parametrize(
    ("life_cycle", "before", "after", "allowed"),
    [
        (lifecycle.PRODUCT, "created", "pendingActive", True),
        (lifecycle.PRODUCT, "active", "suspended", True),
        (lifecycle.PRODUCT, "suspended", "active", True),
        (lifecycle.PRODUCT, "terminated", "active", True),
        (lifecycle.PRODUCT, "active", "created", False),
        (lifecycle.PRODUCT, "active", "aborted", False),
        (lifecycle.PRODUCT, "cancelled", "active", False),
        (lifecycle.SERVICE, "feasibilityChecked", "designed", True),
        (lifecycle.SERVICE, "reserved", "active", True),
        (lifecycle.SERVICE, "active", "terminated", True),
        (lifecycle.SERVICE, "active", "reserved", False),
        (lifecycle.SERVICE, "terminated", "designed", False),
    ],
)
def test_some_states_may_follow_others(life_cycle: lifecycle.LifeCycle, before: str, after: str, allowed: bool) -> None:
    if allowed:
        lifecycle.check_step(life_cycle, "state", before, after)
        return
    with pytest.raises(Refusal, match=f"state cannot go from {before} to {after}") as refused:
        lifecycle.check_step(life_cycle, "state", before, after)
    assert refused.value.status == 409


async def made(client: httpx2.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.anyio
async def test_a_product_is_patched_by_operations(inventory: httpx2.AsyncClient) -> None:
    product = await made(inventory, PRODUCT, status="active", name="a", colour="red")
    patch = [{"op": "replace", "path": "/status", "value": "suspended"}, {"op": "remove", "path": "/colour"}]
    answer = await inventory.patch(product["href"], json=patch, headers=keyed("k") | JSON_PATCH)
    kept = {name: value for name, value in product.items() if name != "colour"}
    assert (answer.status_code, answer.json()) == (200, kept | {"status": "suspended"})
    assert (await inventory.get(product["href"])).json() == answer.json()


@pytest.mark.anyio
async def test_a_resource_is_patched_by_operations(inventory: httpx2.AsyncClient) -> None:
    patch = [
        {"op": "add", "path": "/description", "value": "spare"},
        {"op": "replace", "path": "/operationalState", "value": "enable"},
    ]
    answer = await inventory.patch(f"{RESOURCE}/ont-1", json=patch, headers=JSON_PATCH)
    assert (answer.json()["description"], answer.json()["operationalState"]) == ("spare", "enable")
    removed = await inventory.patch(f"{RESOURCE}/ont-1", json={"description": None})
    assert "description" not in removed.json()


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["id", "href"])
async def test_what_only_the_system_sets_cannot_be_patched(inventory: httpx2.AsyncClient, name: str) -> None:
    product = await made(inventory, PRODUCT, status="active")
    for patch, headers in (
        ({name: "other"}, {}),
        ({name: None}, {}),
        ([{"op": "replace", "path": f"/{name}", "value": "other"}], JSON_PATCH),
    ):
        refused = await inventory.patch(product["href"], json=patch, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (400, "notPatchable")
        assert refused.json()["reason"] == f"{name} cannot be changed"
    same = await inventory.patch(product["href"], json={name: product[name]})
    assert same.status_code == 200


@pytest.mark.anyio
async def test_the_date_of_a_service_is_set_once(inventory: httpx2.AsyncClient) -> None:
    body = {"state": "active", "serviceSpecification": {"id": "s"}, "serviceDate": "2026-03-01"}
    service = await made(inventory, SERVICE, **body)
    refused = await inventory.patch(service["href"], json={"serviceDate": "2026-04-01"})
    assert (refused.status_code, refused.json()["reason"]) == (400, "serviceDate cannot be changed")


@pytest.mark.anyio
async def test_a_step_off_the_life_cycle_changes_nothing(inventory: httpx2.AsyncClient) -> None:
    product = await made(inventory, PRODUCT, status="cancelled")
    refused = await inventory.patch(product["href"], json={"status": "active", "name": "back"})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegalTransition")
    assert (await inventory.get(product["href"])).json() == product


@pytest.mark.anyio
@pytest.mark.parametrize("media", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
async def test_another_media_type_is_not_taken(inventory: httpx2.AsyncClient, media: str) -> None:
    product = await made(inventory, PRODUCT, status="active")
    for method, path in (("POST", PRODUCT), ("PATCH", product["href"])):
        refused = await inventory.request(method, path, content=b"{}", headers={"Content-Type": media})
        assert (refused.status_code, refused.json()["code"]) == (415, "unsupportedMediaType")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"7", 400),
        (b'{"name": "\\u0000"}', 400),
        (b'{"name": "\\ud800"}', 400),
        (b'{"n": NaN}', 400),
        (b'{"n": 1e999}', 400),
        (b"[" * 100_000, 400),
        (b'{"name": "' + b"x" * 2_000_001 + b'"}', 413),
    ],
    ids=["nothing", "unfinished", "list", "number", "null", "half", "nan", "infinite", "deep", "large"],
)
async def test_what_is_no_json_object_is_refused(inventory: httpx2.AsyncClient, content: bytes, status: int) -> None:
    refused = await inventory.post(PRODUCT, content=content, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["@type"]) == (status, "Error")


@pytest.mark.anyio
async def test_a_method_that_there_is_not_is_refused_as_an_error(inventory: httpx2.AsyncClient) -> None:
    refused = await inventory.put(f"{PRODUCT}/p", json={})
    assert (refused.status_code, refused.json()["code"]) == (405, "methodNotAllowed")
    assert refused.headers["Allow"]
    nowhere = await inventory.get("/tmf-api/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "notFound")


@pytest.mark.anyio
async def test_each_request_without_a_key_takes_effect(inventory: httpx2.AsyncClient) -> None:
    one, two = [await made(inventory, PRODUCT, status="active") for _ in range(2)]
    assert one["id"] != two["id"]


@pytest.mark.anyio
async def test_a_slash_at_the_end_of_an_address_changes_nothing(activation: httpx2.AsyncClient) -> None:
    path = "/tmf-api/ServiceActivationAndConfiguration/v4/service"
    body = {"id": "s", "state": "active", "serviceSpecification": {"id": "rfs"}}
    service = (await activation.post(f"{path}/", json=body)).json()
    assert service["href"] == f"http://system{path}/s"
    assert (await activation.get(f"{path}/")).json() == [service]
    assert (await activation.get(f"{path}/s/", params={"fields": "state"})).json()["state"] == "active"
    assert (await activation.get(f"{path}/s%2F")).status_code == 404
    assert (await activation.patch(f"{path}/s/", json={"state": "inactive"})).status_code == 200
    assert (await activation.delete(f"{path}/s/")).status_code == 204
