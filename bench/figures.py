"""What a run measures, as data: nothing here runs anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from bench import actions
from embedded.layout import GATEWAY, TEMPORAL, WORKER

OURS, FLOOR, FLOOR_LOCAL, FLOOR_LAYERS, PEER = "ours", "floor", "floor-local", "floor-layers", "peer"
CONTENDERS = (OURS, FLOOR, FLOOR_LOCAL, FLOOR_LAYERS, PEER)
BARE = "bare"
"""The route that only starts a workflow."""

ALONE, SOME, MANY = 1, 10, 30
"""How many orders are in flight."""

ENGINE = (WORKER, GATEWAY, TEMPORAL)
"""The processes that are not the systems'."""


@dataclass(frozen=True, slots=True)
class Block:
    """What one contender took for one load."""

    contender: str
    script: str
    in_flight: int
    orders: int
    seconds: float
    latencies: list[float]
    """Seconds from the placing of each order to its end."""
    cpu: Mapping[str, float]
    """CPU seconds an order of each process."""

    @property
    def rate(self) -> float:
        """Orders a second."""
        return self.orders / self.seconds

    @property
    def latency(self) -> float:
        return median(self.latencies)

    @property
    def engine_cpu(self) -> float:
        """CPU seconds an order of worker, gateway and Temporal."""
        return sum(seconds for name, seconds in self.cpu.items() if name in ENGINE)


@dataclass(frozen=True, slots=True)
class Counted:
    """One order that ran alone."""

    order: str
    counts: actions.Counts
    calls: dict[str, int]
    """Requests to each system, repeats among them."""
    needed_calls: int
    """Those that its plan needs, as far as they are a step of their own."""
    transactions: int
    """Write transactions of the order store."""
    pages: int
    """Pages of 4 KiB that these wrote."""
    first_call: float
    """Seconds from the posting to the first request to a system."""

    @property
    def least(self) -> int:
        return actions.least(self.counts.children, self.needed_calls)

    @property
    def ratio(self) -> float:
        """Billable actions over the fewest possible."""
        return self.counts.actions / self.least

    def figures(self) -> dict[str, Any]:
        return asdict(self) | {"actions": self.counts.actions, "least": self.least, "ratio": self.ratio}


@dataclass(frozen=True, slots=True)
class Submission:
    """What one of the two did with all connections busy for some seconds."""

    who: str
    orders: int
    seconds: float
    p50: float
    p99: float
    """Seconds."""
    cpu: dict[str, float]
    """CPU seconds an order of the gateway (or the bare route's process) and of Temporal."""

    @property
    def rate(self) -> float:
        """Orders a second."""
        return self.orders / self.seconds


@dataclass(slots=True)
class Figures:
    """What a run has measured; what it has not is empty."""

    blocks: list[Block] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    first_calls: list[float] = field(default_factory=list)
    """Seconds from the posting of an idle order to the first request to a system."""
    open_order_bytes: float | None = None
    submissions: list[Submission] = field(default_factory=list)
    demo_seconds: float | None = None
