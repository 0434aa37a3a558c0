"""The command line of `make bench`: which parts are measured, how often, and where the figures go."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import uvloop
from rich.console import Console

from bench.contenders import CONTENDERS, contenders
from bench.gateway import ORDERS
from bench.report import order_table
from bench.rounds import Block, Load, run_rounds
from bench.stacks import running_stack
from worker import exit_now

ALONE, SOME, MANY = 1, 10, 30
"""How many orders are in flight."""


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what the command line chooses."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what an order costs, side by side.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each load is run [default: 3]")
    parser.add_argument("--minutes", type=float, default=10, help="no further round begins that would last longer")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help=f"of {', '.join(CONTENDERS)}")
    parser.add_argument("--orders", default=",".join(ORDERS), help=f"of {', '.join(ORDERS)}")
    parser.add_argument("--in-flight", default=f"{ALONE},{SOME},{MANY}", help="how many at a time [default: 1,10,30]")
    parser.add_argument("--json", type=Path, default=Path(".bench/figures.json"), help="where the figures are written")
    chosen = parser.parse_args(arguments)
    chosen.contenders = _among(parser, chosen.contenders, CONTENDERS)
    chosen.orders = _among(parser, chosen.orders, ORDERS)
    chosen.in_flight = [int(word) for word in chosen.in_flight.split(",")]
    return chosen


def rounds(orders: Sequence[str], in_flight: Sequence[int], count: int) -> list[list[Load]]:
    """Return the loads of each round. Of the smaller order only the usual load, and the heaviest load once."""
    every = []
    for number in range(count):
        loads = [Load(orders[0], k, k if k > ALONE else 2) for k in in_flight if k < MANY or number == 0]
        loads += [Load(order, SOME, 2 * SOME) for order in orders[1:] if SOME in in_flight]
        every.append(loads)
    return every


async def run(chosen: argparse.Namespace, console: Console) -> int:
    """Measure what is chosen; return the exit code."""

    def tell(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    began = time.monotonic()
    blocks = await _orders(chosen, tell)
    for order in chosen.orders:
        console.print(order_table(order, blocks))
    figures = {"machine": machine(), "seconds": time.monotonic() - began, "blocks": [asdict(each) for each in blocks]}
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(figures, indent=1) + "\n")
    tell(f"figures: {chosen.json}; {time.monotonic() - began:.0f} s")
    return 0


async def _orders(chosen: argparse.Namespace, tell: Callable[[str], None]) -> list[Block]:
    loads = rounds(chosen.orders, chosen.in_flight, chosen.rounds)
    async with running_stack() as stack, contenders(stack, chosen.contenders) as running:
        return await run_rounds(stack, running, loads, chosen.minutes * 60, tell)


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "load": psutil.getloadavg()[0],
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _among(parser: argparse.ArgumentParser, words: str, known: Sequence[str]) -> list[str]:
    chosen = words.split(",")
    if unknown := sorted(set(chosen) - set(known)):
        parser.error(f"{unknown[0]} is none of {', '.join(known)}")
    return [each for each in known if each in chosen]


def main(arguments: Sequence[str]) -> None:
    """Run the bench; end the process with 1 where a target is missed."""
    exit_now(uvloop.run(run(parsed(arguments), Console(width=150 if not sys.stdout.isatty() else None))))
