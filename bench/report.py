"""The figures of a run as tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.rounds import ENGINE, Block
from settings import SYSTEMS

_PROCESSES = (*ENGINE, *SYSTEMS)


def order_table(order: str, blocks: Sequence[Block]) -> Table:
    """Return a table of one kind of order: a row for each contender and number in flight."""
    table = Table(title=f"{order}: medians, and what they were between", box=SIMPLE_HEAD)
    table.add_column("in flight", justify="right")
    table.add_column("who")
    heads = ("orders/s", "latency s", "CPU s an order", *_PROCESSES)
    for head in heads:
        table.add_column(head, justify="right")
    mine = [block for block in blocks if block.script == order]
    for in_flight in sorted({block.in_flight for block in mine}):
        names = dict.fromkeys(block.contender for block in mine)
        for name in names:
            runs = [block for block in mine if block.contender == name and block.in_flight == in_flight]
            if runs:
                table.add_row(str(in_flight), name, *_figures(runs), end_section=name == list(names)[-1])
    return table


def spread(runs: Sequence[Block], figure: Callable[[Block], float], digits: int = 2) -> str:
    """Return the median of a figure, and between what it was."""
    values = [figure(run) for run in runs]
    middle = f"{median(values):.{digits}f}"
    return f"{middle} ({min(values):.{digits}f}–{max(values):.{digits}f})" if len(values) > 1 else middle


def _figures(runs: Sequence[Block]) -> list[str]:
    processes = [name if name in runs[0].cpu else None for name in _PROCESSES]
    return [
        spread(runs, lambda run: run.rate, 3),
        spread(runs, lambda run: run.latency),
        spread(runs, lambda run: run.engine_cpu),
        *(f"{median(run.cpu[name] for run in runs):.2f}" if name else "–" for name in processes),
    ]
