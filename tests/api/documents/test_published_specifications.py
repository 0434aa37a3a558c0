"""Answers fit the published TM Forum files, where these are at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft4Validator, FormatChecker  # type: ignore[import-untyped]
from pydantic import BaseModel

from api import schemas
from api.catalog import schemas as catalog_schemas
from api.schemas.examples import PRODUCT_ORDER_EXAMPLE, RESOURCE_ORDER_EXAMPLE, SERVICE_ORDER_EXAMPLE
from catalogs.links import Collection
from orders.lifecycle.states import OrderKind, OrderState
from tests.api.conftest import MINIMAL, PRODUCT_ORDERS, RESOURCE_ORDERS, SERVICE_ORDERS, Bench
from tests.api.ordering.test_cancellations import CANCEL_PRODUCT, CANCEL_RESOURCE, CANCEL_SERVICE
from tmf.paths import TMF620, TMF633, TMF634
from tmf.query.attributes import attributes_of

SPECS = Path(__file__).resolve().parents[4] / "shared" / "tmf" / "specs"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not SPECS.is_dir(), reason=f"the published TM Forum files are not at {SPECS}"),
]


def assert_fits(answer: Any, file: str, definition: str) -> None:
    published = json.loads((SPECS / file).read_text())
    schema = {"$ref": f"#/definitions/{definition}", "definitions": published["definitions"]}
    faults = [
        f"{'.'.join(map(str, fault.path))}: {fault.message}"
        for fault in Draft4Validator(schema, format_checker=FormatChecker()).iter_errors(answer)
    ]
    assert faults == []


async def test_product_orders_fit_tmf622(bench: Bench) -> None:
    for body in (MINIMAL, PRODUCT_ORDER_EXAMPLE):
        order = (await bench.post(body)).json()
        assert_fits(order, "TMF622-v4.0.0.swagger.json", "ProductOrder")
        assert {"id", "href", "orderDate", "state"} <= order.keys()
        assert_fits((await bench.client.get(order["href"])).json(), "TMF622-v4.0.0.swagger.json", "ProductOrder")
    for order in (await bench.client.get(PRODUCT_ORDERS)).json():
        assert_fits(order, "TMF622-v4.0.0.swagger.json", "ProductOrder")


@pytest.mark.parametrize(
    ("kind", "path", "items", "file", "definition"),
    [
        (
            OrderKind.SERVICE,
            SERVICE_ORDERS,
            {"serviceOrderItem": [{"id": "1", "action": "add", "service": {}}]},
            "TMF641-v4.1.0.swagger.json",
            "ServiceOrder",
        ),
        (
            OrderKind.RESOURCE,
            RESOURCE_ORDERS,
            {"orderItem": [{"id": "1", "action": "add", "state": "held", "resource": {"id": "r", "href": "http://r"}}]},
            "TMF652-v4.0.0.swagger.json",
            "ResourceOrder",
        ),
    ],
)
async def test_service_and_resource_orders_fit_theirs(
    bench: Bench, kind: OrderKind, path: str, items: dict[str, Any], file: str, definition: str
) -> None:
    parent = {"id": "abcdefghij", "relationshipType": "parent", "@referredType": "ProductOrder"}
    document = {
        "id": "abcdefghij:1:x",
        "state": "held",
        "orderDate": "2026-11-23T09:00:00.000Z",
        "orderRelationship": [parent],
        **items,
    }
    await bench.orders.open(kind, "abcdefghij:1:x", document, "abcdefghij", "abcdefghij", 1)
    listed = (await bench.client.get(path)).json()
    single = (await bench.client.get(f"{path}/abcdefghij:1:x")).json()
    assert listed == [single]
    assert_fits(single, file, definition)


of_each_kind = pytest.mark.parametrize(
    ("kind", "order_id", "path", "file"),
    [
        (OrderKind.PRODUCT, None, CANCEL_PRODUCT, "TMF622-v4.0.0.swagger.json"),
        (OrderKind.SERVICE, "abcdefghij:1:internet", CANCEL_SERVICE, "TMF641-v4.1.0.swagger.json"),
        (OrderKind.RESOURCE, "abcdefghij:1:internet:port", CANCEL_RESOURCE, "TMF652-v4.0.0.swagger.json"),
    ],
)


async def placed(bench: Bench, kind: OrderKind, order_id: str | None) -> str:
    if order_id is None:
        return await bench.ordered()
    await bench.child(kind, order_id)
    return order_id


@of_each_kind
async def test_cancellations_fit_theirs(
    bench: Bench, kind: OrderKind, order_id: str | None, path: str, file: str
) -> None:
    order_id = await placed(bench, kind, order_id)
    body = {kind.value: {"id": order_id}, "cancellationReason": "moves"}
    definition = f"Cancel{kind.value[0].upper()}{kind.value[1:]}"
    made = (await bench.client.post(path, json=body)).json()
    assert_fits(made, file, definition)
    await bench.become(order_id, OrderState.COMPLETED, kind)
    bench.engine.waiting.clear()
    bench.engine.end(order_id)
    await bench.cancellations.settle(kind, made["id"], "inProgress")
    assert_fits((await bench.client.get(made["href"])).json(), file, definition)
    refused = await bench.client.post(path, json=body)
    assert refused.status_code == 409
    assert_fits(refused.json(), file, "Error")


@of_each_kind
async def test_cancellations_that_come_too_late_fit_theirs(
    bench: Bench, kind: OrderKind, order_id: str | None, path: str, file: str
) -> None:
    order_id = await placed(bench, kind, order_id)
    bench.engine.away = True
    made = (await bench.client.post(path, json={kind.value: {"id": order_id}})).json()
    bench.engine.away = False
    await bench.become(order_id, OrderState.COMPLETED, kind)
    bench.engine.waiting.clear()
    bench.engine.end(order_id)
    assert await bench.canceller.sweep() == 1
    denied = (await bench.client.get(made["href"])).json()
    assert denied["state"] == "terminatedWithError"
    assert "is completed" in denied["errorMessage"]["message"]
    assert_fits(denied, file, f"Cancel{kind.value[0].upper()}{kind.value[1:]}")


ORDER_FILES = {
    OrderKind.PRODUCT: "TMF622-v4.0.0.swagger.json",
    OrderKind.SERVICE: "TMF641-v4.1.0.swagger.json",
    OrderKind.RESOURCE: "TMF652-v4.0.0.swagger.json",
}


def published_paths(
    definitions: dict[str, Any], schema: dict[str, Any], above: tuple[str, ...] = (), within: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Yield the path of each attribute that a schema has, also nested ones; of what holds its own kind, once."""
    schema = schema.get("items", schema)
    name = schema.get("$ref", "").removeprefix("#/definitions/")
    if name in within:
        return
    resolved = definitions[name] if name else schema
    for attribute, nested in resolved.get("properties", {}).items():
        yield (*above, attribute)
        yield from published_paths(definitions, nested, (*above, attribute), (*within, name) if name else within)


@pytest.mark.parametrize("prefix", ["", "cancel"])
@pytest.mark.parametrize("kind", list(ORDER_FILES))
def test_every_published_attribute_can_be_filtered_by(kind: OrderKind, prefix: str) -> None:
    definitions = json.loads((SPECS / ORDER_FILES[kind]).read_text())["definitions"]
    definition = (prefix + kind.value[0].upper() + kind.value[1:]).replace("cancel", "Cancel")
    model: type[BaseModel] = getattr(schemas, definition)
    paths = list(published_paths(definitions, definitions[definition]))
    assert ("id",) in paths
    assert max(map(len, paths)) > 1
    for path in paths:
        attributes_of(model).check(path)


CATALOG_FILES = {
    TMF620: "TMF620-v4.1.0.swagger.json",
    TMF633: "TMF633-v4.0.0.swagger.json",
    TMF634: "TMF634-v4.1.0.swagger.json",
}


@pytest.mark.parametrize("collection", list(Collection), ids=lambda each: each.resource)
async def test_every_entry_of_every_catalog_fits_its_standard(bench: Bench, collection: Collection) -> None:
    file = CATALOG_FILES[collection.rpartition("/")[0]]
    listed = (await bench.client.get(collection, params={"limit": "1000"})).json()
    assert listed
    for entry in listed:
        assert_fits(entry, file, collection.definition)
        assert {"id", "href", "name", "version", "lifecycleStatus", "lastUpdate", "@type"} <= entry.keys()


@pytest.mark.parametrize("file", CATALOG_FILES.values())
async def test_every_read_of_the_catalogs_is_served_under_its_published_name(app: FastAPI, file: str) -> None:
    published = json.loads((SPECS / file).read_text())
    paths = app.openapi()["paths"]
    for path, operations in published["paths"].items():
        if "get" in operations and not path.startswith(("/importJob", "/exportJob")):
            served = paths[published["basePath"].rstrip("/") + path]["get"]
            assert served["operationId"] == operations["get"]["operationId"]


@pytest.mark.parametrize("collection", list(Collection), ids=lambda each: each.resource)
async def test_every_published_attribute_of_a_catalog_entry_is_described(collection: Collection) -> None:
    published = json.loads((SPECS / CATALOG_FILES[collection.rpartition("/")[0]]).read_text())["definitions"]
    described = getattr(catalog_schemas, collection.definition).model_json_schema()
    assert set(published[collection.definition]["properties"]) <= set(described["properties"])


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("TMF622-v4.0.0.swagger.json", PRODUCT_ORDERS),
        ("TMF641-v4.1.0.swagger.json", SERVICE_ORDERS),
        ("TMF652-v4.0.0.swagger.json", RESOURCE_ORDERS),
        ("TMF620-v4.1.0.swagger.json", Collection.OFFERING),
        ("TMF633-v4.0.0.swagger.json", Collection.SERVICE),
        ("TMF634-v4.1.0.swagger.json", Collection.RESOURCE),
    ],
)
async def test_errors_fit_the_published_error(bench: Bench, file: str, path: str) -> None:
    answers = [
        await bench.client.get(f"{path}/unknown"),
        await bench.client.get(f"{path}?limit=x"),
        await bench.client.put(path),
    ]
    assert [answer.status_code for answer in answers] == [404, 400, 405]
    for answer in answers:
        assert_fits(answer.json(), file, "Error")


@pytest.mark.parametrize(
    ("path", "body", "file", "definition"),
    [
        (SERVICE_ORDERS, SERVICE_ORDER_EXAMPLE, "TMF641-v4.1.0.swagger.json", "ServiceOrder"),
        # The data model's file: the other one wants every resource to have an id already.
        (RESOURCE_ORDERS, RESOURCE_ORDER_EXAMPLE, "TMF652-v4.0.0-datamodel.swagger.json", "ResourceOrder"),
    ],
)
async def test_posted_service_and_resource_orders_fit_theirs(
    bench: Bench, path: str, body: dict[str, Any], file: str, definition: str
) -> None:
    order = (await bench.client.post(path, json=body)).json()
    assert_fits(order, file, definition)
    assert {"id", "href", "orderDate", "state"} <= order.keys()
    assert_fits((await bench.client.get(order["href"])).json(), file, definition)
