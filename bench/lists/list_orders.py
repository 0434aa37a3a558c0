"""How long lists of product orders take, among as many orders as are asked for.

    python -m bench.lists.list_orders --orders 1000000
    python -m bench.lists.list_orders --orders 20000 --sqlite

Fills a database, asks the lists that a BSS asks, each many times with other values, and says for each whether its p95
is under 50 ms. Ends with 1 where one is not, and leaves nothing behind but a database that was given.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from statistics import median

import asyncpg  # type: ignore[import-untyped]  # has no annotations
from rich.console import Console
from rich.table import Table

from bench.lists.orders import FIRST, OFFERINGS, SPAN, STATES, fill, fill_sqlite
from bench.lists.postgresql import postgresql
from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import OrderKind, OrderState
from store.orders import OrderStore
from store.sql.database import open_database
from store.sql.migration import migrate
from tmf.instants import timestamp
from tmf.query.query import parse_list_query

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
            "by seller and state": lambda: [
                ("relatedParty.id", f"agent-{draw.randrange(500)}"),
                ("state", draw.choice(["held", "completed"])),
            ],
            "by seller, of one month": lambda: [
                ("relatedParty.id", f"agent-{draw.randrange(500)}"),
                *self._span(timedelta(days=30)),
            ],
            "by product": lambda: [("productOrderItem.product.id", f"product-{draw.randrange(number)}-1")],
            "by offering": lambda: [("productOrderItem.productOffering.id", draw.choice(list(OFFERINGS)))],
            "by offering and state": lambda: [
                ("productOrderItem.productOffering.id", draw.choice(list(OFFERINGS))),
                ("state", draw.choice(["held", "completed"])),
            ],
            "by offering, of one month": lambda: [
                ("productOrderItem.productOffering.id", draw.choice(list(OFFERINGS))),
                *self._span(timedelta(days=30)),
            ],
            "by serial number": lambda: [
                ("productOrderItem.product.productCharacteristic.value", f"SN-{draw.randrange(number)}-1")
            ],
            "by billing account": lambda: [("billingAccount.id", f"account-{draw.randrange(number)}")],
            "by category": lambda: [("category", draw.choice(["business", "wholesale"]))],
            "by category and state": lambda: [
                ("category", draw.choice(["business", "wholesale"])),
                ("state", draw.choice(["held", "completed"])),
            ],
            "by category, of one month": lambda: [("category", "business"), *self._span(timedelta(days=30))],
            "by priority": lambda: [("priority", str(draw.randrange(5)))],
            "of one day": lambda: self._span(timedelta(days=1)),
            "of one month": lambda: self._span(timedelta(days=30)),
            "of a year, completed": lambda: [*self._span(timedelta(days=365)), ("state", "completed")],
            "that start in a week": lambda: self._span(timedelta(days=7), "requestedStartDate"),
            "completed in a week": lambda: self._span(timedelta(days=7), "completionDate"),
            "a page in the middle": lambda: [("offset", str(draw.randrange(number // 2))), ("limit", "50")],
            "the last page": lambda: [("offset", str(max(0, number - 60)))],
            "sorted by date, oldest": lambda: [("sort", "orderDate"), ("limit", "50")],
            "sorted by external id": lambda: [("sort", "externalId"), ("state", "held"), ("limit", "50")],
            "sorted by start, latest": lambda: [("sort", "-requestedStartDate"), ("limit", "50")],
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


async def compare_writes(
    store: OrderStore, url: str, number: int, times: int, less: dict[str, list[str]], console: Console
) -> None:
    """Print what a change of an order's state costs, with what lists are found by, and with less of it."""
    draw, version = random.Random(11), iter(range(2, 10**9))
    states = [OrderState.IN_PROGRESS, OrderState.HELD]

    async def record() -> None:
        at = next(version)
        order_id = f"order{draw.randrange(number):08d}"
        change = {"items": {"1": {"state": states[at % 2].value}}, "state": states[at % 2]}
        await store.record([OrderChange(kind=_KIND, order_id=order_id, version=at, **change)])

    table = Table(title="What recording a change of state costs")
    for name in ("with", "p50 ms", "p95 ms"):
        table.add_column(name, justify="left" if name == "with" else "right")
    connection = await asyncpg.connect(url)
    for name, statements in less.items():
        for statement in statements:
            await connection.execute(statement)
        taken = await measure(record, times)
        table.add_row(name, f"{1000 * median(taken):.2f}", f"{1000 * percentile(taken, 0.95):.2f}")
    await connection.close()
    console.print(table)


_ALL: dict[str, list[str]] = {"all of it": []}
_LESS = _ALL | {
    "no index of documents": ["DROP INDEX ix_orders_document"],
    "no counts either": [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in ("orders", "order_references")],
    "no indexes of category, priority and dates either": [
        f"DROP INDEX ix_orders_kind_{column}_order_date_id"
        for column in (
            "category",
            "priority",
            "requested_start_date",
            "requested_completion_date",
            "expected_completion_date",
            "completion_date",
        )
    ],
}
"""What is taken away for each measurement, in turn."""


async def run_on_postgresql(number: int, times: int, console: Console) -> bool:
    """Measure lists and changes; return whether all lists are under the target.

    A database that is given is filled where it is empty, and keeps all that lists are found by.
    """
    with postgresql() as (url, is_given):
        await migrate(url)
        connection = await asyncpg.connect(url)
        held = await connection.fetchval("SELECT count(*) FROM orders")
        if held not in (0, number):
            raise SystemExit(f"{url} holds {held} orders: choose --orders {held}, or name an empty database")
        if held == 0:
            begin = time.perf_counter()
            await fill(connection, number)
            console.print(f"filled in {time.perf_counter() - begin:.0f} s")
        await connection.close()
        async with _store(url) as store:
            good = await compare_lists(store, number, times, console)
            await compare_writes(store, url, number, times, _ALL if is_given else _LESS, console)
    return good


async def run_on_sqlite(number: int, times: int, console: Console) -> bool:
    """Measure lists among the orders of a file; return whether all are under the target."""
    with tempfile.TemporaryDirectory(prefix="ordersaga-bench-") as home:
        url = f"sqlite:///{home}/orders.db"
        await migrate(url)
        database = open_database(url)
        await fill_sqlite(database, number)
        await database.close()
        async with _store(url) as store:
            return await compare_lists(store, number, times, console)


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[OrderStore]:
    database = open_database(url)
    try:
        yield OrderStore(database)
    finally:
        await database.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure lists of product orders.")
    parser.add_argument("--orders", type=int, default=1_000_000, help="how many orders to fill the store with")
    parser.add_argument("--times", type=int, default=100, help="how often to ask each list")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite rather than PostgreSQL")
    chosen = parser.parse_args()
    # So that whoever ends it by a signal leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = run_on_sqlite if chosen.sqlite else run_on_postgresql
    return 0 if asyncio.run(run(chosen.orders, chosen.times, Console(width=120))) else 1


if __name__ == "__main__":
    sys.exit(main())
