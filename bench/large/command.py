"""The command line of `make bench-large`: which parts are measured, how large orders are, and where the figures go."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.command import among, end_with, measured, verdicts
from bench.large.fairness import streams
from bench.large.figures import Figures, targets
from bench.large.orders import KINDS
from bench.large.report import tables
from bench.large.sizes import run_size
from bench.large.stack import large_stack
from bench.large.steered import steer
from bench.large.waiting_orders import open_orders
from bench.parts import Tell

FAIRNESS, SIZES, STEERED, OPEN = "fairness", "sizes", "steered", "open"
PARTS = (FAIRNESS, SIZES, STEERED, OPEN)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is measured."""

    parts: Sequence[str]
    kinds: Sequence[str]
    sizes: Sequence[int]
    steered: int
    """Items of the orders that people act on."""
    open_orders: int
    small_orders: int
    """How many small orders are placed, alone and beside a large one."""
    beside: int
    """Items of that large one."""
    folder: Path


def chosen(arguments: Sequence[str]) -> Choice:
    """Return what the command line chooses."""
    parser = argparse.ArgumentParser(prog="python -m bench.large", description="Measure large orders, and many.")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts: of {', '.join(PARTS)}")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--sizes", default="1,10,100,1000,5000", help="items of an order [default: %(default)s]")
    parser.add_argument("--steered", type=int, default=1000, help="items of those acted on [default: %(default)s]")
    parser.add_argument("--open", type=int, default=10_000, help="open orders [default: %(default)s]")
    parser.add_argument("--small", type=int, default=60, help="small orders beside a large one [default: %(default)s]")
    parser.add_argument("--beside", type=int, default=1000, help="items of that large one [default: %(default)s]")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="for the figures [default: %(default)s]")
    given = parser.parse_args(arguments)
    return Choice(
        parts=among(parser, given.only, PARTS),
        kinds=among(parser, given.kinds, KINDS),
        sizes=[int(word) for word in given.sizes.split(",")],
        steered=given.steered,
        open_orders=given.open,
        small_orders=given.small,
        beside=given.beside,
        folder=given.folder,
    )


async def measure(choice: Choice, tell: Tell) -> Figures:
    """Measure the chosen parts, each kind on a stack of its own.

    Raises:
        StackError: when a stack does not come up.
        RuntimeError: when an order is not as it must be.
    """
    figures = Figures()
    if FAIRNESS in choice.parts:
        async with large_stack() as stack:
            figures.streams += await streams(stack, choice.beside, choice.small_orders, tell)
    if SIZES in choice.parts:
        for kind in choice.kinds:
            async with large_stack() as stack:
                await run_size(stack, kind, min(choice.sizes))  # what is loaded with the first is not counted
                for items in choice.sizes:
                    figures.sizes.append(size := await run_size(stack, kind, items))
                    tell(f"{kind}, {items} items: {size.seconds:.1f} s, {1000 * size.each:.0f} ms an item")
    if STEERED in choice.parts:
        async with large_stack() as stack:
            figures.steps += await steer(stack, choice.steered, tell)
    if OPEN in choice.parts:
        async with large_stack() as stack:
            figures.open_orders = await open_orders(stack, choice.open_orders, tell)
    return figures


async def run(choice: Choice, console: Console) -> int:
    """Measure what is chosen; return the exit code: 1 where a target is missed, or a stack did not come up."""
    choice.folder.mkdir(parents=True, exist_ok=True)
    return await measured(partial(measure, choice), partial(write, choice.folder), tables, targets, console)


def write(folder: Path, machine: dict[str, Any], figures: Figures) -> Path:
    """Write the figures as JSON; return the file."""
    written = {"machine": machine, "targets": verdicts(targets(figures)), **asdict(figures)}
    file = folder / "large.json"
    file.write_text(json.dumps(written, indent=1) + "\n")
    return file


def main(arguments: Sequence[str]) -> None:
    """Run the bench; end the process with 1 where a target is missed."""
    end_with(partial(run, chosen(arguments)))
