"""The command `ordersaga reconcile`: compare orders, workflows and systems, and mend what is safe."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.commands.recovery import RECOVERY
from console.commands.status import stuck_table
from console.errors import CommandError
from console.exits import REFUSED, finish
from console.gateway import Gateway
from console.options import ByOption, GatewayOption, JsonOption, ReasonOption, gateway_address, given
from console.printing import print_json, say
from console.terminal import terminal
from tmf.bodies import Document

_LOOKS_EVERY = 1.0
_GOING_ON = ("requested", "running")


def reconcile(
    mend: Annotated[bool, typer.Option("--mend", help="Mend what is safe; the rest is for people.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Show what the last one has found; start none.")] = False,
    close: Annotated[
        str | None, typer.Option("--close", help="End an order as failed that has lost its workflow.", metavar="ORDER")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for its end.")] = 3600,
    reason: ReasonOption = None,
    by: ByOption = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare orders, workflows, inventories, network and billing; what differs is shown with the command that helps.

    Each difference is looked at twice, a minute apart, so that it takes a minute where there are some. Exits 1 when
    anything differs, or not all could be looked at.

    Examples: `ordersaga reconcile` · `ordersaga reconcile --mend` · `ordersaga reconcile --last --json` ·
    `ordersaga reconcile --close uywn26eq73 --reason "undone by hand"`
    """
    address, console = gateway_address(gateway), terminal()
    if close is not None:
        finish(close_order(address, close, given(reason=reason, author=by), console, as_json=as_json))
        return
    if last:
        agrees = finish(show_last(address, console, as_json=as_json))
    else:
        agrees = finish(run(address, console, mend=mend, wait=wait, as_json=as_json))
    raise typer.Exit(0 if agrees else REFUSED)


async def run(address: str, console: Console, *, mend: bool, wait: float, as_json: bool) -> bool:
    """Start a reconciliation, wait for its end, and print it; return whether all agrees.

    Raises:
        CommandError: when it is refused, does not end in time, or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        begun = await gateway.tell("POST", f"{RECOVERY}/reconciliation", {"mend": mend})
        path, until = f"{RECOVERY}/reconciliation/{quote(begun['id'], safe=':')}", time.monotonic() + wait
        while (found := await gateway.read(path))["state"] in _GOING_ON:
            if time.monotonic() > until:
                raise CommandError(
                    f"{found['id']} has not ended in {wait:g} s; `ordersaga reconcile --last` shows it once it has"
                )
            await asyncio.sleep(_LOOKS_EVERY)
        return await _shown(gateway, found, console, as_json=as_json)


async def show_last(address: str, console: Console, *, as_json: bool) -> bool:
    """Print the newest reconciliation; return whether all agrees.

    Raises:
        CommandError: when there was none or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        runs, _ = await gateway.listing(f"{RECOVERY}/reconciliation", {})
        if not runs:
            raise CommandError("there was no reconciliation yet; `ordersaga reconcile` starts one")
        return await _shown(gateway, runs[0], console, as_json=as_json)


async def close_order(address: str, order_id: str, wish: Document, console: Console, *, as_json: bool) -> None:
    """End an order as failed that has lost its workflow.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        closed = await gateway.tell("POST", f"{RECOVERY}/order/{quote(order_id, safe='')}/close", wish)
    say(closed, f"order {order_id} is {closed['state']}; nothing of it was undone", console, as_json)


async def _shown(gateway: Gateway, found: Document, console: Console, *, as_json: bool) -> bool:
    differences, total = await gateway.listing(f"{RECOVERY}/difference", {})
    if as_json:
        print_json(console, {**found, "differences": differences, "total": total})
    else:
        console.print(_sections(found))
        for each in differences:
            console.print()
            console.print(stuck_table(each))
        console.print()
        console.print(_said(found, len(differences), total), markup=False, soft_wrap=True)
    return found["state"] == "done" and not total


def _sections(found: Document) -> Table:
    table = Table("compared", "looked at", "differ", "mended", "what is missing", box=None)
    for name, section in (found.get("sections") or {}).items():
        missing = section.get("error") or ("" if section["whole"] else "the time was over: the next one goes on")
        numbers = (str(section.get(each, 0)) for each in ("lookedAt", "differences", "mended"))
        table.add_row(name, *numbers, Text(missing, overflow="fold"))
    return table


def _said(found: Document, shown: int, total: int) -> str:
    if found["state"] not in ("done", "incomplete"):
        return f"{found['id']} is {found['state']}" + (f": {found['reason']}" if "reason" in found else "")
    if not total:
        return "all agrees" if found["state"] == "done" else "what was looked at agrees"
    more = f", of which {shown} are shown" if shown < total else ""
    return f"{total} {'difference' if total == 1 else 'differences'}{more}"
