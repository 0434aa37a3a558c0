"""`ordersaga demo`: a stack of its own, orders that go every way an order can go, and an audit of all systems."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from application.addresses import PRODUCT
from console.commands.task import tasks_table
from console.errors import CommandError
from console.gateway import Gateway
from console.order_tree import changes
from console.views.board import Row, board, stories
from console.views.tables import facts_panel
from console.watch import follow
from embedded import demo_orders
from embedded.audit import Check, Holdings, audit, differences, holdings, sites
from embedded.demo_events import POLL_SECONDS, TASKS, EventMissedError, People
from embedded.layout import WORKER, Layout, isolated_layout
from embedded.process import tail
from embedded.stack import running, stop_signals, until
from embedded.up import facts
from orders.lifecycle.states import OrderState
from tmf.bodies import Document

_RECENT_LINES = 10
_PATIENCE_SECONDS = 240.0
_AMENDED = "amended"
_LINE, _FROM, _TO = "fibre internet", "BER-1", "MUC-1"
"""What moves, whence and whither."""

Prepare = Callable[[str], Awaitable[str]]
"""Sets a fault up for an order, given by id; returns the fault's id."""
Event = Callable[[Row, str], Awaitable[None]]
"""What is done to an order while it runs; it is given the id of the fault that was set up for it."""


@dataclass(slots=True)
class Demo:
    """One run: where the stack is, what was ordered, and what was seen."""

    layout: Layout
    console: Console
    gateway: Gateway
    rows: list[Row] = field(default_factory=list)
    recent: deque[Text] = field(default_factory=lambda: deque(maxlen=_RECENT_LINES))
    live: Live | None = None
    wrong: list[str] = field(default_factory=list)

    async def orders(self) -> None:
        """Run all orders: those that stand alone side by side, the others each after what it changes or ends.

        Raises:
            CommandError: when the gateway refuses something.
            TimeoutError: when an order has not ended in good time.
        """
        rows = [
            Row("fibre bundle", OrderState.COMPLETED),
            Row("mobile plan on an eSIM", OrderState.COMPLETED),
            Row(
                f"VPN, {demo_orders.VPN_SITES} sites → {demo_orders.MORE_VPN_SITES}",
                OrderState.COMPLETED,
                way=_AMENDED,
            ),
            Row("VPN, one line is dark", OrderState.COMPLETED, way="after fallout"),
            Row("fibre, cancelled midway", OrderState.CANCELLED),
            Row("fibre, TV fails for good", OrderState.FAILED),
            Row("fibre, no TV at its place", OrderState.REJECTED),
            Row("modify: 250 → 1000 Mbit/s", OrderState.COMPLETED),
            Row(_LINE, OrderState.COMPLETED),
            Row(f"move: {_FROM} → {_TO}", OrderState.COMPLETED),
            Row("mobile data fails", OrderState.COMPLETED, way="repaired"),
            Row("delete: the mobile plan", OrderState.COMPLETED),
        ]
        self.rows = rows
        bundle, mobile, vpn, dark, cancelled, failing, impossible, faster, line, moved, failed, end = rows
        people = People(self.gateway, self.layout.systems["activation"], self._act)
        grown = demo_orders.grown_vpn(demo_orders.COMPANY)
        few = demo_orders.business_vpn(demo_orders.BRANCHES, demo_orders.FEW_VPN_SITES)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await asyncio.gather(
                self._fibre_then_faster(bundle, faster),
                self._mobile_that_fails(mobile, people, failed, end),
                self._internet_then_moved(line, moved),
                self._run(
                    vpn, demo_orders.business_vpn(demo_orders.COMPANY), event=lambda row, _: people.amend(row, grown)
                ),
                self._run(dark, few, people.site_fails, people.settle_fallout),
                self._run(
                    cancelled,
                    demo_orders.fibre_bundle(demo_orders.UNDECIDED, "BER-2"),
                    people.tv_is_away,
                    lambda row, _: people.cancel(row),
                ),
                self._run(failing, demo_orders.fibre_bundle(demo_orders.NEIGHBOUR, "BER-2"), people.tv_fails),
                self._run(impossible, demo_orders.fibre_bundle(demo_orders.OUT_OF_REACH, "HAM-1")),
            )

    async def stuck(self) -> None:
        """Say what keeps the orders that have not ended: the tasks that wait for people."""
        with suppress(CommandError):  # the gateway may be what is wrong
            tasks, total = await self.gateway.listing(TASKS, {"state": "open"})
            if tasks:
                self.console.print(tasks_table(tasks, total))

    async def _fibre_then_faster(self, bundle: Row, faster: Row) -> None:
        await self._run(bundle, demo_orders.fibre_bundle(demo_orders.HOUSEHOLD, "BER-1"))
        product = await self._product_of(bundle, "fibre-internet")
        if product:
            await self._run(faster, demo_orders.faster_internet(demo_orders.HOUSEHOLD, product))

    async def _internet_then_moved(self, line: Row, moved: Row) -> None:
        await self._run(line, demo_orders.internet(demo_orders.MOVER, _FROM))
        product = await self._product_of(line, "fibre-internet")
        if product:
            await self._run(moved, demo_orders.moved_product(demo_orders.MOVER, product, _TO))

    async def _mobile_that_fails(self, mobile: Row, people: People, failed: Row, end: Row) -> None:
        await self._run(mobile, demo_orders.mobile_plan(demo_orders.SUBSCRIBER))
        product = await self._product_of(mobile, "mobile-plan")
        if product:
            await self._happens(failed, self._repaired(people, failed))
            await self._run(end, demo_orders.end_of_product(demo_orders.SUBSCRIBER, product, "mobile plan"))

    async def _repaired(self, people: People, failed: Row) -> None:
        """Let a service fail, and follow the order that nobody has placed."""
        inventory, customer = self.layout.systems["inventory"], demo_orders.SUBSCRIBER
        order = await people.service_fails(inventory, customer, "rfs-network-profile", "the HLR lost the subscriber")
        failed.story += [note["text"] for note in order.get("note") or []]
        await self._follow(failed, str(order["id"]))

    async def _run(
        self, row: Row, document: Document, prepare: Prepare | None = None, event: Event | None = None
    ) -> None:
        order_id = str((await self.gateway.submit(document))["id"])
        fault = await prepare(order_id) if prepare else ""
        happening = [self._happens(row, event(row, fault))] if event else []
        await asyncio.gather(self._follow(row, order_id), *happening)

    async def _follow(self, row: Row, order_id: str) -> None:
        async for tree in follow(self.gateway, order_id, POLL_SECONDS):
            lines, row.tree = changes(row.tree, tree), tree
            self._show([f"{tree.id}  {line}" for line in lines if line.startswith(("order", "service order"))])

    async def _happens(self, row: Row, event: Awaitable[None]) -> None:
        try:
            await event
        except (EventMissedError, CommandError, httpx2.HTTPError) as error:
            row.missed = True
            self.wrong.append(f"{row.what}: {error}")

    async def _product_of(self, row: Row, specification: str) -> str | None:
        """Return the id of the product that an order made, as product inventory has it; None where it made none."""
        assert row.tree is not None
        wanted = {"productOrderItem.productOrderId": row.tree.id, "productSpecification.id": specification}
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.layout.systems['inventory']}{PRODUCT}", params=wanted)
        found = answer.raise_for_status().json()
        return str(found[0]["id"]) if found else None

    def _act(self, line: str) -> None:
        self._show([line], style="bold yellow")

    def _show(self, lines: list[str], style: str = "dim") -> None:
        texts = [Text(line, style=style, no_wrap=True, overflow="ellipsis") for line in lines]
        if self.live is None:
            for text in texts:
                self.console.print(text.plain, soft_wrap=True, highlight=False)
            return
        self.recent.extend(texts)
        self.live.update(Group(board(self.rows), *self.recent), refresh=True)


async def demo(console: Console, *, keep: bool = False) -> bool:
    """Run the demonstration; return whether every order ended as expected and the audit found nothing.

    Every process and file of it is gone afterwards.

    Raises:
        StackError: when the stack does not come up.
        CommandError: when the gateway refuses an order.
        KeyboardInterrupt: when it was stopped before its end.
    """
    started = time.monotonic()
    results: list[bool] = []

    async def run(directory: Path) -> None:
        layout = isolated_layout(directory)
        console.print("starting Temporal, the reference systems, a worker and the gateway …")
        async with running(layout, console.print):
            console.print(f"up after {time.monotonic() - started:.1f} s; Web UI {layout.ui_url or 'elsewhere'}")
            results.append(await _demonstrate(layout, console))
            console.print(f"{time.monotonic() - started:.1f} s in all")
            if keep:
                console.print(facts_panel("The stack is kept up until Ctrl-C", facts(layout)))
                await asyncio.Event().wait()

    with tempfile.TemporaryDirectory(prefix="ordersaga-demo-") as directory:
        async with stop_signals() as stopped:
            await until(stopped, run(Path(directory)))
    if not results:
        raise KeyboardInterrupt
    return results[0]


async def _demonstrate(layout: Layout, console: Console) -> bool:
    async with Gateway(layout.gateway_url) as gateway:
        run = Demo(layout, console, gateway)
        try:
            if console.is_terminal:
                with Live(console=console, auto_refresh=False, transient=True) as live:
                    run.live = live
                    await run.orders()
            else:
                await run.orders()
        except TimeoutError:
            run.wrong.append(f"not every order ended within {_PATIENCE_SECONDS:.0f} s; the worker's log ends above")
            await run.stuck()
            log = await asyncio.to_thread(tail, layout.logs / f"{WORKER}.log")
            console.print(log, style="dim", soft_wrap=True)
    console.print(board(run.rows, ended=True))
    console.print(stories(run.rows))
    console.print()
    held = await holdings(layout.systems)
    checks = [*audit(held, _taken_back(run.rows)), *_grown(held, run.rows), *_moved(held, run.rows)]
    console.print(_audit_table(checks))
    wrong = [
        *run.wrong,
        *differences(
            {row.what: row.expected for row in run.rows},
            {row.what: row.tree.state for row in run.rows if row.tree},
        ),
        *(f"{check.question}: {', '.join(check.wrong)}" for check in checks if check.wrong),
    ]
    seen_at = f"Web UI {layout.ui_url}" if layout.ui_url else f"Temporal {layout.temporal_address}"
    console.print(f"API {layout.gateway_url}   {seen_at}")
    for line in wrong:
        console.print(Text(line, style="bold red"))
    if not wrong:
        console.print(Text("every order ended as expected, and nothing leaked", style="bold green"))
    return not wrong


def _taken_back(rows: list[Row]) -> list[str]:
    """Return the ids of the orders that ended without having been completed: nothing may be left of them."""
    return [row.tree.id for row in rows if row.tree and row.tree.ended and row.tree.state != OrderState.COMPLETED]


def _grown(held: Holdings, rows: list[Row]) -> list[Check]:
    """Check that the amended VPN has its new sites, and no other."""
    wanted = demo_orders.places(demo_orders.grown_vpn(demo_orders.COMPANY))
    amended = (row for row in rows if row.way == _AMENDED and row.tree)
    return [sites(held, row.tree.id, wanted) for row in amended if row.tree]


def _moved(held: Holdings, rows: list[Row]) -> list[Check]:
    """Check that the internet product that moved is at its new place, with its services."""
    lines = (row for row in rows if row.what == _LINE and row.tree)
    return [sites(held, row.tree.id, {_TO}) for row in lines if row.tree]


def _audit_table(checks: list[Check]) -> Table:
    table = Table("what is wrong", "looked at", "found", box=SIMPLE_HEAD, pad_edge=False, title="audit of the systems")
    table.title_justify, table.title_style = "left", "bold"
    for check in checks:
        found = Text(", ".join(check.wrong) or "0", style="bold red" if check.wrong else "green")
        table.add_row(check.question, str(check.seen), found)
    return table
