"""The proxy between two processes: what it does to those who talk through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from chaos.proxy import LinkFault, Proxy, proxied

pytestmark = pytest.mark.anyio

GONE = (ConnectionError, asyncio.IncompleteReadError)


@asynccontextmanager
async def echo() -> AsyncIterator[tuple[str, int]]:
    """Give the address of a server that says everything again."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(1000):
                writer.write(piece)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()


class Talk:
    """A connection through a proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def say(self, words: bytes) -> None:
        self._writer.write(words)

    async def hear(self, count: int) -> bytes:
        return await self._reader.readexactly(count)

    async def answered(self, words: bytes) -> bytes:
        self.say(words)
        return await self.hear(len(words))


@asynccontextmanager
async def connected(proxy: Proxy) -> AsyncIterator[Talk]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield Talk(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def test_a_sound_link_passes_everything_on() -> None:
    async with echo() as target, proxied(target) as proxy, connected(proxy) as talk:
        assert await talk.answered(b"x" * 200_000) == b"x" * 200_000
        assert (proxy.counts.opened, proxy.counts.broken) == (1, 0)


async def test_a_reset_ends_connections_and_those_made_meanwhile() -> None:
    async with echo() as target, proxied(target) as proxy, connected(proxy) as talk:
        await talk.answered(b"hello")
        await proxy.break_by(LinkFault.RESET)
        with pytest.raises(GONE):
            await talk.hear(1)
        async with connected(proxy) as again:
            with pytest.raises(GONE):
                await again.answered(b"hello")
        assert proxy.counts.broken == 2


async def test_a_link_that_is_cut_takes_no_connection_until_it_is_healed() -> None:
    async with echo() as target, proxied(target) as proxy:
        port = proxy.port
        await proxy.break_by(LinkFault.CUT)
        with pytest.raises(ConnectionError):
            async with connected(proxy):
                pass
        await proxy.heal()
        assert proxy.port == port
        async with connected(proxy) as talk:
            assert await talk.answered(b"hello") == b"hello"


async def test_a_black_hole_swallows_what_is_sent_and_resets_when_it_is_healed() -> None:
    async with echo() as target, proxied(target) as proxy, connected(proxy) as talk:
        await talk.answered(b"hello")
        await proxy.break_by(LinkFault.BLACK_HOLE)
        async with connected(proxy) as newcomer:
            waiting = [asyncio.create_task(each.answered(b"are you there")) for each in (talk, newcomer)]
            while proxy.counts.opened < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert not any(each.done() for each in waiting)
            await proxy.heal()
            for each in waiting:
                with pytest.raises(GONE):
                    await each
        async with connected(proxy) as again:
            assert await again.answered(b"hello") == b"hello"


async def test_a_slow_link_loses_nothing() -> None:
    async with echo() as target, proxied(target) as proxy, connected(proxy) as talk:
        await proxy.break_by(LinkFault.LATENCY, 0.01)
        assert await talk.answered(b"late") == b"late"


async def test_who_talks_to_nobody_is_told_so() -> None:
    async with echo() as target:
        gone = target
    async with proxied(gone) as proxy, connected(proxy) as talk:
        with pytest.raises(GONE):
            await talk.answered(b"hello")
