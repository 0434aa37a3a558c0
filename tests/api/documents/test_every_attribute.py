"""Every attribute that a request may have is kept as it was sent, refused, or listed as ignored: none is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from api.qualification.offerings import OFFERING_QUALIFICATION
from api.qualification.routes import QualificationApi
from api.qualification.services import SERVICE_CHECK
from api.schemas.cancellation import CancelProductOrderCreate
from api.schemas.kinds import CREATES
from api.schemas.v5 import ProductOrderCreate as ProductOrderInV5
from api.v5.translation import order_body
from orders.intake import accept, check_order
from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.model.assurance import AssuranceAction
from orders.model.server_set import (
    CANCELLATION,
    ITEMS_SERVER_SET,
    QUALIFICATION,
    QUALIFIED_OFFERINGS,
    QUALIFIED_SERVICES,
    SERVER_SET,
)
from orders.model.v5 import UNKEPT, WRAPPED, name_in_v5, to_v5
from tests.api.conftest import NOW, Bench
from tests.api.documents.test_published_specifications import ORDER_FILES, SPECS
from tests.api.ordering.test_cancellations import CANCEL_PRODUCT
from tmf.forms import Kept
from tmf.instants import read_instant, timestamp

DATE = "2026-12-24t10:00:00.0009+01:00"
DEPTH = 4
"""How often a model is gone into that has its own kind, or lies that deep."""

EXACT = {"action": "add", "priority": None, "scheduling": "asLateAsPossible", "requestedInitialState": "acknowledged"}
"""Values of those attributes that take only some."""


def value_for(kind: Any, name: str, depth: int) -> Any:
    """Return a value of a type in which every attribute has one; an id is another each time."""
    if kind is AssuranceAction:
        return AssuranceAction.REPAIR.value
    if name in EXACT and EXACT[name] is not None:
        return EXACT[name]
    arguments, origin = get_args(kind), get_origin(kind)
    if origin is Annotated:
        dated = any(isinstance(each, Kept) for each in arguments[1:]) and arguments[0] is not int
        return DATE if dated and "atetime" in str(arguments[0]) else value_for(arguments[0], name, depth)
    if origin in (Union, UnionType):
        return value_for(next(each for each in arguments if each is not NoneType), name, depth)
    if origin is list:
        return [value_for(arguments[0], name, depth)] if depth else []
    if origin is Literal:
        return arguments[0]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return document_of(kind, depth - 1) if depth else {}
    return scalar_for(kind, name)


def scalar_for(kind: Any, name: str) -> Any:
    if kind is bool:
        return True
    if kind in (int, float):
        return 1
    if kind is str and name != "priority":
        return f"{name} «ä»"
    if kind is str:
        return "3"
    return {"deep": [1, 1.5, None, True]}


def document_of(model: type[BaseModel], depth: int = DEPTH) -> dict[str, Any]:
    """Return a document that has every attribute of a model."""
    return dict(_attributes(model, depth))


def _attributes(model: type[BaseModel], depth: int) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        alias = field.alias or name
        kind = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        required = field.is_required()
        value = value_for(kind, alias, max(depth, 1) if required else depth)
        if required or value not in ({}, [{}], []):
            yield alias, value


def with_other_ids(items: Any, name: str, above: str = "") -> Any:
    """Return items of which each has an id of its own, and whose relations lead to themselves."""
    for number, item in enumerate(items or []):
        item["id"] = f"{above}{number}"
        for relations in ("productOrderItemRelationship", "qualificationItemRelationship"):
            for relation in item.get(relations, []):
                relation["id"] = item["id"]
        for relations in ("serviceOrderItemRelationship", "orderItemRelationship"):
            for relation in item.get(relations, []):
                relation["orderItem"] = {**relation.get("orderItem", {}), "itemId": item["id"]}
        with_other_ids(item.get(name), name, f"{item['id']}.")
    return items


def missing(
    sent: Any, shown: Any, ignored: frozenset[str], items: str, of_items: frozenset[str], path: str = ""
) -> Any:
    """Yield the paths of what was sent and is not shown, in the form in which it is kept."""
    if isinstance(sent, dict):
        for name, value in sent.items():
            if name in ignored:
                continue
            if not isinstance(shown, dict) or name not in shown:
                yield f"{path}.{name}"
            else:
                inner = of_items if name == items else frozenset[str]()
                yield from missing(value, shown[name], inner, items, of_items, f"{path}.{name}")
    elif isinstance(sent, list):
        if not isinstance(shown, list) or len(sent) != len(shown):
            yield path
        else:
            for index, (one, other) in enumerate(zip(sent, shown, strict=True)):
                yield from missing(one, other, ignored, items, of_items, f"{path}[{index}]")
    elif shown != (timestamp(read_instant(sent)) if sent == DATE else sent):
        yield path


@pytest.mark.parametrize("kind", list(OrderKind))
def test_every_attribute_of_an_order_is_kept_or_listed(kind: OrderKind) -> None:
    items = ITEM_LISTS[kind]
    body = document_of(CREATES[kind])
    body[items] = with_other_ids(body[items], items)
    made = accept(check_order(kind, body, CREATES[kind]), "abcdefghij", NOW, kind)
    assert list(missing(body, made, SERVER_SET[kind], items, ITEMS_SERVER_SET[kind])) == []
    for name in SERVER_SET[kind] & body.keys():
        assert made.get(name) != body[name], name
    for name in ITEMS_SERVER_SET[kind] & body[items][0].keys():
        assert made[items][0].get(name) != body[items][0][name], name


def test_every_attribute_of_an_order_of_version_5_is_kept_or_listed() -> None:
    kind, items = OrderKind.PRODUCT, ITEM_LISTS[OrderKind.PRODUCT]
    body = document_of(ProductOrderInV5)
    body[items] = with_other_ids(body[items], items)
    made = to_v5(accept(check_order(kind, order_body(body), CREATES[kind]), "abcdefghij", NOW, kind))
    ignored = frozenset(map(name_in_v5, SERVER_SET[kind]))
    lost = [path.split(".") for path in missing(body, made, ignored, items, ITEMS_SERVER_SET[kind])]
    assert {path[-1] for path in lost} == UNKEPT
    assert [path for path in lost if WRAPPED.isdisjoint(each.partition("[")[0] for each in path[-3:-1])] == []


@pytest.mark.anyio
async def test_every_attribute_of_a_cancellation_is_kept_or_listed(bench: Bench) -> None:
    body = document_of(CancelProductOrderCreate) | dict.fromkeys(CANCELLATION, "mine")
    body["productOrder"]["id"] = await bench.ordered()
    answer = await bench.client.post(CANCEL_PRODUCT, json=body)
    assert answer.status_code == 201, answer.text
    assert list(missing(body, answer.json(), CANCELLATION, "", frozenset())) == []
    assert all(answer.json().get(name) != "mine" for name in CANCELLATION)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("api", "items", "of_items"),
    [
        (OFFERING_QUALIFICATION, "productOfferingQualificationItem", QUALIFIED_OFFERINGS),
        (SERVICE_CHECK, "serviceQualificationItem", QUALIFIED_SERVICES),
    ],
)
async def test_every_attribute_of_a_question_is_kept_or_listed(
    bench: Bench, api: QualificationApi, items: str, of_items: frozenset[str]
) -> None:
    body = document_of(api.question) | {"instantSyncQualification": False}
    body[items] = with_other_ids(body[items], items)
    answer = await bench.client.post(api.path, json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert list(missing(body, made, QUALIFICATION, items, of_items)) == []
    assert all(made[items][0].get(name) != body[items][0].get(name) for name in of_items & body[items][0].keys())


@pytest.mark.skipif(not SPECS.is_dir(), reason=f"the published TM Forum files are not at {SPECS}")
@pytest.mark.parametrize("kind", list(OrderKind))
def test_every_published_attribute_of_a_request_is_tried(kind: OrderKind) -> None:
    published = json.loads((SPECS / ORDER_FILES[kind]).read_text())["definitions"]
    of_order = published[f"{kind.value[0].upper()}{kind.value[1:]}_Create"]["properties"].keys()
    of_item = published[f"{kind.value[0].upper()}{kind.value[1:]}Item"]["properties"].keys()
    body = document_of(CREATES[kind])
    assert of_order - body.keys() - SERVER_SET[kind] == set()
    assert of_item - body[ITEM_LISTS[kind]][0].keys() - ITEMS_SERVER_SET[kind] == set()
