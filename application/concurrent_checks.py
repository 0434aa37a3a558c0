"""Concurrent checks: several of what a qualification asks are made at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

MAX_ALTERNATIVES = 5
"""Alternatives that are proposed for one item."""

CONCURRENCY = 4
"""Checks that one qualification makes at a time."""


async def first_possible(candidates: Sequence[A], possible: Callable[[A], Awaitable[bool]]) -> list[A]:
    """Return the first candidates that are possible, in their order, at most `MAX_ALTERNATIVES`."""
    found: list[A] = []
    for start in range(0, len(candidates), CONCURRENCY):
        part = candidates[start : start + CONCURRENCY]
        found += [each for each, good in zip(part, await each_of(part, possible), strict=True) if good]
        if len(found) >= MAX_ALTERNATIVES:
            break
    return found[:MAX_ALTERNATIVES]


async def each_of(many: Iterable[A], work: Callable[[A], Awaitable[B]]) -> list[B]:
    """Return what `work` makes of each, `CONCURRENCY` of them at a time; the first error ends all."""
    free = asyncio.Semaphore(CONCURRENCY)

    async def one(each: A) -> B:
        async with free:
            return await work(each)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each)) for each in many]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
