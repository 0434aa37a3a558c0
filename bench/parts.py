"""The parts of a run, each on a stack of its own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import counted, open_orders
from bench.contenders.contenders import contenders
from bench.figures import ALONE, CONTENDERS, FLOOR_LAYERS, FLOOR_LOCAL, MANY, OURS, SOME, Figures
from bench.profile import profiled
from bench.rounds import Load, run_rounds
from bench.stack.gateway import ORDERS
from bench.stack.stacks import running_stack, watched_stack
from bench.submit import submissions
from embedded.layout import WORKER
from embedded.modules import module_command, module_environment

COUNTS, MEMORY, SUBMIT, DEMO, ROUNDS = "counts", "memory", "submit", "demo", "orders"
PARTS = (COUNTS, MEMORY, SUBMIT, DEMO, ROUNDS)
"""In the order in which they run: the last has the time that the others leave."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is measured."""

    parts: Sequence[str]
    rounds: int
    ends: float
    """When, by `time.monotonic`, all should be over."""
    contenders: Sequence[str]
    orders: Sequence[str]
    in_flight: Sequence[int]
    seconds: float
    """How long orders are taken in for, each time."""
    open_orders: int
    profiled: Sequence[str]
    """Parts of the stack whose flame graphs are made."""
    folder: Path
    """Where what is measured is written."""


def loads(choice: Choice) -> list[list[Load]]:
    """Return the loads of each round. The smaller orders have the usual load alone; the heaviest is run once.

    Where all contenders run, those whose figures no target needs leave out what takes longest.
    """
    spare = tuple(choice.contenders) == CONTENDERS
    every = []
    for number in range(choice.rounds):
        less = (FLOOR_LAYERS,) if spare and number else ()
        first = [Load(choice.orders[0], k, k if k > ALONE else 2, less) for k in choice.in_flight if k < MANY]
        heavy = [
            Load(choice.orders[0], k, k, (FLOOR_LOCAL, FLOOR_LAYERS) if spare else ())
            for k in choice.in_flight
            if k >= MANY and number == 0
        ]
        others = [Load(order, SOME, SOME, less) for order in choice.orders[1:] if SOME in choice.in_flight]
        every.append([*first, *others, *heavy])
    return every


async def measure(choice: Choice, tell: Tell) -> Figures:
    """Measure the chosen parts.

    Raises:
        StackError: when a stack does not come up.
        RuntimeError: when an order does not complete.
    """
    figures = Figures()
    for part in PARTS:
        if part in choice.parts:
            tell(f"— {part}")
            await _RUN[part](choice, figures, tell)
    return figures


async def _counts(choice: Choice, figures: Figures, tell: Tell) -> None:
    async with watched_stack() as (stack, proxies):
        figures.counted = await counted.count_orders(stack, proxies, tell)
        figures.first_calls = await counted.first_calls(stack, proxies, ORDERS[0])
        tell(f"first call of a system after {', '.join(f'{1000 * each:.0f}' for each in figures.first_calls)} ms")


async def _memory(choice: Choice, figures: Figures, tell: Tell) -> None:
    async with running_stack() as stack:
        await open_orders.warm_up(stack)
        figures.open_order_bytes = await open_orders.bytes_each(stack, choice.open_orders)
        tell(f"the worker has {figures.open_order_bytes / 1000:.0f} kB more for each open order")


async def _submit(choice: Choice, figures: Figures, tell: Tell) -> None:
    async with running_stack(left_out=[WORKER]) as stack:
        figures.submissions = await submissions(stack, choice.rounds, choice.seconds, tell)


async def _demo(choice: Choice, figures: Figures, tell: Tell) -> None:
    began, log = time.monotonic(), choice.folder / "demo.log"
    with log.open("wb") as output:
        environment = {**os.environ, **module_environment()}
        process = await asyncio.create_subprocess_exec(
            *module_command("cli"),
            "demo",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
        )
        code = await process.wait()
    if code:
        raise RuntimeError(f"the demonstration ended with {code}: see {log}")
    figures.demo_seconds = time.monotonic() - began
    tell(f"the demonstration took {figures.demo_seconds:.1f} s")


async def _rounds(choice: Choice, figures: Figures, tell: Tell) -> None:
    async with running_stack() as stack, AsyncExitStack() as running:
        who = await running.enter_async_context(contenders(stack, choice.contenders))
        if choice.profiled:
            pids = who[OURS].pids
            await running.enter_async_context(profiled(pids, choice.profiled, choice.folder / "profiles"))
        figures.blocks = await run_rounds(stack, who, loads(choice), choice.ends, tell)


_RUN = {COUNTS: _counts, MEMORY: _memory, SUBMIT: _submit, DEMO: _demo, ROUNDS: _rounds}
