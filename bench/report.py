"""The figures of a run as tables, the targets last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.figures import ENGINE, Block, Counted, Figures, Submission
from bench.targets import Target, Verdict, targets
from settings import SYSTEMS

_PROCESSES = (*ENGINE, *SYSTEMS)
_COLOURS = {Verdict.HELD: "green", Verdict.WITHIN_SPREAD: "yellow", Verdict.MISSED: "red"}


def tables(figures: Figures) -> Iterator[Table]:
    """Yield a table for each part that was measured, and one of the targets."""
    for order in dict.fromkeys(block.script for block in figures.blocks):
        yield _orders(order, figures.blocks)
    if figures.counted:
        yield _counted(figures.counted)
    if figures.submissions:
        yield _submissions(figures.submissions)
    memory = figures.open_order_bytes
    note = "" if memory is None else f"1,000 open orders take {memory / 1000:.0f} MB of the worker"
    yield target_table(targets(figures), note)


def _orders(order: str, blocks: Sequence[Block]) -> Table:
    heads = ("orders/s", "latency s", "CPU s an order", *_PROCESSES)
    table = titled(f"{order}: medians, and what they were between", ["in flight", "who", *heads])
    mine = [block for block in blocks if block.script == order]
    for in_flight in sorted({block.in_flight for block in mine}):
        names = dict.fromkeys(block.contender for block in mine if block.in_flight == in_flight)
        for name in names:
            runs = [block for block in mine if (block.contender, block.in_flight) == (name, in_flight)]
            table.add_row(str(in_flight), name, *_figures(runs), end_section=name == list(names)[-1])
    return table


def _figures(runs: Sequence[Block]) -> list[str]:
    processes = [name if name in runs[0].cpu else None for name in _PROCESSES]
    return [
        spread([run.rate for run in runs], 3),
        spread([run.latency for run in runs]),
        spread([run.engine_cpu for run in runs]),
        *(f"{median(run.cpu[name] for run in runs):.2f}" if name else "–" for name in processes),
    ]


def _counted(counted: Sequence[Counted]) -> Table:
    table = titled("One order of ours, counted", ["", *(each.order for each in counted)])
    rows: dict[str, Callable[[Counted], object]] = {
        "billable actions": lambda each: each.counts.actions,
        "the least": lambda each: each.least,
        "over the least": lambda each: f"{each.ratio:.2f}",
        "workflows": lambda each: each.counts.workflows,
        "events": lambda each: each.counts.events,
        "workflow tasks": lambda each: each.counts.workflow_tasks,
        "activities": lambda each: each.counts.activities + each.counts.retries,
        "local activities": lambda each: f"{each.counts.local_activities} in {each.counts.local_batches}",
        "timers, signals, upserts": lambda each: f"{each.counts.timers}, {each.counts.signals}, {each.counts.upserts}",
        "payload bytes": lambda each: f"{each.counts.payload_bytes:,}",
        "HTTP calls": lambda each: sum(each.calls.values()),
        "store transactions": lambda each: each.transactions,
        "kB that these wrote": lambda each: 4 * each.pages,
    }
    for name, figure in rows.items():
        table.add_row(name, *(str(figure(each)) for each in counted))
    return table


def _submissions(submissions: Sequence[Submission]) -> Table:
    table = titled("Taking orders in", ["who", "orders/s", "p50 ms", "p99 ms", "CPU ms an order", "of Temporal's"])
    for who in dict.fromkeys(each.who for each in submissions):
        runs = [each for each in submissions if each.who == who]
        table.add_row(
            who,
            spread([run.rate for run in runs], 1),
            spread([run.p50 * 1000 for run in runs], 1),
            spread([run.p99 * 1000 for run in runs], 1),
            *(f"{1000 * median(run.cpu[name] for run in runs):.1f}" for name in ("gateway", "temporal")),
        )
    return table


def target_table(targets: Sequence[Target], note: str = "") -> Table:
    """Return a table of targets, each with its figure and whether it is held."""
    table = titled("Targets", ["target", "limit", "figure", "verdict"], note)
    for each in targets:
        limit = f"{'≤' if each.at_most else '≥'} {each.limit:g}{' (stretch)' if each.stretch else ''}"
        verdict = f"[{_COLOURS[each.verdict]}]{each.verdict}"
        table.add_row(each.what, limit, spread(each.values, each.digits), verdict)
    return table


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median of values, and between what they are."""
    middle = f"{median(values):.{digits}f}"
    return f"{middle} ({min(values):.{digits}f}–{max(values):.{digits}f})" if len(values) > 1 else middle


def titled(title: str, heads: Sequence[str], caption: str = "") -> Table:
    """Return an empty table with a title and heads; words are to the left, figures to the right."""
    table = Table(title=title, caption=caption, box=SIMPLE_HEAD)
    for head in heads:
        table.add_column(
            head, justify="left" if head in ("", "who", "target", "verdict", "order", "what", "beside") else "right"
        )
    return table
