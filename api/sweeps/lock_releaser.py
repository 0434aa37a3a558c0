"""Releases resource locks of orders that cannot do so any more: their workflow was terminated.

What Temporal does not know at all has not ended for that: it may have been restored to a moment before the order began.

An order that ends tells those that wait for its locks by itself. To be told twice, or too early, does no harm: it looks
again.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from api.engine import Engine, Whereabouts
from api.sweeps.recovery import NO_RECOVERY, RecoveryMode
from api.sweeps.sweep import OneByOne
from store.resource_locks import ResourceLocks
from tmf.words import reason_of
from workflows.contracts.ids import root_workflow

YOUR_TURN = "your_turn"

_AT_ONCE = 100
"""How many orders one sweep looks at."""
_REMINDED_FOR = timedelta(hours=1).total_seconds()
"""How long an order that was told of its turn is left to look, for which it needs a worker."""

_log = structlog.get_logger(__name__)

_Part = Callable[[int, str], Awaitable[list[str]]]
"""Returns so many ids of orders at most, from the one behind another on."""


class LockReleaser:
    """Sees to it that no order waits for one that is gone, nor for a message that was lost."""

    def __init__(
        self,
        locks: ResourceLocks,
        engine: Engine,
        at_once: int = _AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
        recovery: RecoveryMode = NO_RECOVERY,
    ) -> None:
        self._locks = locks
        self._engine = engine
        self._clock = clock
        self._blocking = _InParts(locks.blocking, at_once)
        self._overdue = _InParts(locks.overdue, at_once)
        self._recovery = recovery
        self._withheld: list[str] | None = None
        """What is not done while recovery is on."""
        self._reminded: dict[str, float] = {}
        """The orders whose turn it is, and when they were told so."""

    async def sweep(self) -> int:
        """Release what orders have locked that are gone, and tell who waits for it; return how many orders were told.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        told: list[str] = []
        one_by_one = OneByOne(self._engine)
        self._withheld = [] if await self._recovery.is_on() else None
        await self._blocking.each(lambda order_id: self._release_if_gone(order_id, told, one_by_one), one_by_one)
        await self._overdue.each(lambda order_id: self._remind(order_id, told, one_by_one), one_by_one)
        if self._withheld is not None:
            self._recovery.withhold("resource locks", self._withheld)
        return len(told)

    async def _release_if_gone(self, order_id: str, told: list[str], one_by_one: OneByOne) -> None:
        found = await self._engine.look(root_workflow(order_id))
        # One that Temporal does not know is lost, as after a restore, unless it is known to have ended.
        if found == Whereabouts.ENDED or (found == Whereabouts.UNKNOWN and await self._locks.has_ended(order_id)):
            await self._release(order_id, told, one_by_one)

    async def _release(self, order_id: str, told: list[str], one_by_one: OneByOne) -> None:
        if self._withheld is not None:
            self._withheld.append(f"release the resource locks of {order_id}")
            return
        waiting = await self._locks.release(order_id)
        _log.warning("resource locks of an order released whose workflow is gone", order=order_id, waiting=waiting)
        for each in waiting:
            if error := await one_by_one.trouble_with(self._tell(each, told)):
                _log_trouble(each, error)

    async def _remind(self, order_id: str, told: list[str], one_by_one: OneByOne) -> None:
        """Tell an order that it is its turn: who released what it waits for may have ended before it told it."""
        now = self._clock()
        self._reminded = {each: at for each, at in self._reminded.items() if now - at < _REMINDED_FOR}
        if order_id in self._reminded:
            return
        if self._withheld is not None:
            self._withheld.append(f"tell {order_id} that it is its turn")
            return
        if await self._tell(order_id, told):
            self._reminded[order_id] = now
        else:
            await self._release_if_gone(order_id, told, one_by_one)

    async def _tell(self, order_id: str, told: list[str]) -> bool:
        """Tell an order that one before it has ended; return whether it was there to be told."""
        there = await self._engine.signal(root_workflow(order_id), YOUR_TURN)
        told += [order_id] if there else []
        return there


class _InParts:
    """Goes through a list of orders part by part, a sweep at a time, from the beginning again after the last."""

    def __init__(self, part: _Part, at_once: int) -> None:
        self._part = part
        self._at_once = at_once
        self._last = ""

    async def each(self, do: Callable[[str], Awaitable[None]], one_by_one: OneByOne) -> None:
        """Do something with each order of the next part; where that is broken off, the next sweep goes on behind it."""
        part = await self._part(self._at_once, self._last)
        for order_id in part:
            self._last = order_id
            if error := await one_by_one.trouble_with(do(order_id)):
                _log_trouble(order_id, error)
        if len(part) < self._at_once:
            self._last = ""


def _log_trouble(order_id: str, error: Exception) -> None:
    _log.error("order that others wait for, or that waits, cannot be seen to", order=order_id, reason=reason_of(error))
