"""One look at the outbox for all who wait for events in a process: a hundred idle listeners cost one query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from store.outbox import Outbox


class Bell:
    """Rings when there are new events. Looks only while somebody waits."""

    def __init__(self, outbox: Outbox, interval: timedelta = timedelta(milliseconds=200)) -> None:
        self._outbox = outbox
        self._interval = interval.total_seconds()
        self._look: asyncio.Task[int] | None = None

    async def rings(
        self,
        after: int,
        is_there: Callable[[], Awaitable[bool]],
        patience: timedelta,
        given_up: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Wait until there is what somebody waits for; return False where patience ends, or it is given up, before.

        Args:
            after: the position after which something must come for it to be looked for.
            is_there: whether it has come.

        Raises:
            StoreUnavailableError: when the order store cannot serve.
        """
        seen, now = after, asyncio.get_running_loop().time
        deadline = now() + patience.total_seconds()
        while now() < deadline and not given_up():
            end = await self._end()
            if end > seen:
                seen = end
                if await is_there():
                    return True
        return False

    async def _end(self) -> int:
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_soon())
        # Whoever goes away must not take the look from the others.
        return await asyncio.shield(self._look)

    async def _look_soon(self) -> int:
        await asyncio.sleep(self._interval)
        return await self._outbox.end()
