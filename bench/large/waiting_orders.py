"""Thousands of open orders: what they take while they wait, and how they go on after a restart of everything."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.parts import Tell
from bench.stack.gateway import SUCCEEDED, Gateway, example, new_customer
from bench.stack.processes import cpu_seconds, resident_bytes
from bench.stack.stacks import Stack
from bench.stack.waiting import until
from embedded.layout import TEMPORAL, WORKER
from orders.lifecycle.states import TERMINAL

_SOON, _CANCELLED, _PEOPLE, _DATES = "soon", "cancelled", "people", "dates"
_Placed = Mapping[str, list[str]]
"""The ids of orders, by what becomes of them."""

_AT_A_TIME = 12
_SOON_EACH = 50
"""One order of so many has its date soon after the restart, and goes on by itself."""
_CANCELLED_EACH = 50
"""One order of so many is cancelled after the restart: it is replayed from its history."""
_FOR_PEOPLE_EACH = 50
"""One order of so many waits for a technician, the others for a date."""
_IDLE_SECONDS = 30.0
_SHORTLY = timedelta(seconds=60 + 2 * _IDLE_SECONDS)
"""How far away the date is of those placed last: about when all is killed."""
_OPEN = {"state": "open", "limit": "1"}
_PATIENCE_SECONDS = 1800.0
_LATER = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class OpenOrders:
    """What open orders take."""

    number: int
    seconds: float
    """How long it took to bring all of them to where they wait."""
    memory: Mapping[str, int]
    """Bytes of each part, once all are open."""
    idle_cpu: Mapping[str, float]
    """CPU seconds a second of each part while nothing happens."""
    recovery: float
    """Seconds from the killing of worker and Temporal to the completion of an order that is placed at once."""
    going_on: float
    """Seconds until all those were over that went on or were cancelled after that."""
    memory_after: Mapping[str, int]
    """Bytes of each part after all that."""


async def open_orders(stack: Stack, number: int, tell: Tell) -> OpenOrders:
    """Have so many orders wait, kill worker and Temporal, and see them go on.

    Raises:
        RuntimeError: when one does not go on as it must.
        TimeoutError: when that takes too long.
    """
    gateway, began = Gateway(stack), time.monotonic()
    placed = await _all_placed(stack, gateway, number)
    seconds = time.monotonic() - began
    memory = _memory(stack)
    tell(f"{number} orders wait, after {seconds:.0f} s; {_in_megabytes(memory)}")
    idle = await _idle(stack)
    tell(f"CPU of an idle second: {', '.join(f'{name} {share:.3f}' for name, share in idle.items())}")
    recovery = await _restarted(stack, gateway)
    tell(f"worker and Temporal killed: an order placed at once is done after {recovery:.1f} s")
    going_on = await _gone_on(gateway, placed)
    memory_after = _memory(stack)
    gone_on = len(placed[_SOON]) + len(placed[_CANCELLED])
    tell(f"{gone_on} went on, after {going_on:.0f} s; {_in_megabytes(memory_after)}")
    return OpenOrders(number, seconds, memory, idle, recovery, going_on, memory_after)


async def _all_placed(stack: Stack, gateway: Gateway, number: int) -> _Placed:
    """Place so many orders, and wait until each of them waits: those whose date is soon come last."""
    placed: dict[str, list[str]] = {each: [] for each in (_SOON, _CANCELLED, _PEOPLE, _DATES)}
    ends = [_what_becomes_of(index) for index in range(number)]
    soon = [each for each in ends if each == _SOON]
    for some, date in (([each for each in ends if each != _SOON], _LATER), (soon, _SHORTLY)):
        await _place(gateway, some, datetime.now(UTC) + date, placed)
        await _all_wait(stack, gateway, placed)
    return placed


async def _place(gateway: Gateway, ends: Iterable[str], start: datetime, placed: _Placed) -> None:
    places = asyncio.Semaphore(_AT_A_TIME)

    async def place(what: str) -> None:
        document = example("fibre-technician" if what == _PEOPLE else "mobile-esim", new_customer())
        if what != _PEOPLE:
            document["requestedStartDate"] = start.isoformat(timespec="seconds")
        async with places:
            placed[what].append(await gateway.place(document))

    await asyncio.gather(*map(place, ends))


def _what_becomes_of(index: int) -> str:
    every = {_SOON: _SOON_EACH, _CANCELLED: _CANCELLED_EACH, _PEOPLE: _FOR_PEOPLE_EACH}
    return next((what for place, (what, each) in enumerate(every.items()) if index % each == place), _DATES)


async def _all_wait(stack: Stack, gateway: Gateway, placed: _Placed) -> None:
    people, all_placed = len(placed[_PEOPLE]), sum(map(len, placed.values()))

    async def all_wait() -> bool:
        pending = await gateway.counted(state="pending")
        answer = await stack.http.get(f"{stack.layout.gateway_url}/manual/v1/task", params=_OPEN)
        tasks = int(answer.raise_for_status().headers["X-Total-Count"])
        return (pending, tasks) == (all_placed - people, people)

    await until(all_wait, _PATIENCE_SECONDS)


async def _idle(stack: Stack) -> dict[str, float]:
    await asyncio.sleep(_IDLE_SECONDS)
    before = cpu_seconds(stack.pids)
    await asyncio.sleep(_IDLE_SECONDS)
    return {name: (seconds - before[name]) / _IDLE_SECONDS for name, seconds in cpu_seconds(stack.pids).items()}


async def _restarted(stack: Stack, gateway: Gateway) -> float:
    """Kill worker and Temporal; return after how many seconds an order is done that is placed at once."""
    began = time.monotonic()
    for part in (WORKER, TEMPORAL):
        os.kill(stack.pids[part], signal.SIGKILL)
    order_id = await gateway.place(example("mobile-esim", new_customer()))
    await _are_over(gateway, [order_id], SUCCEEDED)
    return time.monotonic() - began


async def _gone_on(gateway: Gateway, placed: _Placed) -> float:
    began = time.monotonic()
    for order_id in placed[_CANCELLED]:
        await gateway.cancel(order_id)
    await _are_over(gateway, placed[_CANCELLED], "cancelled")
    await _are_over(gateway, placed[_SOON], SUCCEEDED)
    seconds = time.monotonic() - began
    waiting = await gateway.counted(state="pending")
    if waiting != len(placed[_DATES]):
        raise RuntimeError(f"{waiting} orders wait for their date, and not {len(placed[_DATES])}")
    return seconds


async def _are_over(gateway: Gateway, order_ids: list[str], state: str) -> None:
    left = list(order_ids)

    async def over() -> bool:
        while left:
            now = (await gateway.order(left[-1]))["state"]
            if now not in TERMINAL:
                return False
            if now != state:
                raise RuntimeError(f"order {left[-1]} is {now}, not {state}")
            left.pop()
        return True

    await until(over, _PATIENCE_SECONDS)


def _memory(stack: Stack) -> dict[str, int]:
    return {name: resident_bytes(pid) for name, pid in stack.pids.items()}


def _in_megabytes(memory: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {taken / 1e6:.0f} MB" for name, taken in memory.items())
