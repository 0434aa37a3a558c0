"""The outbox poller: one query for all who wait for events in a process, so that idle listeners cost nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from store.outbox import Outbox


class OutboxPoller:
    """Polls the outbox for new events, only while somebody waits for some."""

    def __init__(self, outbox: Outbox, interval: timedelta = timedelta(milliseconds=200)) -> None:
        self._outbox = outbox
        self._interval = interval.total_seconds()
        self._poll: asyncio.Task[int] | None = None

    async def wait_for_events(
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
            if end < after:
                return True  # The order store was restored, and gives positions anew: who waits has to look.
            if end > seen:
                seen = end
                if await is_there():
                    return True
        return False

    async def _end(self) -> int:
        if self._poll is None or self._poll.done():
            self._poll = asyncio.create_task(self._poll_soon())
        # Whoever goes away must not end the poll of the others.
        return await asyncio.shield(self._poll)

    async def _poll_soon(self) -> int:
        await asyncio.sleep(self._interval)
        return await self._outbox.end()
