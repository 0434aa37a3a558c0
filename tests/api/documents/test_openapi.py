"""The OpenAPI documents are whole, and their pages need nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from catalogs.checks.product_orders import check_order
from orders.model.installed import InstalledBase
from orders.model.product_orders import ProductOrder
from tests.api.conftest import BASE_URL, PRODUCT_ORDERS, Bench
from tests.shipped import shipped_catalogs

pytestmark = pytest.mark.anyio


APIS = {
    "/tmf-api/productOrderingManagement/v4": ("TMF622 Product Ordering", "4.0.0"),
    "/tmf-api/serviceOrdering/v4": ("TMF641 Service Ordering", "4.1.0"),
    "/tmf-api/resourceOrdering/v4": ("TMF652 Resource Ordering", "4.0.0"),
    "/fallout/v1": ("Fallout", "1.0.0"),
}


async def documents(bench: Bench) -> dict[str, dict[str, Any]]:
    """Return all documents by their paths: that of the whole gateway, and one for each API that it links to."""
    whole = (await bench.client.get("/openapi.json")).json()
    bases = re.findall(r"\]\((/[^)]+)/docs\)", whole["info"]["description"])
    assert APIS.keys() <= set(bases)
    paths = [f"{base}/openapi.json" for base in bases]
    return {"/openapi.json": whole} | {path: (await bench.client.get(path)).json() for path in paths}


async def test_no_page_loads_anything_from_elsewhere(bench: Bench) -> None:
    for base in ("", *APIS):
        page = (await bench.client.get(f"{base}/docs")).text
        assert f"{base}/openapi.json" in page
        for address in re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page):
            assert address.startswith("/"), address
            asset = await bench.client.get(address)
            assert asset.status_code == 200
            assert len(asset.content) > 1000
        assert "https://" not in page
        assert '"validatorUrl": null' in page


async def test_each_api_has_a_document_of_its_own(bench: Bench) -> None:
    found = await documents(bench)
    for base, (title, version) in APIS.items():
        document = found[f"{base}/openapi.json"]
        assert (document["info"]["title"], document["info"]["version"]) == (title, version)
        assert document["servers"] == [{"url": f"{BASE_URL}{base}"}]
        assert {tag["name"] for tag in document["tags"]} >= {title}
    orders = found["/tmf-api/productOrderingManagement/v4/openapi.json"]["paths"]
    assert {"/productOrder", "/productOrder/{id}", "/cancelProductOrder"} <= orders.keys()
    assert not any("serviceOrder" in path for path in orders)


async def test_the_document_of_the_gateway_has_every_operation_of_every_api(bench: Bench) -> None:
    found = await documents(bench)
    whole = found.pop("/openapi.json")
    for path, document in found.items():
        for name, operations in document["paths"].items():
            assert whole["paths"][path.removesuffix("/openapi.json") + name].keys() == operations.keys()


async def test_every_reference_resolves_and_every_schema_is_used(bench: Bench) -> None:
    for document in (await documents(bench)).values():
        references = set(_references(document))
        for reference in references:
            node = document
            for step in reference.removeprefix("#/").split("/"):
                node = node[step]
        named = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        assert named == {each for each in references if each.startswith("#/components/schemas/")}


async def test_no_schema_is_called_by_its_module(bench: Bench) -> None:
    for document in (await documents(bench)).values():
        assert [name for name in document["components"]["schemas"] if "__" in name] == []


async def test_every_operation_is_described_with_its_errors(bench: Bench) -> None:
    for path, document in (await documents(bench)).items():
        operations = [operation for each in document["paths"].values() for operation in each.values()]
        ids = [operation["operationId"] for operation in operations]
        assert len(set(ids)) == len(ids)
        for operation in operations:
            assert operation["summary"]
            assert operation["tags"]
            assert "default" not in operation["responses"]
            for status, answer in operation["responses"].items():
                assert answer["description"]
                if status >= "400" and "Health" not in operation["tags"]:
                    content = answer["content"]["application/json"]
                    assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}, (path, operation)
                    assert content["example"]["status"] == status
        assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_every_body_has_an_example_that_fits_its_schema(bench: Bench) -> None:
    for document in (await documents(bench)).values():
        for operation in (operation for each in document["paths"].values() for operation in each.values()):
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schema = {**content["schema"], "components": document["components"]}
                assert list(Draft202012Validator(schema).iter_errors(content["example"])) == []


async def test_what_can_be_cut_down_to_fields_requires_what_is_always_given(bench: Bench) -> None:
    for document in (await documents(bench)).values():
        for operation in (operation for each in document["paths"].values() for operation in each.values()):
            for parameter in (each for each in operation.get("parameters", []) if each["name"] == "fields"):
                always_given = re.findall(r"`([^`]+)`", parameter["description"])
                for status in operation["responses"].keys() & {"200", "206"}:
                    schema = operation["responses"][status]["content"]["application/json"]["schema"]
                    name = schema.get("items", schema)["$ref"].removeprefix("#/components/schemas/")
                    required = document["components"]["schemas"][name].get("required", [])
                    assert set(required) <= set(always_given), operation["operationId"]


async def test_the_example_of_an_order_can_be_ordered(bench: Bench) -> None:
    document = (await bench.client.get("/openapi.json")).json()
    create = document["paths"][PRODUCT_ORDERS]["post"]
    example = create["requestBody"]["content"]["application/json"]["example"]
    answer = await bench.client.post(
        PRODUCT_ORDERS, content=json.dumps(example), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201
    order = ProductOrder.model_validate(answer.json())
    assert check_order(order, shipped_catalogs(), InstalledBase(), datetime.now(UTC)) == []


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from _references(each)
    elif isinstance(node, list):
        for each in node:
            yield from _references(each)
