"""`ordersaga demo`: a stack of its own, orders of every kind, one that fails for good, and an audit of all systems."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from console.board import Row, board
from console.family import Document, changes, messages
from console.gateway import Gateway
from console.tables import facts_panel
from console.watch import follow
from embedded import demo_orders
from embedded.audit import PRODUCTS, Check, audit, differences, holdings
from embedded.layout import WORKER, Layout, isolated_layout
from embedded.process import tail
from embedded.stack import running, stop_signals, until
from embedded.up import facts
from orders.lifecycle import OrderState

_RECENT_LINES = 10
_POLL_SECONDS = 0.7
_PATIENCE_SECONDS = 180.0

Prepare = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class Demo:
    """One run: where the stack is, what was ordered, and what was seen."""

    layout: Layout
    console: Console
    gateway: Gateway
    rows: list[Row] = field(default_factory=list)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=_RECENT_LINES))
    live: Live | None = None

    async def orders(self) -> None:
        """Run all orders: those that stand alone side by side, the others each after what it changes or ends.

        Raises:
            CommandError: when the gateway refuses one.
            TimeoutError: when one has not ended in good time.
        """
        rows = [
            Row("fibre bundle", OrderState.COMPLETED),
            Row("mobile plan on an eSIM", OrderState.COMPLETED),
            Row(f"VPN of {demo_orders.VPN_SITES} sites", OrderState.COMPLETED),
            Row("fibre bundle, TV fails for good", OrderState.FAILED),
            Row("fibre bundle, no TV at its place", OrderState.REJECTED),
            Row("modify: internet 250 → 1000", OrderState.COMPLETED),
            Row("delete: the mobile plan", OrderState.COMPLETED),
        ]
        self.rows = rows
        bundle, mobile, vpn, failing, impossible, faster, end = rows
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await asyncio.gather(
                self._fibre_then_faster(bundle, faster),
                self._mobile_then_end(mobile, end),
                self._run(vpn, demo_orders.business_vpn(demo_orders.COMPANY)),
                self._run(failing, demo_orders.fibre_bundle(demo_orders.NEIGHBOUR, "BER-2"), self._break_tv),
                self._run(impossible, demo_orders.fibre_bundle(demo_orders.OUT_OF_REACH, "HAM-1")),
            )

    async def _fibre_then_faster(self, bundle: Row, faster: Row) -> None:
        await self._run(bundle, demo_orders.fibre_bundle(demo_orders.HOUSEHOLD, "BER-1"))
        product = await self._product_of(bundle, "fibre-internet")
        if product:
            await self._run(faster, demo_orders.faster_internet(demo_orders.HOUSEHOLD, product))

    async def _mobile_then_end(self, mobile: Row, end: Row) -> None:
        await self._run(mobile, demo_orders.mobile_plan(demo_orders.SUBSCRIBER))
        product = await self._product_of(mobile, "mobile-plan")
        if product:
            await self._run(end, demo_orders.end_of_product(demo_orders.SUBSCRIBER, product, "mobile plan"))

    async def _run(self, row: Row, document: Document, prepare: Prepare | None = None) -> None:
        accepted = await self.gateway.submit(document)
        if prepare:
            await prepare(str(accepted["id"]))
        async for family in follow(self.gateway, str(accepted["id"]), _POLL_SECONDS):
            lines, row.family = changes(row.family, family), family
            self._show([f"{family.id}  {line}" for line in lines if line.startswith(("order", "service order"))])

    async def _break_tv(self, order_id: str) -> None:
        rule = {
            "match": {"specification": "cfs-iptv", "order": order_id, "operation": "activate"},
            "kind": "asyncFailure",
            "message": "the TV platform does not know this subscriber line",
        }
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.post(f"{self.layout.systems['activation']}/faults", json=rule)).raise_for_status()

    async def _product_of(self, row: Row, specification: str) -> str | None:
        """Return the id of the product that an order made, as product inventory has it; None where it made none."""
        assert row.family is not None
        wanted = {"productOrderItem.productOrderId": row.family.id, "productSpecification.id": specification}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.layout.systems['inventory']}{PRODUCTS}", params=wanted)
        found = answer.raise_for_status().json()
        return str(found[0]["id"]) if found else None

    def _show(self, lines: list[str]) -> None:
        if self.live is None:
            for line in lines:
                self.console.print(line, soft_wrap=True)
            return
        self.recent.extend(lines)
        seen = Text("\n".join(self.recent), style="dim", no_wrap=True, overflow="ellipsis")
        self.live.update(Group(board(self.rows), seen), refresh=True)


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
        wrong: list[str] = []
        try:
            if console.is_terminal:
                with Live(console=console, auto_refresh=False, transient=True) as live:
                    run.live = live
                    await run.orders()
            else:
                await run.orders()
        except TimeoutError:
            wrong.append(f"not every order ended within {_PATIENCE_SECONDS:.0f} s; the worker's log ends above")
            log = await asyncio.to_thread(tail, layout.logs / f"{WORKER}.log")
            console.print(log, style="dim", soft_wrap=True)
    console.print(board(run.rows, ended=True))
    _explain(run.rows, console)
    checks = audit(await holdings(layout.systems), _taken_back(run.rows))
    console.print(_audit_table(checks))
    wrong += differences(
        {row.what: row.expected for row in run.rows},
        {row.what: row.family.state for row in run.rows if row.family},
    )
    wrong += [f"{check.question}: {', '.join(check.wrong)}" for check in checks if check.wrong]
    seen_at = f"Web UI {layout.ui_url}" if layout.ui_url else f"Temporal {layout.temporal_address}"
    console.print(f"API {layout.gateway_url}   {seen_at}")
    for line in wrong:
        console.print(Text(line, style="bold red"))
    if not wrong:
        console.print(Text("every order ended as expected, and nothing leaked", style="bold green"))
    return not wrong


def _taken_back(rows: list[Row]) -> list[str]:
    """Return the ids of the orders that ended without having been completed: nothing may be left of them."""
    return [
        row.family.id for row in rows if row.family and row.family.ended and row.family.state != OrderState.COMPLETED
    ]


def _explain(rows: list[Row], console: Console) -> None:
    for row in rows:
        for message in messages(row.family.order) if row.family else []:
            console.print(Text(f"{row.what}: {message}", style="dim"))


def _audit_table(checks: list[Check]) -> Table:
    table = Table("what is wrong", "looked at", "found", box=SIMPLE_HEAD, pad_edge=False, title="audit of the systems")
    table.title_justify, table.title_style = "left", "bold"
    for check in checks:
        found = Text(", ".join(check.wrong) or "0", style="bold red" if check.wrong else "green")
        table.add_row(check.question, str(check.seen), found)
    return table
