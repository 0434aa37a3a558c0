"""The models of requests and answers: each attribute of the standards has its type, and holds requests to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from api.schemas import (
    CancelProductOrder,
    CancelResourceOrder,
    CancelServiceOrder,
    ProductOrder,
    ProductOrderCreate,
    ResourceOrder,
    ResourceOrderCreate,
    ServiceOrder,
    ServiceOrderCreate,
)
from api.schemas.examples import RESOURCE_ORDER_EXAMPLE, SERVICE_ORDER_EXAMPLE
from api.schemas.product import Product
from api.schemas.product_order import ProductOrderItem
from orders.lifecycle.states import OrderKind
from orders.model.server_set import ITEMS_SERVER_SET, SERVER_SET
from tests.api.conftest import MINIMAL, Bench
from tests.api.documents.test_published_specifications import SPECS
from tmf.bodies import faults_of

PUBLISHED: list[tuple[str, type[BaseModel]]] = [
    ("TMF622-v4.0.0", ProductOrder),
    ("TMF622-v4.0.0", CancelProductOrder),
    ("TMF641-v4.1.0", ServiceOrder),
    ("TMF641-v4.1.0", CancelServiceOrder),
    ("TMF652-v4.0.0", ResourceOrder),
    ("TMF652-v4.0.0", CancelResourceOrder),
]


@pytest.mark.skipif(not SPECS.is_dir(), reason=f"the published TM Forum files are not at {SPECS}")
@pytest.mark.parametrize(("file", "model"), PUBLISHED)
def test_every_attribute_of_the_standard_is_there(file: str, model: type[BaseModel]) -> None:
    published = json.loads((SPECS / f"{file}.swagger.json").read_text())["definitions"]
    schema = model.model_json_schema()
    assert list(_lacking(published, {"$ref": model.__name__}, schema["$defs"], schema, model.__name__, set())) == []


def _lacking(
    published: dict[str, Any], node: dict[str, Any], ours: dict[str, Any], mine: Any, path: str, seen: set[str]
) -> Iterator[str]:
    """Yield the paths of what a published schema has, below `node`, and ours does not."""
    node = node.get("items", node)
    name = node.get("$ref", "").rpartition("/")[2]
    properties = published.get(name, {}).get("properties", {})
    if not properties or name in seen:
        return
    found = _resolved(mine, ours).get("properties", {})
    if not found:
        # An object of any shape: nothing is said of what it has.
        return
    for attribute, below in properties.items():
        here = f"{path}.{attribute}"
        if attribute in found:
            yield from _lacking(published, below, ours, found[attribute], here, seen | {name})
        else:
            yield here


def _resolved(schema: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Return the object that a schema is about, be it optional, a list, or a reference."""
    for each in schema.get("anyOf", []):
        if each != {"type": "null"}:
            return _resolved(each, ours)
    if "items" in schema:
        return _resolved(schema["items"], ours)
    return _resolved(ours[schema["$ref"].rpartition("/")[2]], ours) if "$ref" in schema else schema


def _wrong_values(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Yield each attribute of a model that has a type, with a value of another."""
    for name, field in model.model_fields.items():
        kinds = set(get_args(field.annotation) or (field.annotation,)) - {NoneType}
        if Any not in kinds:
            yield field.alias or name, 7.5 if kinds & {str, int, bool} else True


def _in_item(attribute: str, value: Any) -> dict[str, Any]:
    return {"productOrderItem": [{"id": "1", "action": "add", attribute: value}]}


PLACES = [
    *(
        (attribute, {**MINIMAL, attribute: value})
        for attribute, value in _wrong_values(ProductOrderCreate)
        if attribute not in SERVER_SET[OrderKind.PRODUCT]
    ),
    *(
        (f"productOrderItem[0].{attribute}", _in_item(attribute, value))
        for attribute, value in _wrong_values(ProductOrderItem)
        if attribute not in ITEMS_SERVER_SET[OrderKind.PRODUCT]
    ),
    *(
        (f"productOrderItem[0].product.{attribute}", _in_item("product", {attribute: value}))
        for attribute, value in _wrong_values(Product)
    ),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "body"), PLACES, ids=[path for path, _ in PLACES])
async def test_an_attribute_of_another_type_is_refused_by_its_path(
    bench: Bench, path: str, body: dict[str, Any]
) -> None:
    answer = await bench.post(body)
    assert answer.status_code == 400
    assert f"{path}: " in answer.json()["message"]
    assert await bench.stored() == 0


@pytest.mark.parametrize(
    ("model", "example", "path", "change"),
    [
        (ServiceOrderCreate, SERVICE_ORDER_EXAMPLE, "priority", {"priority": 1}),
        (ServiceOrderCreate, SERVICE_ORDER_EXAMPLE, "serviceOrderItem", {"serviceOrderItem": []}),
        (ServiceOrderCreate, SERVICE_ORDER_EXAMPLE, "note[0].text", {"note": [{"author": "ada"}]}),
        (ResourceOrderCreate, RESOURCE_ORDER_EXAMPLE, "priority", {"priority": "1"}),
        (ResourceOrderCreate, RESOURCE_ORDER_EXAMPLE, "orderItem[0].resource", {"orderItem": [{"id": "1"}]}),
    ],
)
def test_service_and_resource_orders_are_held_to_theirs(
    model: type[BaseModel], example: dict[str, Any], path: str, change: dict[str, Any]
) -> None:
    assert list(faults_of(model, example)) == []
    assert path in {fault.path for fault in faults_of(model, {**example, **change})}
