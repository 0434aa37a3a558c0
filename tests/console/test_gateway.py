"""The console's client of the gateway: what it asks, and what a person is told when that fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from console.errors import UnreachableError
from console.gateway import Gateway, RefusedError
from console.watch import follow
from tests.console.documents import product_order, resource_order, service_order
from tmf.bodies import Document

pytestmark = pytest.mark.anyio

Answer = Callable[[httpx2.Request], httpx2.Response]


def gateway(answer: Answer) -> Gateway:
    return Gateway("http://gateway.test/", transport=httpx2.MockTransport(answer))


async def test_a_submitted_order_carries_its_idempotency_key() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(201, json=product_order("acknowledged"))

    async with gateway(answer) as client:
        accepted = await client.submit({"productOrderItem": []}, "crm-4711")
    assert accepted["id"] == "abc"
    assert seen[0].headers["Idempotency-Key"] == "crm-4711"
    assert json.loads(seen[0].content) == {"productOrderItem": []}


async def test_an_order_whose_answer_was_lost_is_posted_again_under_the_same_key() -> None:
    keys: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx2.ReadError("reset", request=request)
        return httpx2.Response(201, json=product_order("acknowledged"))

    async with gateway(answer) as client:
        assert (await client.submit({}))["id"] == "abc"
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_a_refusal_is_said_with_status_reason_and_message() -> None:
    body = {"code": "invalidBody", "reason": "Invalid body", "message": "productOrderItem is missing", "status": "400"}
    async with gateway(lambda _request: httpx2.Response(400, json=body)) as client:
        with pytest.raises(RefusedError) as refused:
            await client.submit({})
    assert str(refused.value) == "the gateway answered 400: Invalid body: productOrderItem is missing"
    assert refused.value.body["code"] == "invalidBody"


@pytest.mark.parametrize(
    ("body", "said"), [([None, True], "[null, true]"), ({"reason": {"ok": False}}, '{"ok": false}')]
)
async def test_a_refusal_of_another_form_is_quoted_as_json(body: Any, said: str) -> None:
    async with gateway(lambda _request: httpx2.Response(502, json=body)) as client:
        with pytest.raises(RefusedError) as refused:
            await client.order("abc")
    assert str(refused.value) == f"the gateway answered 502: {said}"


async def test_a_refusal_that_is_no_json_is_quoted() -> None:
    async with gateway(lambda _request: httpx2.Response(502, text="<h1>Bad gateway</h1>")) as client:
        with pytest.raises(RefusedError, match="502: <h1>Bad gateway</h1>"):
            await client.order("abc")


async def test_nobody_at_the_address_is_said_with_what_helps() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    async with gateway(answer) as client:
        with pytest.raises(UnreachableError, match=r"nothing answers at http://gateway\.test; start the stack with"):
            await client.order("abc")


async def test_an_order_tree_is_read_by_ids_and_ended_children_are_not_read_again() -> None:
    asked: list[tuple[str, str | None]] = []
    documents: dict[str, Document] = {
        "abc:1.tv:tv": service_order("abc:1.tv:tv", "inProgress", "inProgress"),
        "abc:1.tv:tv:stream": resource_order("abc:1.tv:tv:stream", "completed", "SN-STB-7"),
    }

    def answer(request: httpx2.Request) -> httpx2.Response:
        ids = request.url.params.get("id")
        asked.append((request.url.path.rpartition("/")[2], ids))
        if ids is None:
            return httpx2.Response(200, json=product_order())
        return httpx2.Response(
            200, json=[documents[id_] for id_ in ids.replace('"', "").split(",") if id_ in documents]
        )

    async with gateway(answer) as client:
        first = await client.order_tree("abc")
        assert set(first.service_orders) == {"abc:1.tv:tv"}
        assert set(first.resource_orders) == {"abc:1.tv:tv:stream"}
        asked.clear()
        second = await client.order_tree("abc", first)
    assert second.resource_orders == first.resource_orders
    assert asked == [
        ("abc", None),
        ("serviceOrder", '"abc:1.tv:tv","abc:1.tv:tv:undo"'),
        ("resourceOrder", '"abc:1.tv:tv:stream:undo"'),
    ]


async def test_following_an_order_ends_with_it_and_bears_a_gateway_that_restarts() -> None:
    answers = iter(["inProgress", None, "completed"])

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.params.get("id"):
            return httpx2.Response(200, json=[])
        state = next(answers)
        if state is None:
            raise httpx2.ConnectError("restarting", request=request)
        return httpx2.Response(200, json=product_order(state))

    async with gateway(answer) as client:
        states = [tree.state async for tree in follow(client, "abc", poll=0)]
    assert states == ["inProgress", "completed"]


async def test_an_order_that_is_not_there_is_not_followed() -> None:
    body = {"code": "notFound", "reason": "Not found", "message": "there is no product order abc"}
    async with gateway(lambda _request: httpx2.Response(404, json=body)) as client:
        with pytest.raises(RefusedError, match="there is no product order abc"):
            [tree async for tree in follow(client, "abc", poll=0)]


async def test_an_order_is_deleted_as_the_administrator() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(204)

    async with gateway(answer) as client:
        await client.delete("/tmf-api/productOrderingManagement/v4/productOrder/abc", "the-token")
    assert (seen[0].method, seen[0].url.path) == ("DELETE", "/tmf-api/productOrderingManagement/v4/productOrder/abc")
    assert seen[0].headers["Authorization"] == "Bearer the-token"
