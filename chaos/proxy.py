"""A small TCP proxy between two processes, that can be slow, swallow what is sent, break connections, or be gone."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from embedded.ports import LOOPBACK

_CHUNK = 65536
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: a connection that is closed is reset."""


class LinkFault(StrEnum):
    """What is wrong with a link."""

    LATENCY = "latency"
    """Each piece arrives late."""
    BLACK_HOLE = "blackHole"
    """Connections stay, and nothing arrives any more, nor does a new one get an answer."""
    RESET = "reset"
    """Connections are reset, new ones as soon as something is sent over them."""
    CUT = "cut"
    """Connections are reset, and no new one is taken."""


@dataclass(slots=True)
class LinkCounts:
    """What a proxy has done to those who talked through it."""

    opened: int = 0
    broken: int = 0
    """Connections that were reset while they were in use."""


class Proxy:
    """Listens on a port of this machine and passes on to a target, byte by byte, until it is told to do otherwise."""

    def __init__(self, target: tuple[str, int], port: int = 0) -> None:
        self.counts = LinkCounts()
        self.port = port
        self._target = target
        self._fault: LinkFault | None = None
        self._latency = 0.0
        self._sound = asyncio.Event()
        self._sound.set()
        self._server: asyncio.Server | None = None
        self._talks: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    @property
    def fault(self) -> LinkFault | None:
        """What is wrong now."""
        return self._fault

    async def start(self) -> None:
        """Listen; at any free port where none was chosen."""
        self._server = await asyncio.start_server(self._talk, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything at once."""
        await self._close_server()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def break_by(self, fault: LinkFault, seconds: float = 0.0) -> None:
        """Be broken from now on; `seconds` is how late pieces arrive, where that is the fault."""
        await self.heal()
        self._fault, self._latency = fault, seconds if fault == LinkFault.LATENCY else 0.0
        if fault == LinkFault.BLACK_HOLE:
            self._sound.clear()
        if fault == LinkFault.CUT:
            await self._close_server()
        if fault in (LinkFault.RESET, LinkFault.CUT):
            await self._reset_all()

    async def heal(self) -> None:
        """Pass on again. Connections that nothing came through have lost their place, and are reset."""
        was, self._fault, self._latency = self._fault, None, 0.0
        self._sound.set()
        if was == LinkFault.BLACK_HOLE:
            await self._reset_all()
        if was == LinkFault.CUT:
            await self.start()

    async def _close_server(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _reset_all(self) -> None:
        talks = list(self._talks.items())
        self.counts.broken += len(talks)
        for talk, ends in talks:
            for end in ends:
                _reset(end)
            talk.cancel()
        await asyncio.gather(*(talk for talk, _ in talks), return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        ends = self._talks[task] = [writer]
        self.counts.opened += 1
        try:
            await self._sound.wait()
            if self._fault == LinkFault.RESET:
                await reader.read(1)
                self.counts.broken += 1
                _reset(writer)
                return
            target_reader, target_writer = await asyncio.open_connection(*self._target)
            ends.append(target_writer)
            await asyncio.gather(self._pass(reader, target_writer), self._pass(target_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass  # either side has gone, or all are told to go
        finally:
            del self._talks[task]
            for end in ends:
                with suppress(OSError, RuntimeError):
                    end.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_CHUNK):
            if self._latency:
                await asyncio.sleep(self._latency)
            await self._sound.wait()
            writer.write(piece)
            await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.write_eof()


def _reset(end: asyncio.StreamWriter) -> None:
    with suppress(OSError, AttributeError):
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.transport.abort()


@asynccontextmanager
async def proxied(target: tuple[str, int]) -> AsyncIterator[Proxy]:
    """Give a proxy to a target, for the length of the block."""
    proxy = Proxy(target)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
