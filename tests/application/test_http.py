"""Every way in which a system can fail to answer, and what becomes of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import anyio.lowlevel
import httpx2
import pytest

from application import http
from application.answers import ProductDocument
from application.connections import Response
from application.http import DownstreamError, DownstreamSystem, Identified, at
from tests.application.conftest import scripted
from tmf.model import Resource

pytestmark = pytest.mark.anyio

TMF_ERROR = {"code": "x", "reason": "no port left", "message": "Conflict", "status": "409", "@type": "Error"}


async def failure(*answers: httpx2.Response | Exception, method: str = "GET") -> DownstreamError:
    system, _ = scripted(*answers)
    with pytest.raises(DownstreamError) as caught:
        await system.call(method, "/thing/1")
    return caught.value


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (httpx2.ConnectError("connection refused"), "connection refused"),
        (httpx2.ConnectTimeout("timed out"), "timed out"),
        (httpx2.ReadTimeout(""), "read timeout"),
        (httpx2.ReadError(""), "read error"),
        (httpx2.RemoteProtocolError("server disconnected"), "server disconnected"),
        (httpx2.PoolTimeout(""), "pool timeout"),
    ],
)
async def test_no_answer_is_worth_another_try_and_says_who_was_asked_what(
    broken: httpx2.TransportError, said: str
) -> None:
    error = await failure(broken)
    assert (error.retryable, error.non_retryable, error.status) == (True, False, None)
    assert error.message == f"inventory gave no answer to GET /thing/1: {said}"
    assert error.type == "DownstreamError"


@pytest.mark.parametrize("status", [408, 423, 425, 429, 500, 502, 503, 504, 599])
async def test_a_passing_fault_is_worth_another_try(status: int) -> None:
    error = await failure(httpx2.Response(status, json=TMF_ERROR))
    assert (error.retryable, error.non_retryable, error.status) == (True, False, status)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 405, 409, 410, 415, 422, 451])
async def test_a_refusal_is_final(status: int) -> None:
    error = await failure(httpx2.Response(status, json=TMF_ERROR))
    assert (error.retryable, error.non_retryable, error.status) == (False, True, status)
    assert error.message == f"inventory answered {status} to GET /thing/1: no port left: Conflict"


@pytest.mark.parametrize(
    ("answer", "said", "unclear"),
    [
        (httpx2.ConnectError("connection refused"), False, False),
        (httpx2.ConnectTimeout(""), False, False),
        (httpx2.PoolTimeout(""), False, False),
        (httpx2.ReadTimeout(""), False, True),
        (httpx2.WriteError(""), False, True),
        (httpx2.RemoteProtocolError("server disconnected"), False, True),
        *((httpx2.Response(status), False, False) for status in (408, 425, 429)),
        *((httpx2.Response(status), False, True) for status in (502, 503, 504)),
        *((httpx2.Response(status), True, True) for status in (500, 501, 599)),
        *((httpx2.Response(status), True, False) for status in (301, 400, 404, 409, 422, 423)),
        (httpx2.Response(200, text="<h1>It works!</h1>"), True, True),
    ],
)
async def test_an_error_tells_what_was_said_and_whether_the_call_may_have_had_an_effect(
    answer: httpx2.Response | Exception, said: bool, unclear: bool
) -> None:
    error = await failure(answer, method="POST")
    assert (error.said, error.unclear) == (said, unclear)
    assert error.details[0] == {"system": "inventory", "attempt": 1, "said": said, "unclear": unclear}
    assert not (await failure(answer, method="GET")).unclear


async def test_an_answer_that_makes_no_sense_was_said_and_leaves_the_effect_unclear() -> None:
    system, _ = scripted(httpx2.Response(201, json={"no": "id"}), httpx2.Response(200, json=[]))
    with pytest.raises(DownstreamError) as caught:
        await system.create("/thing", key="k", body={})
    assert (caught.value.said, caught.value.unclear) == (True, True)
    with pytest.raises(DownstreamError) as caught:
        await system.find("/thing", Identified)
    assert (caught.value.said, caught.value.unclear) == (True, False)


async def test_an_address_that_is_too_long_is_never_sent() -> None:
    system, script = scripted(httpx2.Response(200))
    with pytest.raises(DownstreamError) as caught:
        await system.call("DELETE", "/" + "x" * 70_000)
    assert (caught.value.said, caught.value.unclear, script.asked) == (False, False, [])


@pytest.mark.parametrize(
    ("header", "delay"),
    [
        ("7", timedelta(seconds=7)),
        ("0", None),
        ("000", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("99999", timedelta(hours=1)),
        ("9" * 5000, timedelta(hours=1)),
    ],
)
async def test_another_try_waits_as_long_as_the_system_asks_up_to_an_hour(header: str, delay: timedelta | None) -> None:
    error = await failure(httpx2.Response(429, headers={"Retry-After": header}))
    assert error.next_retry_delay == delay


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx2.Response(422, json=TMF_ERROR), "no port left: Conflict"),
        (httpx2.Response(422, json={"reason": "same", "message": "same"}), "same"),
        (httpx2.Response(422, json={"reason": {"ok": False}, "message": [None]}), '{"ok": false}: [null]'),
        (httpx2.Response(422, json={"message": "only this"}), "only this"),
        (httpx2.Response(422, json={"reason": {"deep": 1}}), '{"deep": 1}'),
        (httpx2.Response(422, json={"error": "of its own"}), '{"error":"of its own"}'),
        (httpx2.Response(422, json=["a", "list"]), '["a","list"]'),
        (httpx2.Response(422, text="plain words"), "plain words"),
        (httpx2.Response(422), ""),
        (httpx2.Response(422, text="x" * 1000), "x" * 300),
        (httpx2.Response(422, json={"reason": "y" * 1000}), "y" * 300),
        (httpx2.Response(422, text="[" * 100_000), "[" * 300),
    ],
)
async def test_a_refusal_is_quoted_as_a_person_would(answer: httpx2.Response, said: str) -> None:
    assert (await failure(answer)).message == f"inventory answered 422 to GET /thing/1: {said}"


@pytest.mark.parametrize("body", [b"<html><h1>It works!</h1></html>", b"{'a': 1}", b"\xff\xfe", b"[" * 100_000])
async def test_a_success_that_is_not_json_is_final_and_quoted(body: bytes) -> None:
    error = await failure(httpx2.Response(200, content=body))
    assert (error.retryable, error.status) == (False, 200)
    assert error.message.startswith("inventory answered 200 to GET /thing/1 with something that is not JSON: ")
    assert error.message.endswith(json.dumps(httpx2.Response(200, content=body).text[:300], ensure_ascii=False))


async def test_an_answer_without_a_body_is_none() -> None:
    system, _ = scripted(httpx2.Response(204), httpx2.Response(200))
    assert [(await system.call("DELETE", "/thing/1")).body for _ in range(2)] == [None, None]


async def test_a_refusal_that_is_an_answer_to_the_caller_is_no_error() -> None:
    system, _ = scripted(httpx2.Response(404, json=TMF_ERROR))
    answer = await system.call("DELETE", "/thing/1", accept=(404,))
    assert (answer.status, answer.body) == (404, None)
    assert await system.find("/thing/1", Identified) is None


async def test_a_call_carries_its_key_and_a_reading_none() -> None:
    system, script = scripted(httpx2.Response(201, json={"id": "t-1"}))
    await system.create("/thing", key="po:x:so:1:internet/access/record/add/1", body={"name": "größe"})
    await system.find("/thing/t-1", Identified)
    created, read = script.asked
    assert created.headers["Idempotency-Key"] == "po:x:so:1:internet/access/record/add/1"
    assert "Idempotency-Key" not in read.headers


@pytest.mark.parametrize(
    "body", [{}, {"id": None}, {"id": ""}, {"id": ["x"]}, [], [{"id": "1"}], "created", None, 17, {"name": "Fibre"}]
)
async def test_what_was_made_has_an_id_or_the_answer_makes_no_sense(body: Any) -> None:
    system, _ = scripted(httpx2.Response(201, json=body))
    with pytest.raises(
        DownstreamError, match="inventory answered 201 to POST /thing with something that makes no"
    ) as e:
        await system.create("/thing", key="k", body={})
    assert (e.value.retryable, e.value.status) == (False, 201)


async def test_an_answer_of_another_shape_says_where_and_quotes_its_beginning() -> None:
    system, _ = scripted(httpx2.Response(200, json={"id": "p-1", "place": [{"id": {"deep": "ä" * 500}}]}))
    with pytest.raises(DownstreamError) as caught:
        await system.find("/product/p-1", ProductDocument)
    message = caught.value.message
    assert message.startswith(
        "inventory answered 200 to GET /product/p-1 with something that makes no sense (place.0.id:"
    )
    assert '{"id": "p-1", "place": [{"id": {"deep": "ää' in message
    assert len(message) < 500


async def test_a_number_is_an_id_too() -> None:
    system, _ = scripted(httpx2.Response(201, json={"id": 4711}))
    assert await system.create("/thing", key="k", body={}) == "4711"


async def test_a_list_that_comes_in_pages_is_read_to_its_end() -> None:
    pages = [[{"id": "1"}, {"id": "2"}], [{"id": "3"}], []]
    system, script = scripted(*(httpx2.Response(206, json=page) for page in pages))
    found = await system.search("/thing", {"state": "active", "limit": "2"}, Identified)
    assert [each.id for each in found] == ["1", "2", "3"]
    assert [dict(request.url.params) for request in script.asked] == [
        {"state": "active", "limit": "2"},
        {"state": "active", "limit": "2", "offset": "2"},
        {"state": "active", "limit": "2", "offset": "3"},
    ]


async def test_a_list_that_comes_whole_is_asked_for_once() -> None:
    system, script = scripted(httpx2.Response(200, json=[{"id": "1"}]))
    assert len(await system.search("/thing", {}, Identified)) == 1
    assert len(script.asked) == 1


@pytest.mark.parametrize("page", [[{"id": "1"}] * 60_000, [{"id": "1"}]])
async def test_a_list_without_an_end_is_given_up(page: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_MOST_PAGES", 10)
    system, script = scripted(httpx2.Response(206, json=page))
    with pytest.raises(DownstreamError, match="with a list that has no end") as caught:
        await system.search("/thing", {}, Identified)
    assert not caught.value.retryable
    assert len(script.asked) == (2 if len(page) > 1 else 10)


async def test_a_list_that_is_none_makes_no_sense() -> None:
    system, _ = scripted(httpx2.Response(200, json={"id": "1"}))
    with pytest.raises(DownstreamError, match="makes no sense"):
        await system.search("/thing", {}, Identified)


async def test_many_documents_are_read_in_their_order_some_at_a_time() -> None:
    running, most = 0, 0

    class Counting:
        async def send(self, method: str, target: str, headers: object, content: object) -> Response:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await anyio.lowlevel.checkpoint()
            running -= 1
            number = target.rpartition("/")[2]
            return Response(404 if number == "3" else 200, json.dumps({"id": number}).encode())

    system = DownstreamSystem("inventory", Counting())
    found = await system.find_all([f"/thing/{number}" for number in range(100)], Identified)
    assert [each.id if each else None for each in found] == [str(n) if n != 3 else None for n in range(100)]
    assert 1 < most <= 20


@pytest.mark.parametrize(
    "document_id",
    ["a/b", "a?b=c", "a#b", "../secret", "..", ".", "a b", "a\nb", "größe", "a%2Fb", "a:b*c~d!e", "😀"],
)
async def test_an_id_stays_one_segment_of_the_path(document_id: str) -> None:
    system, script = scripted(httpx2.Response(200, json={"id": document_id}))
    await system.find(at("/tmf-api/thing", document_id), Resource)
    sent = script.asked[0].url.raw_path
    assert sent.startswith(b"/tmf-api/thing/")
    assert sent.count(b"/") == 3
    assert httpx2.URL("http://x" + sent.decode()).query == b""


async def test_an_id_too_long_for_an_address_is_final() -> None:
    system, _ = scripted(httpx2.Response(200, json={}))
    with pytest.raises(DownstreamError) as caught:
        await system.find(at("/thing", "x" * 100_000), Resource)
    assert not caught.value.retryable
    assert len(caught.value.message) < 1000
