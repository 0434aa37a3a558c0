"""The command line of `make bench`: which parts are measured, how often, and where the figures go."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psutil
import uvloop
from rich.console import Console
from rich.table import Table

from bench.chart import chart
from bench.figures import ALONE, CONTENDERS, MANY, SOME, Figures
from bench.parts import PARTS, Choice, Tell, measure
from bench.report import tables
from bench.stack.gateway import ORDERS
from bench.targets import Target, targets
from embedded.errors import StackError
from embedded.layout import GATEWAY, WORKER
from embedded.stack import stop_signals, until
from logs import configure_logging
from settings import SYSTEMS
from worker import exit_now

F = TypeVar("F")

_FOLDER = Path(".bench")
_STOPPED = 130
"""The exit code where somebody stopped it."""
_WIDTH = 150
"""Columns of the tables where there is no terminal."""


def chosen(arguments: Sequence[str]) -> Choice:
    """Return what the command line chooses."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what an order costs, side by side.")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts: of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=3, help="how often each load is run [default: 3]")
    parser.add_argument(
        "--minutes", type=float, default=10, help="no round begins that would last longer [default: 10]"
    )
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help=f"of {', '.join(CONTENDERS)}")
    parser.add_argument("--orders", default=",".join(ORDERS), help=f"of {', '.join(ORDERS)}")
    parser.add_argument("--in-flight", default=f"{ALONE},{SOME},{MANY}", help="orders at a time [default: 1,10,30]")
    parser.add_argument(
        "--seconds", type=float, default=4, help="how long orders are taken in for each time [default: 4]"
    )
    parser.add_argument("--open", type=int, default=200, help="open orders by which memory is measured [default: 200]")
    parser.add_argument("--profile", default="", help=f"flame graphs: of {', '.join((WORKER, GATEWAY, *SYSTEMS))}")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where the figures are written [default: .bench]")
    given = parser.parse_args(arguments)
    return Choice(
        parts=among(parser, given.only, PARTS),
        rounds=given.rounds,
        ends=time.monotonic() + given.minutes * 60,
        contenders=among(parser, given.contenders, CONTENDERS),
        orders=among(parser, given.orders, ORDERS),
        in_flight=[int(word) for word in given.in_flight.split(",")],
        seconds=given.seconds,
        open_orders=given.open,
        profiled=among(parser, given.profile, (WORKER, GATEWAY, *SYSTEMS)) if given.profile else [],
        folder=given.folder,
    )


async def run(choice: Choice, console: Console) -> int:
    """Measure what is chosen; return the exit code: 1 where a target is missed, or a stack did not come up."""
    choice.folder.mkdir(parents=True, exist_ok=True)
    return await measured(partial(measure, choice), partial(write, choice.folder), tables, targets, console)


async def measured(
    measure: Callable[[Tell], Awaitable[F]],
    write: Callable[[dict[str, Any], F], Path],
    tables: Callable[[F], Iterable[Table]],
    targets: Callable[[F], Sequence[Target]],
    console: Console,
) -> int:
    """Measure, print the tables, and write the figures with what they were measured on; return the exit code."""

    def tell(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True, markup=False)

    began, before = time.monotonic(), machine()
    try:
        async with stop_signals() as stopped:
            figures = await until(stopped, measure(tell))
    except StackError as error:
        tell(str(error))
        return 1
    if figures is None:
        return _STOPPED
    for table in tables(figures):
        console.print(table)
    written = write(before | {"seconds": round(time.monotonic() - began)}, figures)
    tell(f"{time.monotonic() - began:.0f} s; the figures are in {written}")
    return int(any(target.fails for target in targets(figures)))


def write(folder: Path, machine: dict[str, Any], figures: Figures) -> Path:
    """Write the figures as JSON, and as a chart where there is something to be drawn; return the JSON's file."""
    counted = [each.figures() for each in figures.counted]
    written = {"machine": machine, "targets": verdicts(targets(figures)), **asdict(figures)}
    file = folder / "figures.json"
    file.write_text(json.dumps(written | {"counted": counted}, indent=1) + "\n")
    if figures.blocks:
        (folder / "chart.svg").write_text(chart(figures.blocks, figures.blocks[0].script))
    return file


def verdicts(targets: Iterable[Target]) -> list[dict[str, Any]]:
    """Return targets as they are written, each with its figure and whether it is held."""
    return [asdict(target) | {"figure": target.figure, "verdict": target.verdict} for target in targets]


def machine() -> dict[str, Any]:
    """Return what the figures are measured on, and how busy it is."""
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


def among(parser: argparse.ArgumentParser, words: str, known: Sequence[str]) -> list[str]:
    """Return which of the known names are listed, in their order; any other ends the command."""
    names = words.split(",")
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"{unknown[0]} is none of {', '.join(known)}")
    return [each for each in known if each in names]


def main(arguments: Sequence[str]) -> None:
    """Run the bench; end the process with 1 where a target is missed."""
    end_with(partial(run, chosen(arguments)))


def end_with(run: Callable[[Console], Coroutine[Any, Any, int]]) -> None:
    """Run a bench, and end the process with its exit code."""
    configure_logging("console", "ERROR")
    exit_now(uvloop.run(run(Console(width=None if sys.stdout.isatty() else _WIDTH))))
