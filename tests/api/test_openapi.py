"""The OpenAPI document is whole, and its page needs nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from catalogs.loader import default_catalogs, load_catalogs
from catalogs.order_check import check_order
from orders.installed import InstalledBase
from orders.tmf import ProductOrder
from tests.api.conftest import PRODUCT_ORDERS, Bench

pytestmark = pytest.mark.anyio


async def test_the_page_loads_nothing_from_elsewhere(bench: Bench) -> None:
    page = (await bench.client.get("/docs")).text
    for address in re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page):
        assert address.startswith("/"), address
        asset = await bench.client.get(address)
        assert asset.status_code == 200
        assert len(asset.content) > 1000
    assert "https://" not in page
    assert '"validatorUrl": null' in page


async def test_every_reference_of_the_document_resolves(bench: Bench) -> None:
    document = (await bench.client.get("/openapi.json")).json()
    references = list(_references(document))
    assert references
    for reference in references:
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


async def test_every_operation_is_described_with_its_errors(bench: Bench) -> None:
    document = (await bench.client.get("/openapi.json")).json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == 80
    for operation in operations:
        assert operation["summary"]
        assert operation["tags"]
        # FastAPI's own 422 has another body; ours has the TM Forum one.
        assert "422" not in operation["responses"] or operation["operationId"].startswith("patch")
    assert "HTTPValidationError" not in document["components"]["schemas"]
    create = document["paths"][PRODUCT_ORDERS]["post"]
    assert create["responses"].keys() == {"201", "400", "409", "413", "415", "503", "default"}


async def test_the_example_of_an_order_can_be_ordered(bench: Bench) -> None:
    document = (await bench.client.get("/openapi.json")).json()
    create = document["paths"][PRODUCT_ORDERS]["post"]
    example = create["requestBody"]["content"]["application/json"]["example"]
    answer = await bench.client.post(
        PRODUCT_ORDERS, content=json.dumps(example), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201
    order = ProductOrder.model_validate(answer.json())
    assert check_order(order, load_catalogs(default_catalogs()), InstalledBase(), datetime.now(UTC)) == []


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from _references(each)
    elif isinstance(node, list):
        for each in node:
            yield from _references(each)
