"""The window of a graph: how many nodes begin at a time, so that a large order stops neither itself nor others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from heapq import heappop, heappush

from temporalio import workflow

_BUSY = timedelta(minutes=1)
"""What takes longer waits for others, as for people or a network, and takes nothing of the machine meanwhile."""


class Window:
    """Lets a few nodes begin at a time, each until it has ended or has run for a minute."""

    def __init__(self, at_once: int, most: int | None = None) -> None:
        """Make it for `at_once` nodes, and for at most so many that have not ended, however long they wait."""
        self._at_once = at_once
        self._most = most
        self._begun: dict[str, datetime] = {}
        """When each node began that has not ended."""
        self._line: list[tuple[int, int, str, asyncio.Future[None]]] = []
        """Who waits: a heap by rank, and among equals by number."""
        self._numbers = 0
        self._clock: asyncio.Task[None] | None = None

    async def enter(self, key: str, rank: int = 0) -> None:
        """Wait until a node may begin: the lowest rank goes first, among equals who came first."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._numbers += 1
        heappush(self._line, (rank, self._numbers, key, turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(key)
            raise

    def know(self, key: str, since: datetime | None = None) -> None:
        """Take note of a node that has begun, now or before."""
        self._begun[key] = since or workflow.now()

    def leave(self, key: str) -> None:
        """Take note that a node has ended, or has not begun after all."""
        self._begun.pop(key, None)
        self._admit()

    @asynccontextmanager
    async def place(self, key: str) -> AsyncIterator[None]:
        """Wait until a node may begin, and give its place to another at the end of the block."""
        await self.enter(key)
        try:
            yield
        finally:
            self.leave(key)

    def _admit(self) -> None:
        while self._line and self._has_room():
            *_, key, turn = heappop(self._line)
            if not turn.done():
                self.know(key)
                turn.set_result(None)
        if self._line and (self._clock is None or self._clock.done()):
            self._look_later()

    def _has_room(self) -> bool:
        if self._most is not None and len(self._begun) >= self._most:
            return False
        return sum(self._is_busy(at) for at in self._begun.values()) < self._at_once

    def _is_busy(self, since: datetime) -> bool:
        return workflow.now() - since < _BUSY

    def _look_later(self) -> None:
        """Look again when the first of those that are busy has been so for long: one timer serves all that wait."""
        first = min((at for at in self._begun.values() if self._is_busy(at)), default=None)
        if first is not None:
            self._clock = asyncio.create_task(self._look_at(first + _BUSY))

    async def _look_at(self, when: datetime) -> None:
        await workflow.sleep(when - workflow.now(), summary="may more of the order begin?")
        self._clock = None
        self._admit()
