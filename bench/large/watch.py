"""What processes take while an order runs, and how long those wait who look at it meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.stack.gateway import PATH
from bench.stack.processes import cpu_seconds, resident_bytes
from bench.stack.stacks import Stack

_EVERY_SECONDS = 1.0


@dataclass
class Watch:
    """What was seen so far."""

    cpu: dict[str, float] = field(default_factory=dict)
    """CPU seconds of each part of the stack."""
    memory: dict[str, int] = field(default_factory=dict)
    """The most bytes that each part had."""
    looks: list[float] = field(default_factory=list)
    """Seconds of each look at an order, with `fields`."""
    lists: list[float] = field(default_factory=list)
    """Seconds of each list of ten orders."""

    def see(self, pids: Mapping[str, int]) -> None:
        for name, pid in pids.items():
            self.memory[name] = max(self.memory.get(name, 0), resident_bytes(pid))


def p95(seconds: Sequence[float]) -> float:
    """Return what 95 of a hundred do not exceed."""
    return sorted(seconds)[int(0.95 * (len(seconds) - 1))]


@asynccontextmanager
async def watching(stack: Stack, order_id: str | None = None) -> AsyncIterator[Watch]:
    """Watch a stack, and look at an order again and again, for the length of the block."""
    watch, before = Watch(), cpu_seconds(stack.pids)
    watcher = asyncio.create_task(_watch(stack, watch, order_id))
    try:
        yield watch
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
        watch.cpu = {name: seconds - before[name] for name, seconds in cpu_seconds(stack.pids).items()}


async def _watch(stack: Stack, watch: Watch, order_id: str | None) -> None:
    url = f"{stack.layout.gateway_url}{PATH}"
    while True:
        watch.see(stack.pids)
        if order_id is not None:
            watch.looks.append(await _seconds(stack, f"{url}/{order_id}", {"fields": "id,state"}))
            watch.lists.append(await _seconds(stack, url, {"fields": "id,state,note", "limit": "10"}))
        await asyncio.sleep(_EVERY_SECONDS)


async def _seconds(stack: Stack, url: str, query: Mapping[str, str]) -> float:
    began = time.perf_counter()
    (await stack.http.get(url, params=query)).raise_for_status()
    return time.perf_counter() - began
