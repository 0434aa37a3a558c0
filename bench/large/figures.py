"""What a run has measured, and what is to be held of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.large.drill import Step
from bench.large.fairness import Stream
from bench.large.sizes import Size
from bench.large.waiting_orders import OpenOrders
from bench.large.watch import p95
from bench.targets import Target
from embedded.layout import GATEWAY, WORKER

GROWTH = 1.3
GROWS_FROM = 100
"""The number of items from which on an item must not take longer the more there are."""
HISTORY_EVENTS = 10_000
PAYLOAD_BYTES = 256 * 1024
WORKER_BYTES, GATEWAY_BYTES = 2**30, 2**29
LOOK_SECONDS = 0.1
FAIR = 1.5


@dataclass(slots=True)
class Figures:
    """What a run has measured; what it has not is empty."""

    sizes: list[Size] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    open_orders: OpenOrders | None = None
    streams: list[Stream] = field(default_factory=list)
    """Alone, and beside a large order."""


def targets(figures: Figures) -> list[Target]:
    """Return the targets for which there are figures."""
    return [target for target in _all(figures) if target.values]


def _all(figures: Figures) -> Iterator[Target]:
    sizes = figures.sizes
    for kind in dict.fromkeys(size.kind for size in sizes):
        yield _growth(kind, [size for size in sizes if size.kind == kind])
    yield _most("events of the longest history", HISTORY_EVENTS, [size.largest_history for size in sizes])
    yield _most("bytes of the largest payload", PAYLOAD_BYTES, [size.largest_payload for size in sizes])
    for part, limit in ((WORKER, WORKER_BYTES), (GATEWAY, GATEWAY_BYTES)):
        yield _most(f"MB of the {part}", limit / 1e6, [taken / 1e6 for taken in _memory(figures, part)])
    yield _slowest("seconds of a look at an order", [size.watch.looks for size in sizes])
    yield _slowest("seconds of a list of orders", [size.watch.lists for size in sizes])
    if figures.streams:
        alone, beside = figures.streams
        yield Target("p95 of small orders beside a large one, over theirs alone", FAIR, [beside.p95 / alone.p95])


def _growth(kind: str, sizes: Sequence[Size]) -> Target:
    """Compare an item of the largest order with one of the first that is large at all."""
    first = [size.each for size in sizes if size.items == GROWS_FROM]
    larger = [size for size in sizes if size.items > GROWS_FROM]
    values = [larger[-1].each / first[0]] if first and larger else []
    what = f"{kind}: seconds an item of {larger[-1].items if larger else 0}, over those of {GROWS_FROM}"
    return Target(what, GROWTH, values)


def _most(what: str, limit: float, values: Sequence[float]) -> Target:
    return Target(what, limit, [max(values)] if values else [], digits=0)


def _slowest(what: str, seconds: Sequence[Sequence[float]]) -> Target:
    return Target(f"{what}, p95", LOOK_SECONDS, [max(map(p95, seconds))] if seconds else [], digits=3)


def _memory(figures: Figures, part: str) -> list[int]:
    """Return the most bytes that a part had, of each kind of load."""
    taken = [size.watch.memory[part] for size in figures.sizes]
    if (waiting := figures.open_orders) is not None:
        taken += [waiting.memory[part], waiting.memory_after[part]]
    return taken
