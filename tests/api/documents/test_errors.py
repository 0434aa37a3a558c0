"""Every error, whatever its cause, has the TM Forum error body."""

from __future__ import annotations

from typing import Any

import pytest

from orders.lifecycle.states import OrderKind
from store.errors import StoreUnavailableError
from tests.api.conftest import MINIMAL, PRODUCT_ORDERS, RESOURCE_ORDERS, SERVICE_ORDERS, Bench
from tests.api.ordering.test_cancellations import CANCEL_PRODUCT
from tmf.query.query import ListQuery

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "notFound"),
        ("GET", "/nowhere", 404, "notFound"),
        ("GET", f"{PRODUCT_ORDERS}/preview/deeper", 404, "notFound"),
        ("PUT", PRODUCT_ORDERS, 405, "methodNotAllowed"),
        ("PUT", SERVICE_ORDERS, 405, "methodNotAllowed"),
        ("PUT", f"{RESOURCE_ORDERS}/1", 405, "methodNotAllowed"),
    ],
)
async def test_what_is_not_served_has_the_error_body(
    bench: Bench, method: str, path: str, status: int, code: str
) -> None:
    answer = await bench.client.request(method, path)
    error = answer.json()
    assert answer.status_code == status
    assert (error["code"], error["status"], error["@type"]) == (code, str(status), "Error")
    assert error["reason"]
    assert error["message"].startswith(f"{method} {path}: ")


async def test_a_method_that_is_not_served_is_answered_with_all_that_are(bench: Bench) -> None:
    answer = await bench.client.put(PRODUCT_ORDERS)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_slash_at_the_end_of_an_address_changes_nothing(bench: Bench) -> None:
    made = await bench.client.post(f"{PRODUCT_ORDERS}/", json=MINIMAL)
    assert made.status_code == 201, made.text
    read = await bench.client.get(f"{PRODUCT_ORDERS}/{made.json()['id']}/")
    assert read.json()["id"] == made.json()["id"]
    assert (await bench.client.get(f"{PRODUCT_ORDERS}/{made.json()['id']}%2F")).status_code == 404
    assert (await bench.client.put(f"{PRODUCT_ORDERS}/", json={})).headers["Allow"] == "GET, HEAD, OPTIONS, POST"


async def test_options_name_the_methods_of_a_path(bench: Bench) -> None:
    answer = await bench.client.options(f"{PRODUCT_ORDERS}/preview")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "POST" in answer.headers["Allow"]
    assert (await bench.client.options("/nowhere")).status_code == 404


async def test_head_is_answered_as_get_without_the_body(bench: Bench) -> None:
    await bench.ordered()
    got, head = await bench.client.get(PRODUCT_ORDERS), await bench.client.head(PRODUCT_ORDERS)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == got.headers
    assert (await bench.client.head(f"{PRODUCT_ORDERS}/unknown")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "media_type", "status", "code"),
    [
        ("GET", f"{PRODUCT_ORDERS}/unknown", b"", "", 404, "notFound"),
        ("PUT", PRODUCT_ORDERS, b"{}", "application/json", 405, "methodNotAllowed"),
        ("POST", PRODUCT_ORDERS, b"{", "application/json", 400, "invalidRequest"),
        ("POST", PRODUCT_ORDERS, b"<order/>", "application/xml", 415, "unsupportedMediaType"),
        ("POST", PRODUCT_ORDERS, b" " * 20_000, "application/json", 413, "bodyTooLarge"),
    ],
)
async def test_every_error_leads_to_its_explanation(
    bench: Bench, method: str, path: str, body: bytes, media_type: str, status: int, code: str
) -> None:
    answer = await bench.client.request(method, path, content=body, headers={"Content-Type": media_type})
    error = answer.json()
    assert (answer.status_code, error["code"], error["status"]) == (status, code, str(status))
    page, _, anchor = error["referenceError"].partition("#")
    assert f'id="{anchor}"' in (await bench.client.get(page)).text


@pytest.fixture
async def storeless(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    async def fail(*_: object, **_options: object) -> None:
        raise StoreUnavailableError("the order store cannot be reached: connection refused")

    for way in ("read", "list", "write", "write_together"):
        monkeypatch.setattr(bench.database, way, fail)
    return bench


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", PRODUCT_ORDERS),
        ("GET", PRODUCT_ORDERS),
        ("GET", f"{PRODUCT_ORDERS}/1"),
        ("GET", f"{PRODUCT_ORDERS}/1/plan"),
        ("GET", f"{SERVICE_ORDERS}?state=held"),
        ("GET", f"{RESOURCE_ORDERS}/1"),
        ("POST", f"{PRODUCT_ORDERS}/1/hold"),
        ("PATCH", f"{PRODUCT_ORDERS}/1"),
        ("POST", f"{PRODUCT_ORDERS}/1/preview"),
        ("GET", f"{PRODUCT_ORDERS}/1/revision"),
        ("GET", CANCEL_PRODUCT),
        ("GET", f"{CANCEL_PRODUCT}/1"),
        ("GET", "/fallout/v1/task?state=open"),
        ("GET", "/manual/v1/task/1"),
        ("POST", "/manual/v1/task/1/completion"),
    ],
)
async def test_without_the_store_everything_is_to_be_tried_again_later(
    storeless: Bench, method: str, path: str
) -> None:
    answer = await storeless.client.request(method, path, json=_body(method, path))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["code"] == "unavailable"
    assert storeless.engine.attempts == []


def _body(method: str, path: str) -> Any:
    if method == "GET" or path.endswith(("hold", "completion")):
        return None if method == "GET" else {}
    return MINIMAL


async def test_a_defect_is_500_and_says_nothing_of_the_inside(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(kind: OrderKind, query: ListQuery) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(bench.orders, "find", fail)
    answer = await bench.client.get(PRODUCT_ORDERS)
    assert answer.status_code == 500
    assert answer.json()["code"] == "internalError"
    assert "secret" not in answer.text
