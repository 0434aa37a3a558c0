"""How long lists of product orders take on PostgreSQL, among as many orders as are asked for.

    python -m bench.list_orders --orders 1000000

Fills a database, asks the lists that a BSS asks, each many times with other values, and says for each whether its p95
is under 50 ms. Ends with 1 where one is not, and leaves nothing behind but a database that was given.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from statistics import median

import asyncpg  # type: ignore[import-untyped]  # has no annotations
from rich.console import Console
from rich.table import Table

from bench.orders import FIRST, OFFERINGS, SPAN, STATES, fill
from bench.server import postgresql
from orders.change import OrderChange
from orders.lifecycle import OrderKind, OrderState
from orders.tmf import timestamp
from store.database import migrate, open_database
from store.orders import OrderStore
from store.query import parse_list_query

TARGET = 0.050
"""Seconds that the 95th percentile of each list has to be under."""

Params = list[tuple[str, str]]
_KIND = OrderKind.PRODUCT


class Mix:
    """The lists that a BSS asks, each time with other values."""

    def __init__(self, number: int) -> None:
        self._number, self._draw = number, random.Random(41)

    def lists(self) -> dict[str, Callable[[], Params]]:
        """Return the parameters of each list, by its name."""
        draw, number = self._draw, self._number
        return {
            "newest": lambda: [],
            "by state, few": lambda: [("state", draw.choice(["held", "inProgress,held", "failed"]))],
            "by state, most": lambda: [("state", "completed")],
            "by state, not": lambda: [("state.ne", "completed")],
            "by external id": lambda: [("externalId", f"CRM-{draw.randrange(number):08d}")],
            "by id": lambda: [("id", f"order{draw.randrange(number):08d}")],
            "by customer": lambda: [("relatedParty.id", f"customer-{draw.randrange(number // 5)}")],
            "by seller, thousands": lambda: [("relatedParty.id", f"agent-{draw.randrange(500)}")],
            "by customer and state": lambda: [
                ("relatedParty.id", f"customer-{draw.randrange(number // 5)}"),
                ("state", "completed"),
            ],
            "by product": lambda: [("productOrderItem.product.id", f"product-{draw.randrange(number)}-1")],
            "by offering": lambda: [("productOrderItem.productOffering.id", draw.choice(list(OFFERINGS)))],
            "by serial number": lambda: [
                ("productOrderItem.product.productCharacteristic.value", f"SN-{draw.randrange(number)}-1")
            ],
            "by billing account": lambda: [("billingAccount.id", f"account-{draw.randrange(number)}")],
            "by category": lambda: [("category", draw.choice(["business", "wholesale"]))],
            "by priority": lambda: [("priority", str(draw.randrange(5)))],
            "of one day": lambda: self._span(timedelta(days=1)),
            "of one month": lambda: self._span(timedelta(days=30)),
            "of a year, completed": lambda: [*self._span(timedelta(days=365)), ("state", "completed")],
            "that start in a week": lambda: self._span(timedelta(days=7), "requestedStartDate"),
            "a page in the middle": lambda: [("offset", str(draw.randrange(number // 2))), ("limit", "50")],
            "the last page": lambda: [("offset", str(max(0, number - 60)))],
            "sorted by date, oldest": lambda: [("sort", "orderDate"), ("limit", "50")],
            "sorted by external id": lambda: [("sort", "externalId"), ("state", "held"), ("limit", "50")],
            "some fields of each": lambda: [("fields", "state,orderDate"), ("state", draw.choice(list(STATES)))],
        }

    def _span(self, length: timedelta, attribute: str = "orderDate") -> Params:
        begin = FIRST + self._draw.random() * (SPAN - length)
        return [(f"{attribute}.gte", timestamp(begin)), (f"{attribute}.lt", timestamp(begin + length))]


async def measure(call: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Return how many seconds each of the calls took, after a few that do not count."""
    taken = []
    for number in range(-3, times):
        begin = time.perf_counter()
        await call()
        if number >= 0:
            taken.append(time.perf_counter() - begin)
    return sorted(taken)


def percentile(taken: list[float], share: float) -> float:
    return taken[min(len(taken) - 1, int(len(taken) * share))]


async def compare_lists(store: OrderStore, number: int, times: int, console: Console) -> bool:
    """Print how long each list takes; return whether all are under the target."""
    draw = random.Random(7)
    baseline = median(await measure(lambda: store.get(_KIND, f"order{draw.randrange(number):08d}"), times))
    table = Table(title=f"{number:,} product orders; one order read by its id takes {baseline * 1000:.2f} ms (p50)")
    for name in ("list", "matches", "p50 ms", "p95 ms", "p99 ms", "of one read", "p95 < 50 ms"):
        table.add_column(name, justify="left" if name == "list" else "right")
    good = True
    for name, params in Mix(number).lists().items():
        totals: list[int] = []

        async def ask(params: Callable[[], Params] = params, totals: list[int] = totals) -> None:
            totals.append((await store.find(_KIND, parse_list_query(params()))).total)

        taken = await measure(ask, times)
        p95 = percentile(taken, 0.95)
        good &= p95 < TARGET
        figures = (f"{1000 * each:.1f}" for each in (median(taken), p95, percentile(taken, 0.99)))
        verdict = "yes" if p95 < TARGET else "NO"
        table.add_row(name, f"{median(totals):,.0f}", *figures, f"{median(taken) / baseline:.0f} x", verdict)
    console.print(table)
    return good


async def compare_writes(store: OrderStore, url: str, number: int, times: int, console: Console) -> None:
    """Print what a change of an order's state costs, with what lists are found by, and without."""
    draw, version = random.Random(11), iter(range(2, 10**9))
    states = [OrderState.IN_PROGRESS, OrderState.HELD]

    async def record() -> None:
        at = next(version)
        order_id = f"order{draw.randrange(number):08d}"
        change = {"items": {"1": {"state": states[at % 2].value}}, "state": states[at % 2]}
        await store.record(OrderChange(kind=_KIND, order_id=order_id, version=at, **change))

    table = Table(title="What recording a change of state costs")
    for name in ("with", "p50 ms", "p95 ms"):
        table.add_column(name, justify="left" if name == "with" else "right")
    connection = await asyncpg.connect(url)
    for name, statements in _LESS.items():
        for statement in statements:
            await connection.execute(statement)
        taken = await measure(record, times)
        table.add_row(name, f"{1000 * median(taken):.2f}", f"{1000 * percentile(taken, 0.95):.2f}")
    await connection.close()
    console.print(table)


_LESS = {
    "all of it": [],
    "no index of documents": ["DROP INDEX ix_orders_document"],
    "no counts either": ["ALTER TABLE orders DISABLE TRIGGER USER"],
    "no indexes of category, priority and start either": [
        "DROP INDEX ix_orders_kind_category_order_date_id",
        "DROP INDEX ix_orders_kind_priority_order_date_id",
        "DROP INDEX ix_orders_kind_requested_start_date_order_date_id",
    ],
}
"""What is taken away for each measurement, in turn."""


async def run(url: str, number: int, times: int) -> bool:
    """Fill the database at `url` and measure; return whether all lists are under the target."""
    console = Console(width=120)
    await migrate(url)
    connection = await asyncpg.connect(url)
    begin = time.perf_counter()
    await fill(connection, number)
    await connection.close()
    console.print(f"filled in {time.perf_counter() - begin:.0f} s")
    database = open_database(url)
    store = OrderStore(database)
    try:
        good = await compare_lists(store, number, times, console)
        await compare_writes(store, url, number, times, console)
    finally:
        await database.close()
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure lists of product orders on PostgreSQL.")
    parser.add_argument("--orders", type=int, default=1_000_000, help="how many orders to fill the store with")
    parser.add_argument("--times", type=int, default=100, help="how often to ask each list")
    chosen = parser.parse_args()
    # So that whoever ends it by a signal leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with postgresql() as url:
        return 0 if asyncio.run(run(url, chosen.orders, chosen.times)) else 1


if __name__ == "__main__":
    sys.exit(main())
