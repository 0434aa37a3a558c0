"""The connection that production uses, against sockets that do what systems and networks do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from socket import create_connection, create_server

import pytest

from application.connections import NoResponseError, connected
from application.http import DownstreamError, DownstreamSystem, Identified, at

pytestmark = pytest.mark.anyio

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id":"1"}'

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Peer:
    """A server on a socket: where it listens, what it was sent up to the end of each head, over how many sockets."""

    url: str
    heads: list[str] = field(default_factory=list)
    sockets: int = 0


@asynccontextmanager
async def peer(answer: bytes, *, then_closes: bool = True) -> AsyncIterator[Peer]:
    """Serve one answer, whatever is asked, and close the socket or keep it."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.sockets += 1
        with closing(writer):
            while True:
                try:
                    seen.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                except asyncio.IncompleteReadError:
                    return
                writer.write(answer)
                await writer.drain()
                if then_closes:
                    return

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    seen = Peer(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield seen
    finally:
        server.close()


async def failure(url: str, timeout: timedelta = timedelta(seconds=20)) -> NoResponseError:
    async with connected(url, timeout) as connection:
        with pytest.raises(NoResponseError) as caught:
            await connection.send("POST", "/thing", {}, b"{}")
    return caught.value


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "server disconnected"),
        (b"HELLO\r\n\r\n", "what came back is no HTTP"),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n", "what came back is no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "the answer broke off"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_none_and_worth_another_try(answer: bytes, said: str) -> None:
    async with peer(answer) as served:
        error = await failure(served.url)
    assert str(error).startswith(said)
    assert (error.passing, error.sent) == (True, True)
    assert len(str(error)) <= 200


async def test_a_system_that_is_not_there_refuses_the_connection_without_its_address_being_told() -> None:
    with create_server(("127.0.0.1", 0)) as socket:
        port = socket.getsockname()[1]
    error = await failure(f"http://127.0.0.1:{port}")
    assert (str(error), error.passing, error.sent) == ("connection refused", True, False)


async def test_a_name_that_nobody_knows_is_worth_another_try() -> None:
    error = await failure("http://nowhere.invalid")
    assert (error.passing, error.sent) == (True, False)
    assert "nowhere" not in str(error)


async def test_a_system_that_does_not_let_itself_be_connected_was_sent_nothing() -> None:
    with create_server(("127.0.0.1", 0), backlog=0) as socket:
        address = socket.getsockname()
        full = [create_connection(address) for _ in range(1)]
        try:
            error = await failure(f"http://127.0.0.1:{address[1]}", timedelta(milliseconds=100))
        finally:
            for each in full:
                each.close()
    assert (error.passing, error.sent) == (True, False)


async def test_a_system_that_stops_in_the_middle_of_its_answer_is_waited_for_no_longer_than_told() -> None:
    async with peer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", then_closes=False) as served:
        error = await failure(served.url, timedelta(milliseconds=50))
    assert (str(error), error.passing, error.sent) == ("timed out", True, True)


@asynccontextmanager
async def streaming(chunk: bytes, pause: float, *, status: str = "200 OK") -> AsyncIterator[str]:
    """Serve an answer without an end, a chunk of it at a time; yield its address."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # uvloop tells by a RuntimeError that the other side has closed the connection.
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError, RuntimeError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 1000000000000\r\n\r\n".encode())
            while True:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(pause)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_an_answer_that_comes_drop_by_drop_has_the_time_of_one_call() -> None:
    async with streaming(b" ", 0.01) as url:
        error = await failure(url, timedelta(milliseconds=100))
    assert (str(error), error.passing, error.sent) == ("timed out", True, True)


@pytest.mark.parametrize(
    ("status", "said", "retryable"),
    [
        ("200 OK", "inventory answered 200 to POST /thing with more than 100000 bytes", False),
        ("500 Bad", "inventory answered 500 to POST /thing: xxx", True),
    ],
)
async def test_an_answer_without_an_end_is_read_so_far_and_no_further(status: str, said: str, retryable: bool) -> None:
    async with (
        streaming(b"x" * 50_000, 0, status=status) as url,
        connected(url, timedelta(seconds=20), answer_limit=100_000) as connection,
    ):
        with pytest.raises(DownstreamError) as caught:
            await DownstreamSystem("inventory", connection).call("POST", "/thing", body={})
    assert caught.value.message.startswith(said)
    assert (caught.value.retryable, caught.value.said, caught.value.unclear) == (retryable, True, True)


async def test_no_more_requests_run_at_a_time_than_may() -> None:
    running = most = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                running += 1
                most = max(most, running)
                await asyncio.sleep(0)
                running -= 1
                writer.write(OK)
                await writer.drain()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with connected(url, timedelta(seconds=20), at_once=2) as connection:
        answers = await asyncio.gather(*(connection.send("GET", "/thing", {}, None) for _ in range(20)))
    server.close()
    assert {answer.status for answer in answers} == {200}
    assert most <= 2


async def test_a_fault_of_the_network_is_told_with_the_system_and_what_was_asked() -> None:
    async with peer(b"") as served, connected(served.url, timedelta(seconds=20)) as connection:
        with pytest.raises(DownstreamError) as caught:
            await DownstreamSystem("billing", connection).call("POST", "/thing", body={})
    assert caught.value.message == "billing gave no answer to POST /thing: server disconnected"
    assert caught.value.retryable


async def test_a_redirection_is_not_followed() -> None:
    moved = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with peer(moved, then_closes=False) as served, connected(served.url, timedelta(seconds=20)) as connection:
        response = await connection.send("GET", "/thing", {}, None)
    assert (response.status, len(served.heads)) == (307, 1)


async def test_sockets_are_used_again_and_no_cookie_is_kept() -> None:
    answer = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n\r\n")
    async with peer(answer, then_closes=False) as served, connected(served.url, timedelta(seconds=20)) as connection:
        for _ in range(3):
            await connection.send("GET", "/thing", {}, None)
    assert (served.sockets, len(served.heads)) == (1, 3)
    assert not any("cookie" in head.lower() for head in served.heads)


@pytest.mark.parametrize("base", ["", "/", "/inventory", "/inventory/"])
async def test_the_path_is_sent_as_it_is_below_the_base_of_the_system(base: str) -> None:
    async with (
        peer(OK, then_closes=False) as served,
        connected(served.url + base, timedelta(seconds=20)) as connection,
    ):
        system = DownstreamSystem("inventory", connection)
        await system.find(at("/thing", ".."), Identified)
        await system.find(at("/thing", "a/b?c#d ü"), Identified)
        with pytest.raises(DownstreamError, match="makes no sense"):
            await system.search("/thing", {"filter": "a b+c&d=ü"}, Identified)
    assert [head.split(" ")[1].removeprefix(base.rstrip("/")) for head in served.heads] == [
        "/thing/%2E%2E",
        "/thing/a%2Fb%3Fc%23d%20%C3%BC",
        "/thing?filter=a%20b%2Bc%26d%3D%C3%BC",
    ]


async def test_a_body_goes_as_json_under_its_key() -> None:
    async with peer(OK, then_closes=False) as served, connected(served.url, timedelta(seconds=20)) as connection:
        assert await DownstreamSystem("inventory", connection).create("/thing", key="k/1", body={"name": "ü"}) == "1"
    head = served.heads[0].lower()
    assert "idempotency-key: k/1\r\n" in head
    assert "content-type: application/json\r\n" in head
    assert "content-length: 14\r\n" in head


async def test_a_system_is_reached_by_the_proxy_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    async with peer(OK) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with connected("http://inventory.example", timedelta(seconds=20)) as connection:
            await connection.send("GET", "/thing", {}, None)
    async with peer(OK) as direct, connected(direct.url, timedelta(seconds=20)) as connection:
        await connection.send("GET", "/thing", {}, None)

    assert proxy.heads[0].startswith("GET http://inventory.example/thing HTTP/1.1")
    assert direct.heads[0].startswith("GET /thing HTTP/1.1")
