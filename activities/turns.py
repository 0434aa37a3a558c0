"""Turns: which order goes first where several make calls from one process, those that have made few lately.

A large order would otherwise hold up small ones, whose few calls come one after the other: each would wait for as many
of its own as are on their way. This is scheduling by least attained service (Nuyens and Wierman, "The
Foreground–Background queue: a survey", Performance Evaluation 65, 2008), bounded so that no call waits for long.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

_MANY = 200.0
"""Calls lately that only a large order makes; one that has made fewer waits for nobody."""
_FEWER = 8
"""How many times fewer calls another order must have made to go first."""
_HALVED_SECONDS = 10.0
"""After which time calls count for half."""
_BETWEEN_SECONDS = 0.4
"""How long after the beginning or end of a call the next one of the same order is waited for."""
_LONGEST_SECONDS = 1.0
"""How long a call waits at most."""
_FORGOTTEN_SECONDS = 60.0
_LOOKS_SECONDS = 0.03


@dataclass(slots=True)
class _Order:
    calls: float
    """How many it has made lately."""
    counted: float
    seen: float
    """When a call of it last began or ended."""


class Turns:
    """The turns of orders in this process. Not for use by several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._orders: dict[str, _Order] = {}
        """Those that have called lately, by when they were seen last."""

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait until an order may make its next call, which is made in the block."""
        order = self._seen(name)
        now = self._clock()
        order.calls = 1 + order.calls * 0.5 ** ((now - order.counted) / _HALVED_SECONDS)
        order.counted = now
        while self._clock() < now + _LONGEST_SECONDS and self._yields(order):  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(_LOOKS_SECONDS)
        try:
            yield
        finally:
            self._seen(name)

    def note(self, name: str) -> None:
        """Take note that an order is at work, by a call that waits for no turn."""
        self._seen(name)

    def _seen(self, name: str) -> _Order:
        now = self._clock()
        order = self._orders.pop(name, None) or _Order(0.0, now, now)
        order.seen = now
        self._orders[name] = order
        while (oldest := next(iter(self._orders))) != name and self._orders[oldest].seen < now - _FORGOTTEN_SECONDS:
            del self._orders[oldest]
        return order

    def _yields(self, order: _Order) -> bool:
        """Return whether an order has made many calls, and one that has made few is about to make another."""
        if order.calls < _MANY:
            return False
        recent = self._clock() - _BETWEEN_SECONDS
        for other in reversed(self._orders.values()):
            if other.seen < recent:
                return False
            if other.calls * _FEWER < order.calls:
                return True
        return False
