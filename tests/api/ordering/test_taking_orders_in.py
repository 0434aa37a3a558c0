"""POST productOrder: what is taken, what it becomes, what is refused."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.conftest import BASE_URL, MINIMAL, PRODUCT_ORDERS, Bench

pytestmark = pytest.mark.anyio


def item(item_id: str = "1", **more: Any) -> dict[str, Any]:
    return {"id": item_id, "action": "add", **more}


async def test_an_order_is_acknowledged_with_its_id_link_and_date(bench: Bench) -> None:
    answer = await bench.post(MINIMAL)
    order = answer.json()
    assert answer.status_code == 201
    assert re.fullmatch(r"[a-z2-7]{10}", order["id"])
    assert order["href"] == answer.headers["Location"] == f"{BASE_URL}{PRODUCT_ORDERS}/{order['id']}"
    assert order["state"] == "acknowledged"
    assert order["orderDate"].endswith("Z")
    assert order["productOrderItem"] == [{"id": "1", "action": "add", "state": "acknowledged"}]
    assert (await bench.client.get(answer.headers["Location"])).json() == order
    assert bench.engine.running == [order["id"]]


async def test_every_attribute_comes_back_as_it_was_sent(bench: Bench) -> None:
    body = {
        "description": 'Ünïcode 😀 \\ " \n',
        "requestedStartDate": "2026-11-23T10:00:00+01:00",
        "requestedCompletionDate": "2026-11-23T09:00:00.5Z",
        "x-unknown": {"deep": [1, 1.5, None, True, {"": 12345678901234567890}]},
        "@type": "SpecialOrder",
        "relatedParty": [{"id": "C-1", "role": "Customer", "@referredType": "Individual"}],
        "productOrderItem": [
            item("1", product={"productCharacteristic": [{"name": "speed", "value": {"a": [1]}}], "x": None}),
            item("2", productOrderItem=[item("2.1", action="noChange", note="kept")]),
        ],
    }
    order = (await bench.post(body)).json()
    body |= {
        "requestedStartDate": "2026-11-23T09:00:00.000Z",
        "requestedCompletionDate": "2026-11-23T09:00:00.500Z",
    }
    for name in body.keys() - {"productOrderItem"}:
        assert order[name] == body[name]
    assert order["productOrderItem"][0]["product"] == body["productOrderItem"][0]["product"]  # type: ignore[index]
    assert order["productOrderItem"][1]["productOrderItem"] == [
        {"id": "2.1", "action": "noChange", "note": "kept", "state": "acknowledged"}
    ]


async def test_what_only_the_orchestrator_sets_is_ignored(bench: Bench) -> None:
    forged = {
        "id": "mine",
        "href": "http://elsewhere",
        "state": "completed",
        "orderDate": 5,
        "completionDate": "never",
        "expectedCompletionDate": [],
        "residue": ["x"],
        "productOrderErrorMessage": "x",
        "orderTotalPrice": [{"priceType": "recurring", "price": {"dutyFreeAmount": {"unit": "EUR", "value": 0.01}}}],
        "cancellationDate": "2020-01-01T00:00:00Z",
        "cancellationReason": "mine",
        "milestone": [{"id": "mine"}],
        "jeopardyAlert": 7,
        "productOrderItem": [
            item(state="nonsense", itemPrice=[{}], productOrderItem=[item("2", state=7, itemTotalPrice=1)])
        ],
    }
    answer = await bench.post(forged)
    order = answer.json()
    assert answer.status_code == 201
    assert order["id"] != "mine"
    assert order["href"].startswith(BASE_URL)
    assert order["state"] == "acknowledged"
    assert order["orderDate"].startswith("20")
    assert order.keys() == {"id", "href", "state", "orderDate", "productOrderItem"}
    inner = [{"id": "2", "action": "add", "state": "acknowledged"}]
    assert order["productOrderItem"] == [
        {"id": "1", "action": "add", "state": "acknowledged", "productOrderItem": inner}
    ]
    [placed] = await bench.gateway.outbox.read(0, 10)
    told = placed.event.document
    assert told.keys() == order.keys() - {"href"}
    assert told["productOrderItem"] == order["productOrderItem"]


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'application/json; charset="UTF-8"',
        "Application/JSON",
        "application/json ; Charset = Utf8 ; x=1",
        "application/json;charset=US-ASCII;",
    ],
)
async def test_json_is_taken_however_its_media_type_is_written(bench: Bench, media_type: str) -> None:
    answer = await bench.client.post(PRODUCT_ORDERS, content=json.dumps(MINIMAL), headers={"Content-Type": media_type})
    assert answer.status_code == 201


async def test_a_byte_order_mark_is_passed_over(bench: Bench) -> None:
    raw = codecs.BOM_UTF8 + json.dumps(MINIMAL).encode()
    answer = await bench.client.post(PRODUCT_ORDERS, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("raw", "headers", "message"),
    [
        (b"", {}, "the body is empty: send JSON"),
        (b"\n", {}, "the body is empty: send JSON"),
        ('{"x": "é"}'.encode("latin-1"), {}, "the body is not in UTF-8: byte 8 of it is 0xe9"),
        (b"{", {}, "the body is not valid JSON"),
        (b"[1]", {}, "the body must be a JSON object, not [1]"),
        (b"{}", {}, "productOrderItem: is missing; the object is empty"),
        (b'{"orderItem": []}', {}, "productOrderItem: is missing; there is orderItem"),
        (
            b"{}",
            {"Content-Type": "application/json; charset=latin-1"},
            "in UTF-8; the Content-Type says charset=latin-1",
        ),
        (b"{}", {"Content-Type": "text/plain"}, 'must be application/json, not "text/plain"'),
        (b"{}", {"Content-Type": ""}, "must be application/json, and it is missing"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_with_what_it_is(
    bench: Bench, raw: bytes, headers: dict[str, str], message: str
) -> None:
    sent = {"Content-Type": "application/json", **headers}
    answer = await bench.client.post(PRODUCT_ORDERS, content=raw, headers=sent)
    assert message in answer.json()["message"]


async def test_unrelated_orders_of_the_same_body_are_two(bench: Bench) -> None:
    first, second = await bench.post(MINIMAL), await bench.post(MINIMAL)
    assert first.json()["id"] != second.json()["id"]
    assert await bench.stored() == 2


BAD_BODIES: dict[str, tuple[Any, list[str]]] = {
    "no items": ({}, ["productOrderItem: "]),
    "an empty list of items": ({"productOrderItem": []}, ["productOrderItem: "]),
    "items that are no list": ({"productOrderItem": {"id": "1"}}, ["productOrderItem: "]),
    "items that are null": ({"productOrderItem": None}, ["productOrderItem: "]),
    "an item that is no object": ({"productOrderItem": ["1"]}, ["productOrderItem[0]: "]),
    "no id": ({"productOrderItem": [{"action": "add"}]}, ["productOrderItem[0].id: "]),
    "an empty id": ({"productOrderItem": [item("")]}, ["productOrderItem[0].id: "]),
    "an id that is a number": ({"productOrderItem": [{"id": 1, "action": "add"}]}, ["productOrderItem[0].id: "]),
    "no action": ({"productOrderItem": [{"id": "1"}]}, ["productOrderItem[0].action: "]),
    "an unknown action": ({"productOrderItem": [item(action="buy")]}, ["productOrderItem[0].action: "]),
    "a nested item without action": (
        {"productOrderItem": [item(productOrderItem=[{"id": "2"}])]},
        ["productOrderItem[0].productOrderItem[0].action: "],
    ),
    "the same id twice": ({"productOrderItem": [item(), item()]}, ["productOrderItem[1].id: "]),
    "the same id nested": (
        {"productOrderItem": [item(productOrderItem=[item("2")]), item("2")]},
        ['productOrderItem[1].id: "2" is the id of productOrderItem[0].productOrderItem[0] already'],
    ),
    "a relation to an unknown item": (
        {"productOrderItem": [item(productOrderItemRelationship=[{"id": "9", "relationshipType": "reliesOn"}])]},
        ['productOrderItem[0].productOrderItemRelationship[0].id: the order has no item "9"'],
    ),
    "a relation without id": (
        {"productOrderItem": [item(productOrderItemRelationship=[{"relationshipType": "reliesOn"}])]},
        ["productOrderItem[0].productOrderItemRelationship[0].id: "],
    ),
    "a quantity of text": ({"productOrderItem": [item(quantity="2")]}, ["productOrderItem[0].quantity: "]),
    "a quantity of nothing": ({"productOrderItem": [item(quantity=0)]}, ["productOrderItem[0].quantity: "]),
    "a truth value as quantity": ({"productOrderItem": [item(quantity=True)]}, ["productOrderItem[0].quantity: "]),
    "an offering without id": ({"productOrderItem": [item(productOffering={})]}, ["[0].productOffering.id: "]),
    "a characteristic without name": (
        {"productOrderItem": [item(product={"productCharacteristic": [{"value": 1}]})]},
        ["productOrderItem[0].product.productCharacteristic[0].name: "],
    ),
    "a priority that is a number": ({**MINIMAL, "priority": 1}, ["priority: "]),
    "an external id that is an object": ({**MINIMAL, "externalId": {}}, ["externalId: "]),
    "a date that is none": ({**MINIMAL, "requestedStartDate": "soon"}, ["requestedStartDate: "]),
    "a date that is a number": ({**MINIMAL, "requestedCompletionDate": 0}, ["requestedCompletionDate: "]),
    "a date out of the calendar": (
        {**MINIMAL, "requestedStartDate": "0001-01-01T00:00:00+14:00"},
        ["requestedStartDate: "],
    ),
    "a note that is no list": ({**MINIMAL, "note": "hurry"}, ["note: "]),
    "a channel without id": ({**MINIMAL, "channel": [{"name": "shop"}]}, ["channel[0].id: "]),
    "an appointment without id": ({"productOrderItem": [item(appointment={})]}, ["[0].appointment.id: "]),
    "the NUL character": ({**MINIMAL, "description": "a\0b"}, ["description: "]),
    "the NUL character in a name": ({**MINIMAL, "x": {"a\0b": 1}}, ["x: "]),
    "the NUL character in an item": ({"productOrderItem": [item(x=["\0"])]}, ["productOrderItem[0].x[0]: "]),
    "a list": ([MINIMAL], ["the body must be a JSON object"]),
    "a number": (1, ["the body must be a JSON object"]),
    "many faults at once": (
        {"priority": 1, "productOrderItem": [{"id": "1"}, {"id": "1", "action": "x"}, item("3", quantity="a")]},
        [
            "priority: ",
            "productOrderItem[0].action: ",
            "productOrderItem[1].id: ",
            "productOrderItem[1].action: ",
            "productOrderItem[2].quantity: ",
        ],
    ),
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_bad_body_is_refused_naming_each_fault_by_its_path(bench: Bench, name: str) -> None:
    body, expected = BAD_BODIES[name]
    answer = await bench.post(body)
    error = answer.json()
    assert answer.status_code == 400
    assert error["code"] == "invalidRequest"
    assert error["status"] == "400"
    assert error["@type"] == "Error"
    for fault in expected:
        assert fault in error["message"]
    assert await bench.stored() == 0
    assert bench.engine.attempts == []


BAD_BYTES: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "no JSON": b"<order/>",
    "half of it": b'{"productOrderItem": [',
    "more than one": b"{} {}",
    "NaN": b'{"x": NaN, "productOrderItem": [{"id": "1", "action": "add"}]}',
    "Infinity": b'{"x": -Infinity, "productOrderItem": [{"id": "1", "action": "add"}]}',
    "a number out of range": b'{"x": 1e400, "productOrderItem": [{"id": "1", "action": "add"}]}',
    "an integer out of range": b'{"x": 1' + b"0" * 400 + b', "productOrderItem": [{"id": "1", "action": "add"}]}',
    "a lone surrogate": b'{"x": "\\ud800", "productOrderItem": [{"id": "1", "action": "add"}]}',
    "not UTF-8": b'{"x": "\xff"}',
    "UTF-16": '{"x": "y"}'.encode("utf-16"),
    "too deep": b'{"x": ' + b"[" * 100 + b"]" * 100 + b', "productOrderItem": [{"id": "1", "action": "add"}]}',
    "far too deep": b"[" * 9_000,
}


@pytest.mark.parametrize("name", BAD_BYTES)
async def test_bytes_that_are_no_usable_json_are_refused(bench: Bench, name: str) -> None:
    answer = await bench.client.post(
        PRODUCT_ORDERS, content=BAD_BYTES[name], headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert await bench.stored() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/merge-patch+json"},
        {"Content-Type": "application/json; charset=iso-8859-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_another_media_type_is_not_taken(bench: Bench, headers: dict[str, str]) -> None:
    answer = await bench.client.post(PRODUCT_ORDERS, content=json.dumps(MINIMAL).encode(), headers=headers)
    assert answer.status_code == 415
    assert answer.json()["status"] == "415"
    assert await bench.stored() == 0


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


@pytest.mark.parametrize("announced", ["exact", "none", "a lie"])
async def test_a_body_over_the_limit_is_refused_whatever_its_announced_length(bench: Bench, announced: str) -> None:
    body = json.dumps({**MINIMAL, "description": "x" * 10_000}).encode()
    headers = {"Content-Type": "application/json"}
    if announced == "a lie":
        headers["Content-Length"] = "10"
    content: Any = body if announced == "exact" else _chunks(body)
    answer = await bench.client.post(PRODUCT_ORDERS, content=content, headers=headers)
    assert answer.status_code == 413
    assert answer.json()["code"] == "bodyTooLarge"
    assert await bench.stored() == 0


async def test_a_body_of_just_the_limit_is_taken(bench: Bench) -> None:
    frame = len(json.dumps({**MINIMAL, "description": ""}))
    body = json.dumps({**MINIMAL, "description": "x" * (10_000 - frame)}).encode()
    answer = await bench.client.post(PRODUCT_ORDERS, content=body, headers={"Content-Type": "application/json"})
    assert len(body) == 10_000
    assert answer.status_code == 201
