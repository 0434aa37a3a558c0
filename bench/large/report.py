"""The figures of a run as tables, the targets last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from bench.figures import ENGINE
from bench.large.drill import Step
from bench.large.fairness import Stream
from bench.large.figures import Figures, targets
from bench.large.sizes import Size
from bench.large.waiting_orders import OpenOrders
from bench.large.watch import p95
from bench.report import target_table, titled
from embedded.layout import GATEWAY, WORKER

_BYTES = 1e6


def tables(figures: Figures) -> Iterator[Table]:
    """Yield a table for each part that was measured, and one of the targets."""
    if figures.sizes:
        yield _sizes(figures.sizes)
    if figures.steps:
        yield _steps(figures.steps)
    if figures.open_orders:
        yield _open_orders(figures.open_orders)
    if figures.streams:
        yield _streams(figures.streams)
    yield target_table(targets(figures))


def _sizes(sizes: Sequence[Size]) -> Table:
    heads = [
        "items",
        "s",
        "ms an item",
        "CPU ms an item",
        *(f"of {each}" for each in ENGINE),
        "runs",
        "events",
        "payload",
    ]
    table = titled("One order of so many items", ["order", *heads, "worker MB", "gateway MB", "GET ms", "list ms"])
    for size in sizes:
        watch = size.watch
        table.add_row(
            size.kind,
            f"{size.items:,}",
            f"{size.seconds:.1f}",
            f"{1000 * size.each:.0f}",
            f"{1000 * size.cpu_each:.0f}",
            *(f"{1000 * watch.cpu[each] / size.items:.0f}" for each in ENGINE),
            f"{size.runs}",
            f"{size.largest_history:,}",
            f"{size.largest_payload:,}",
            f"{watch.memory[WORKER] / _BYTES:.0f}",
            f"{watch.memory[GATEWAY] / _BYTES:.0f}",
            f"{1000 * p95(watch.looks):.0f}",
            f"{1000 * p95(watch.lists):.0f}",
        )
    return table


def _steps(steps: Sequence[Step]) -> Table:
    table = titled("People act on a large order", ["what", "items", "run", "s"])
    for step in steps:
        table.add_row(step.what, f"{step.items:,}", f"{step.runs}", f"{step.seconds:.1f}")
    return table


def _open_orders(waiting: OpenOrders) -> Table:
    table = titled(
        f"{waiting.number:,} open orders, opened in {waiting.seconds:.0f} s",
        ["", *waiting.memory],
        f"worker and Temporal killed: an order placed at once is done after {waiting.recovery:.1f} s",
    )
    table.add_row("MB", *(f"{taken / _BYTES:.0f}" for taken in waiting.memory.values()))
    table.add_row("CPU of an idle second, %", *(f"{100 * share:.1f}" for share in waiting.idle_cpu.values()))
    table.add_row("MB after the restart", *(f"{waiting.memory_after[name] / _BYTES:.0f}" for name in waiting.memory))
    return table


def _streams(streams: Sequence[Stream]) -> Table:
    table = titled("Small orders", ["beside", "orders", "p50 s", "p95 s"])
    for each in streams:
        table.add_row(each.beside, f"{len(each.latencies)}", f"{each.p50:.2f}", f"{each.p95:.2f}")
    return table
