"""Orders of one item to thousands, one after the other: what each item costs, and how large histories get."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.api.history.v1 import HistoryEvent

from bench.actions import payloads, runs_of
from bench.large.orders import large_order
from bench.large.watch import Watch, watching
from bench.stack.gateway import Gateway, workflow_id
from bench.stack.stacks import Stack
from embedded.layout import GATEWAY, TEMPORAL, WORKER

_CHILDREN_READ = 20
"""Of how many children the histories are read, evenly spread."""


@dataclass(frozen=True, slots=True)
class Size:
    """One order of a size."""

    kind: str
    items: int
    taken_in: float
    """Seconds of its POST."""
    seconds: float
    """From its POST to the end of its workflow."""
    watch: Watch
    runs: int
    """Of the workflow of the order."""
    largest_history: int
    """Events of the longest run of its workflow, or of a child's."""
    largest_payload: int
    """Bytes, as they are stored in Temporal."""

    @property
    def each(self) -> float:
        """Seconds an item."""
        return self.seconds / self.items

    @property
    def cpu_each(self) -> float:
        """CPU seconds an item, of worker, gateway and Temporal."""
        return sum(self.watch.cpu[name] for name in (WORKER, GATEWAY, TEMPORAL)) / self.items


async def run_size(stack: Stack, kind: str, items: int) -> Size:
    """Run an order of so many items to its end.

    Raises:
        RuntimeError: when it does not complete.
    """
    gateway, began = Gateway(stack), time.monotonic()
    order_id = await gateway.place(large_order(kind, items))
    taken_in = time.monotonic() - began
    async with watching(stack, order_id) as watch:
        await gateway.succeeded(order_id)
        seconds = time.monotonic() - began
    histories = await runs_of(stack.temporal, workflow_id(order_id))
    runs = len(histories)
    for child in _spread(await _children(stack, order_id)):
        histories += await runs_of(stack.temporal, child)
    return Size(
        kind=kind,
        items=items,
        taken_in=taken_in,
        seconds=seconds,
        watch=watch,
        runs=runs,
        largest_history=max(len(history.events) for history in histories),
        largest_payload=max(_largest(event) for history in histories for event in history.events),
    )


async def _children(stack: Stack, order_id: str) -> list[str]:
    query = f'WorkflowId STARTS_WITH "{workflow_id(order_id)}:"'
    return [each.id async for each in stack.temporal.list_workflows(query)]


def _spread(names: Sequence[str]) -> Sequence[str]:
    return names[:: max(1, len(names) // _CHILDREN_READ)]


def _largest(event: HistoryEvent) -> int:
    """Return the size of the largest payload in an event."""
    return max((payload.ByteSize() for payload in payloads(event)), default=0)
