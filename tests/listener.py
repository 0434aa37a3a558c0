"""A listener for events: a real HTTP server that does as a test wants, and can be stopped and started again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.stage import eventually

TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
LYING = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nshort"


@dataclass
class Received:
    """One delivery."""

    path: str
    headers: dict[str, str]
    body: bytes
    event: dict[str, Any]


@dataclass
class Listener:
    """What came in, and how it is answered."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    """What was taken."""
    attempts: list[Received] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], bytes | None] = lambda _event: TAKEN
    """Says what to answer to an event; nothing, and never, where it is None."""
    _server: asyncio.Server | None = None
    _talks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def callback(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop at once, as if killed."""
        if self._server is not None:
            self._server.close()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def got(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Wait until what was taken is enough, and return it."""

        async def check() -> bool:
            return enough(self.events)

        await eventually(check, lambda: str([(each["eventType"], each["title"]) for each in self.events]))
        return self.events

    @property
    def events(self) -> list[dict[str, Any]]:
        return [each.event for each in self.received]

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._talks.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        delivery = Received(first.split()[1], headers, body, json.loads(body))
        self.attempts.append(delivery)
        answer = self.answer(delivery.event)
        if answer is None:
            await asyncio.Event().wait()
        assert answer is not None
        if answer.startswith((b"HTTP/1.1 2",)):
            self.received.append(delivery)
        writer.write(answer)
        await writer.drain()
        return answer != LYING


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """Give a listener that takes everything."""
    listener = Listener()
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()
