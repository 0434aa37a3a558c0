"""Whatever JSON comes, it is taken or refused in words: never a failure of the gateway, never something else stored."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.lifecycle.states import OrderKind
from orders.model.server_set import SERVER_SET
from tests.api.conftest import CALLBACK_SECRET, MINIMAL, PRODUCT_ORDERS, RESOURCE_ORDERS, SERVICE_ORDERS, Bench
from tests.thorough import examples
from tests.tmf.spellings import spellings
from tmf.instants import timestamp

pytestmark = pytest.mark.anyio

several = settings(
    max_examples=examples(50, 500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["add", "noChange", "1", "\0", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
)
NAMES = (
    "id", "action", "state", "href", "orderDate", "quantity", "priority", "externalId", "category", "relatedParty",
    "requestedStartDate", "requestedCompletionDate", "productOrderItem", "productOrderItemRelationship", "product",
    "productOffering", "productCharacteristic", "place", "orderRelationship", "@type", "note", "billingAccount", "x",
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=5)
    ),
    max_leaves=15,
)
items = st.recursive(
    st.fixed_dictionaries(
        {"id": st.integers(0, 99).map(str), "action": st.sampled_from(["add", "modify", "delete", "noChange"])},
        optional={"quantity": st.integers(-1, 3) | anything, "product": anything, "x": anything, "state": anything},
    ),
    lambda inner: st.fixed_dictionaries(
        {"id": st.integers(100, 999).map(str), "action": st.just("add"), "productOrderItem": st.lists(inner)}
    ),
    max_leaves=4,
)
orders = st.fixed_dictionaries(
    {"productOrderItem": st.lists(items, max_size=4)},
    optional={name: anything for name in NAMES if name not in ("productOrderItem", "action")},
)


@several
@given(body=anything | orders)
async def test_any_json_is_taken_as_it_is_or_refused_in_words(bench: Bench, body: Any) -> None:
    answer = await bench.client.post(PRODUCT_ORDERS, json=body)
    if body is None or answer.status_code in (400, 409, 413):
        assert body is None or answer.json()["message"]
        return
    assert answer.status_code == 201, answer.text
    order = answer.json()
    for name, value in body.items():
        if name not in SERVER_SET[OrderKind.PRODUCT] and name != "productOrderItem":
            assert order[name] == value
    assert [each["id"] for each in order["productOrderItem"]] == [each["id"] for each in body["productOrderItem"]]
    assert (await bench.client.get(order["href"])).status_code == 200


@settings(parent=several, max_examples=examples(10, 300))
@given(spelt=spellings())
async def test_a_date_is_answered_in_one_form_and_found_however_it_is_spelt(
    bench: Bench, spelt: tuple[str, datetime]
) -> None:
    text, moment = spelt
    made = (await bench.client.post(PRODUCT_ORDERS, json={**MINIMAL, "requestedStartDate": text})).json()
    assert made["requestedStartDate"] == timestamp(moment)
    later = timestamp(moment + timedelta(milliseconds=1))
    for params in ({"requestedStartDate": text}, {"requestedStartDate.gte": text, "requestedStartDate.lt": later}):
        listed = (await bench.client.get(PRODUCT_ORDERS, params={**params, "limit": "1000"})).json()
        assert made["id"] in [each["id"] for each in listed]


@several
@given(raw=st.binary(max_size=60) | st.text('{}[]":,\\u0dDeE+-.0a"', max_size=60).map(str.encode))
async def test_any_bytes_are_refused_in_words(bench: Bench, raw: bytes) -> None:
    answer = await bench.client.post(PRODUCT_ORDERS, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["message"]


@several
@given(
    name=st.text(min_size=1, max_size=20) | st.sampled_from(["fields", "offset", "limit", "sort", "id", "orderDate"]),
    value=st.text(max_size=30),
)
async def test_any_query_is_answered_or_refused_in_words(bench: Bench, name: str, value: str) -> None:
    name, value = (part.encode(errors="replace").decode() for part in (name, value))
    answer = await bench.client.get(PRODUCT_ORDERS, params={name: value})
    assert answer.status_code in (200, 206, 400)
    assert answer.status_code != 400 or answer.json()["message"]


@several
@given(order_id=st.text(max_size=50))
async def test_any_id_is_answered(bench: Bench, order_id: str) -> None:
    from urllib.parse import quote

    segment = quote(order_id.encode(errors="replace"), safe="")
    for tail in ("", "/plan"):
        answer = await bench.client.get(f"{PRODUCT_ORDERS}/{segment}{tail}")
        assert answer.status_code in (200, 404)


@several
@given(body=anything)
async def test_any_event_is_taken_or_refused_in_words(bench: Bench, body: Any) -> None:
    path = "/tmf-api/ServiceActivationAndConfiguration/v4/listener/serviceStateChangeEvent"
    answer = await bench.client.post(path, json=body, headers={"Authorization": f"Bearer {CALLBACK_SECRET}"})
    assert answer.status_code in (204, 400, 415)


OTHER_NAMES = (
    *NAMES, "serviceOrderItem", "serviceOrderItemRelationship", "orderItem", "orderItemRelationship", "itemId",
    "service", "resource", "serviceSpecification", "resourceSpecification", "serviceCharacteristic",
    "resourceCharacteristic", "value",
)  # fmt: skip
others = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(OTHER_NAMES), inner, max_size=5),
    max_leaves=6,
)
other_items = st.fixed_dictionaries(
    {"id": st.integers(0, 9).map(str), "action": st.sampled_from(["add", "modify", "delete", "noChange"])},
    optional={name: others for name in OTHER_NAMES if name not in ("id", "action")},
)


@several
@given(
    body=others | st.dictionaries(st.sampled_from(["serviceOrderItem", "orderItem"]), st.lists(other_items, max_size=2))
)
async def test_any_json_is_taken_as_a_service_or_resource_order_or_refused_in_words(bench: Bench, body: Any) -> None:
    for path, name in ((SERVICE_ORDERS, "serviceOrderItem"), (RESOURCE_ORDERS, "orderItem")):
        answer = await bench.client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
        assert answer.status_code in (201, 400, 409, 413), answer.text
        if answer.status_code == 201:
            order = answer.json()
            assert [item["id"] for item in order[name]] == [item["id"] for item in body[name]]
            assert (await bench.client.get(f"{path}/{order['id']}")).json() == order
        else:
            assert answer.json()["message"]
