"""Rounds: every contender runs the same number of orders, one after the other, so that all see the same machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx2

from application.addresses import RESERVATION, RESOURCE
from bench.contenders.contenders import Contender
from bench.figures import Block
from bench.stack.processes import cpu_seconds
from bench.stack.stacks import Stack
from tmf.paths import TMF702

_CONFIGURED = f"{TMF702}/resource"


@dataclass(frozen=True, slots=True)
class Load:
    """So many orders of a kind, so many of them at a time."""

    script: str
    in_flight: int
    orders: int
    without: tuple[str, ...] = ()
    """Contenders that do not run it."""


async def run_rounds(
    stack: Stack,
    contenders: Mapping[str, Contender],
    rounds: Sequence[Sequence[Load]],
    ends: float,
    tell: Callable[[str], None],
) -> list[Block]:
    """Let all contenders run the loads of each round, after an order each that does not count.

    Args:
        ends: when, by `time.monotonic`, all should be over; a round that would last longer, going by those before, is
            not begun.
    """
    for contender in contenders.values():
        for script in sorted({load.script for loads in rounds for load in loads}):
            await contender.check(await contender.order(script))
    blocks: list[Block] = []
    lasted: dict[tuple[str, int], float] = {}
    for number, loads in enumerate(rounds):
        if number and time.monotonic() + sum(lasted[load.script, load.in_flight] for load in loads) > ends:
            tell(f"no time for more than {number} of {len(rounds)} rounds")
            break
        for load in loads:
            began = time.monotonic()
            for name in _turned([*contenders], number):
                if name not in load.without:
                    blocks.append(block := await run_block(name, contenders[name], load))
                    tell(_line(block))
                    await give_back(stack)
            lasted[load.script, load.in_flight] = time.monotonic() - began
    return blocks


def _turned(names: list[str], number: int) -> list[str]:
    """Return the names in another order each round, so that nobody is always first."""
    turn = number % len(names)
    return names[turn:] + names[:turn]


def _line(block: Block) -> str:
    systems = sum(block.cpu.values()) - block.engine_cpu
    return (
        f"{block.contender:12} {block.script:12} {block.in_flight:2} in flight: {block.rate:6.3f} orders/s, "
        f"{block.latency:6.2f} s, CPU {block.engine_cpu:5.2f} s + systems {systems:5.2f} s an order"
    )


async def run_block(name: str, contender: Contender, load: Load) -> Block:
    """Run the orders of a load; each must succeed."""
    places = asyncio.Semaphore(load.in_flight)
    latencies: list[float] = []

    async def one() -> str:
        async with places:
            began = time.perf_counter()
            order_id = await contender.order(load.script)
            latencies.append(time.perf_counter() - began)
            return order_id

    before, began = cpu_seconds(contender.pids), time.perf_counter()
    ids = await asyncio.gather(*(one() for _ in range(load.orders)))
    seconds, after = time.perf_counter() - began, cpu_seconds(contender.pids)
    for order_id in ids:
        await contender.check(order_id)
    cpu = {each: (after[each] - before[each]) / load.orders for each in before}
    return Block(name, load.script, load.in_flight, load.orders, seconds, latencies, cpu)


async def give_back(stack: Stack) -> None:
    """Take all resources out of the network and give them back to their pools, which else would run dry."""
    inventory, activation = stack.systems["inventory"], stack.systems["activation"]
    for listed, given_back in (
        (f"{activation}{_CONFIGURED}", f"{activation}{_CONFIGURED}"),
        (f"{inventory}{RESOURCE}?resourceStatus=reserved", f"{inventory}{RESERVATION}"),
    ):
        for each in await _all(stack, listed):
            (await stack.http.delete(f"{given_back}/{each}")).raise_for_status()


async def _all(stack: Stack, url: str) -> list[str]:
    answer = await stack.http.get(httpx2.URL(url).copy_merge_params({"limit": "1000", "fields": "id"}))
    return [each["id"] for each in answer.raise_for_status().json()]
