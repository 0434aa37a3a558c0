"""Releases resource locks of orders that cannot do so any more: their workflow was terminated.

An order that ends tells those that wait for its locks by itself. To be told twice, or too early, does no harm: it looks
again.
"""

from __future__ import annotations

import structlog

from api.engine import Engine, EngineRefusedError
from api.sweep import without_stopping
from store.resource_locks import ResourceLocks
from workflows.ids import root_workflow

YOUR_TURN = "your_turn"

_AT_ONCE = 100
"""How many orders one sweep looks at."""

_log = structlog.get_logger(__name__)


class LockReleaser:
    """Sees to it that no order waits for one that is gone, nor for a message that was lost."""

    def __init__(self, locks: ResourceLocks, engine: Engine, at_once: int = _AT_ONCE) -> None:
        self._locks = locks
        self._engine = engine
        self._at_once = at_once
        self._last = ""
        """The order that the next sweep goes on behind, where there were too many for one."""
        self._reminded: set[str] = set()
        """The orders whose turn it is, and that were told so: they have only to look, which needs a worker."""

    async def sweep(self) -> int:
        """Release what orders have locked that are gone, and tell who waits for it; return how many orders were told.

        Raises:
            EngineUnavailableError: when Temporal does not serve; what is left waits for the next sweep.
            StoreUnavailableError: when the order store does not.
        """
        told = 0
        for order_id in await self._next_blocking():
            if await without_stopping(self._is_gone, order_id):
                told += await self._release(order_id)
        return told + await self._remind()

    async def _next_blocking(self) -> list[str]:
        """Return the next part of the orders that others wait for, from the beginning again after the last."""
        blocking = await self._locks.blocking(self._at_once, self._last)
        self._last = blocking[-1] if len(blocking) == self._at_once else ""
        return blocking

    async def _is_gone(self, order_id: str) -> bool:
        try:
            return not await self._engine.is_running(root_workflow(order_id))
        except EngineRefusedError as error:
            _log.error("cannot see whether an order runs that others wait for", order=order_id, reason=str(error))
            return False

    async def _release(self, order_id: str) -> int:
        waiting = await self._locks.release(order_id)
        _log.warning("resource locks of an order released whose workflow is gone", order=order_id, waiting=waiting)
        return sum([await without_stopping(self._tell, each) for each in waiting])

    async def _remind(self) -> int:
        """Tell orders whose turn it is, once: who released what they wait for may have ended before it told them."""
        overdue = await self._locks.overdue(self._at_once)
        self._reminded.intersection_update(overdue)
        told = 0
        for order_id in overdue:
            if order_id in self._reminded:
                continue
            if await without_stopping(self._tell, order_id):
                self._reminded.add(order_id)
                told += 1
            elif await without_stopping(self._is_gone, order_id):
                told += await self._release(order_id)
        return told

    async def _tell(self, order_id: str) -> bool:
        """Tell an order that one before it has ended; return whether it was there to be told."""
        try:
            return await self._engine.signal(root_workflow(order_id), YOUR_TURN)
        except EngineRefusedError as error:
            _log.error("order cannot be told of its turn; it is tried again", order=order_id, reason=str(error))
            return False
