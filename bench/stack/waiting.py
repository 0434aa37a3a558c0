"""Waiting for what is not told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

_LOOKS_SECONDS = 0.2


async def until(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: when it does not within so many seconds.
    """
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  # another process will tell nobody
            await asyncio.sleep(_LOOKS_SECONDS)
