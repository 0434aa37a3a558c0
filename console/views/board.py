"""Several orders at once: a table that shows how far each is, and how each ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from console.order_tree import UNDO, OrderTree, messages
from console.states import is_terminal, state_text
from orders.lifecycle.states import OrderState
from tmf.bodies import Document


@dataclass(slots=True)
class Row:
    """An order on the board: what it is for, how it is to end, and how it stands."""

    what: str
    expected: OrderState
    tree: OrderTree | None = None
    way: str = ""
    """What is to be said of it when it ended as expected, where its state alone says too little: `after fallout`."""
    story: list[str] = field(default_factory=list)
    """What happened to it, a line each."""
    missed: bool = False
    """Whether something that was to happen to it did not."""

    @property
    def met(self) -> bool:
        """Whether the order ended as it was to, and by the way that it was to go."""
        return self.tree is not None and self.tree.state == self.expected and not self.missed


@dataclass(frozen=True, slots=True)
class Progress:
    """How many items of an order's children are done, and of how many; and how many orders undid something."""

    services_done: int = 0
    services: int = 0
    resources_done: int = 0
    resources: int = 0
    undone: int = 0


def progress(tree: OrderTree) -> Progress:
    """Count the items of service and resource orders."""
    services = [each for each in tree.service_orders.values() if UNDO not in str(each["id"])]
    resources = [each for each in tree.resource_orders.values() if UNDO not in str(each["id"])]
    undoing = [
        each
        for each in (*tree.service_orders.values(), *tree.resource_orders.values())
        if UNDO in str(each["id"]) and each.get("state") == OrderState.COMPLETED
    ]
    done, of = _count(services, "serviceOrderItem")
    resources_done, of_resources = _count(resources, "orderItem")
    return Progress(done, of, resources_done, of_resources, len(undoing))


def board(rows: Sequence[Row], *, ended: bool = False) -> Table:
    """Return the table; once all have `ended`, with whether each ended as expected."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="outcomes" if ended else None)
    table.title_justify, table.title_style = "left", "bold"
    table.add_column("order", no_wrap=True)
    table.add_column("what")
    table.add_column("state", no_wrap=True)
    for name in ("services", "resources", "undone", "time"):
        table.add_column(name, no_wrap=True, justify="right")
    if ended:
        table.add_column("expected", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row), *([_verdict(row)] if ended else []))
    return table


def duration(order: Document, now: datetime) -> float | None:
    """Return the seconds from an order's arrival to its end, or to now where it has not ended."""
    end = order.get("completionDate") or order.get("cancellationDate")
    if not order.get("orderDate") or (not end and is_terminal(order.get("state"))):
        return None
    until = datetime.fromisoformat(str(end)) if end else now
    return (until - datetime.fromisoformat(str(order["orderDate"]))).total_seconds()


def _cells(row: Row) -> list[str | Text]:
    if row.tree is None:
        return ["", row.what, Text("waits", style="dim"), "", "", "", ""]
    done, seconds = progress(row.tree), duration(row.tree.order, datetime.now(UTC))
    return [
        row.tree.id,
        row.what,
        state_text(row.tree.state),
        f"{done.services_done}/{done.services}" if done.services else "",
        f"{done.resources_done}/{done.resources}" if done.resources else "",
        str(done.undone or ""),
        f"{seconds:.1f} s" if seconds is not None else "",
    ]


def _verdict(row: Row) -> Text:
    expected = row.way or row.expected
    return Text(f"{expected} {'✔' if row.met else '✘'}", style="green" if row.met else "bold red")


def stories(rows: Sequence[Row]) -> Table:
    """Return what happened to orders on their way, and why some failed, a line each."""
    table = Table(box=None, pad_edge=False, show_header=False, title="what happened")
    table.title_justify, table.title_style = "left", "bold"
    table.add_column("what", no_wrap=True)
    table.add_column("line", overflow="fold")
    for row in rows:
        lines = [*row.story, *(messages(row.tree.order) if row.tree else [])]
        for number, line in enumerate(lines):
            table.add_row("" if number else row.what, Text(line, style="dim"))
    return table


def _count(documents: Sequence[Document], items: str) -> tuple[int, int]:
    states = [item.get("state") for document in documents for item in document.get(items) or []]
    return states.count(OrderState.COMPLETED.value), len(states)
