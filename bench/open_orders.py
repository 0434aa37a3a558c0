"""What open orders take of the worker's memory: orders that wait for their date."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.stack.gateway import ORDERS, Gateway, example, new_customer
from bench.stack.processes import resident_bytes
from bench.stack.stacks import Stack
from bench.stack.waiting import until
from embedded.layout import WORKER

_WAITING = "pending"
_AT_A_TIME = 10
_PATIENCE_SECONDS = 240.0
_LATER = timedelta(days=365)


async def warm_up(stack: Stack) -> None:
    """Let the worker load all that it needs for an order."""
    gateway = Gateway(stack)
    await gateway.succeeded(await gateway.place(example(ORDERS[-1], new_customer())))


async def bytes_each(stack: Stack, number: int) -> float:
    """Return by how many bytes an open order makes the worker larger, after so many.

    Raises:
        TimeoutError: when they do not all come to wait in good time.
    """
    gateway, places = Gateway(stack), asyncio.Semaphore(_AT_A_TIME)
    waiting = await gateway.counted(state=_WAITING)

    async def place() -> None:
        async with places:
            await gateway.place(_later(example(ORDERS[-1], new_customer())))

    before = resident_bytes(stack.pids[WORKER])
    await asyncio.gather(*(place() for _ in range(number)))

    async def all_wait() -> bool:
        return await gateway.counted(state=_WAITING) == waiting + number

    await until(all_wait, _PATIENCE_SECONDS)
    return (resident_bytes(stack.pids[WORKER]) - before) / number


def _later(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"requestedStartDate": (datetime.now(UTC) + _LATER).isoformat(timespec="seconds")}
