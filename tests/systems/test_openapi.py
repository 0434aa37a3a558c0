"""The OpenAPI documents: whole, self-contained, and kept by every answer to arbitrary requests."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from systems.activation.app import APIS as ACTIVATION_APIS
from systems.activation.app import create_app as create_activation
from systems.billing.app import create_app as create_billing
from systems.inventory.app import APIS as INVENTORY_APIS
from systems.inventory.app import create_app as create_inventory
from tests.systems.conftest import SMALL_STOCK, running, sqlite
from tests.thorough import examples

BILLING_APIS = {"/billing/v1": "Billing"}
SYSTEMS: dict[str, Callable[[str], FastAPI]] = {
    "inventory": create_inventory,
    "activation": create_activation,
    "billing": create_billing,
}
APIS = {"inventory": INVENTORY_APIS, "activation": ACTIVATION_APIS, "billing": BILLING_APIS}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What makes a system misbehave, or slow, on purpose is not among what it is held to.
ON_DEMAND = r"^/(faults|failures|settings)"


def system(name: str, folder: Path) -> FastAPI:
    """One of the systems, with a small stock."""
    url = sqlite(folder, name)
    if name != "inventory":
        return SYSTEMS[name](url)
    stock = folder / "stock.yaml"
    stock.write_text(SMALL_STOCK)
    return create_inventory(url, stock=stock)


def document_of(name: str, folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = system(name, folder).openapi()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_operation_is_described_with_its_answers(name: str, tmp_path: Path) -> None:
    document = document_of(name, tmp_path)
    assert document["info"]["title"] == f"Reference {name} system"
    assert document["info"]["description"]
    for called, operation in operations(document):
        assert operation["summary"], called
        assert len(operation["tags"]) == 1, called
        assert operation["responses"]["default"]["content"]["application/json"]["schema"] == {
            "$ref": "#/components/schemas/Error"
        }
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert media["schema"], called
            assert "example" in media or "/faults" in called or "/settings" in called, called
    assert "HTTPValidationError" not in document["components"]["schemas"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_reference_of_a_document_resolves(name: str, tmp_path: Path) -> None:
    document = document_of(name, tmp_path)
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_can_be_cut_down_to_fields_requires_what_is_always_given(name: str, tmp_path: Path) -> None:
    document = document_of(name, tmp_path)
    cut_down = [
        (called, answer["content"]["application/json"]["schema"])
        for called, operation in operations(document)
        if any(parameter["name"] == "fields" for parameter in operation.get("parameters", []))
        for status, answer in operation["responses"].items()
        if status in ("200", "206")
    ]
    assert cut_down
    for called, schema in cut_down:
        one = schema.get("items", schema)["$ref"].removeprefix("#/components/schemas/")
        required = document["components"]["schemas"][one].get("required", [])
        assert set(required) <= {"id", "href"}, called


@pytest.mark.anyio
@pytest.mark.parametrize("name", SYSTEMS)
async def test_each_api_has_a_document_of_its_own(name: str, tmp_path: Path) -> None:
    async with running(system(name, tmp_path)) as client:
        for base, title in APIS[name].items():
            document = (await client.get(f"{base}/openapi.json")).json()
            assert document["info"]["title"] == title
            assert document["paths"]
            assert all(path.startswith(f"{base}/") for path in document["paths"])
            referred = {reference.removeprefix("#/components/schemas/") for reference in references(document)}
            assert referred == document["components"]["schemas"].keys()


@pytest.mark.anyio
@pytest.mark.parametrize("name", SYSTEMS)
async def test_the_page_loads_nothing_from_elsewhere(name: str, tmp_path: Path) -> None:
    async with running(system(name, tmp_path)) as client:
        page = (await client.get("/docs")).text
        for address in re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page):
            assert address.startswith("/"), address
            assert (await client.get(address)).status_code == 200
        assert "https://" not in page


@pytest.mark.anyio
@pytest.mark.parametrize("name", SYSTEMS)
async def test_every_example_of_a_creation_is_taken(name: str, tmp_path: Path) -> None:
    async with running(system(name, tmp_path)) as client:
        for path, item in (await client.get("/openapi.json")).json()["paths"].items():
            media = item.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
            if "example" in media and "{" not in path:
                answer = await client.post(path, json=media["example"])
                assert answer.is_success, (path, answer.text)


@pytest.mark.parametrize("name", SYSTEMS)
def test_arbitrary_requests_are_answered_as_the_document_says(name: str, tmp_path: Path) -> None:
    app = system(name, tmp_path)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        client = runner.run(stack.enter_async_context(running(app)))
        try:
            described = schemathesis.openapi.from_dict(app.openapi())
            for operation in described.exclude(path_regex=ON_DEMAND).get_all_operations():
                assert isinstance(operation, Ok)
                _hold_to_its_description(operation.ok(), lambda request: runner.run(client.send(request)))
        finally:
            runner.run(stack.aclose())


def _hold_to_its_description(
    operation: schemathesis.APIOperation[Any, Any, Any, Any], send: Callable[[httpx2.Request], httpx2.Response]
) -> None:
    for mode in schemathesis.GenerationMode:
        try:
            cases = operation.as_strategy(generation_mode=mode)
            _hold(cases, send)
        except Unsatisfiable:
            # Nothing can be wrong with a request that has no parts.
            assert mode is schemathesis.GenerationMode.NEGATIVE


def _hold(cases: SearchStrategy[schemathesis.Case[Any]], send: Callable[[httpx2.Request], httpx2.Response]) -> None:
    @settings(
        max_examples=examples(1, 20),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def hold(case: schemathesis.Case[Any]) -> None:
        case.validate_response(send(_request(case)), checks=CHECKS)

    hold()


def _request(case: schemathesis.Case[Any]) -> httpx2.Request:
    given = case.as_transport_kwargs(base_url="http://system")
    parts = {
        name: given.get(name) for name in ("method", "url", "headers", "params", "json", "data", "files", "cookies")
    }
    prepared = requests.Request(**parts).prepare()
    assert prepared.body is None or isinstance(prepared.body, str | bytes)
    headers = [(name, text.encode() if isinstance(text, str) else text) for name, text in prepared.headers.items()]
    return httpx2.Request(
        prepared.method or "",
        prepared.url or "",
        headers=[(name.encode(), value) for name, value in headers],
        content=prepared.body,
    )
