"""The command `ordersaga status`: the parts that a gateway works with, and what does not get on."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.exits import REFUSED, finish
from console.gateway import Gateway
from console.options import GatewayOption, JsonOption, gateway_address
from console.printing import print_json
from console.terminal import terminal
from tmf.bodies import Document


def status(gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show how the stack is: its parts, and what does not get on, each with the last error and what to do.

    Exits 1 when something is missing or stuck.

    Examples: `ordersaga status` · `ordersaga status --json | jq .stuck`
    """
    good = finish(show_status(gateway_address(gateway), terminal(), as_json=as_json))
    raise typer.Exit(0 if good else REFUSED)


READY = "/health/ready"
STUCK = "/fallout/v1/stuck"

_STYLES = {"up": "green", "degraded": "yellow", "down": "red"}


async def show_status(base_url: str, console: Console, *, as_json: bool) -> bool:
    """Print how the gateway and the orders get on; return whether nothing is missing and nothing is stuck.

    Raises:
        CommandError: when the gateway cannot be reached.
    """
    async with Gateway(base_url) as gateway:
        health = await gateway.health()
        stuck, total = await gateway.listing(STUCK, {}) if health["status"] != "down" else ([], 0)
    if as_json:
        print_json(console, {**health, "stuck": stuck, "stuckTotal": total})
    else:
        _show(console, health, stuck, total)
    return health["status"] == "up" and not total


def _show(console: Console, health: Document, stuck: Sequence[Document], total: int) -> None:
    console.print(_parts(health))
    for each in stuck:
        console.print()
        console.print(stuck_table(each))
    console.print()
    if total > len(stuck):
        console.print(f"and {total - len(stuck)} more that are stuck")
    elif not stuck and health["status"] != "down":
        console.print("nothing is stuck")


def _parts(health: Document) -> Table:
    table = Table("part", "state", "what is missing", box=None)
    for name, part in health["parts"].items():
        shown = Text(part["status"], style=_STYLES[part["status"]])
        table.add_row(name, shown, Text(part.get("message") or "", overflow="fold"))
    table.add_row("gateway", Text(health["status"], style=_STYLES[health["status"]]), "")
    return table


def stuck_table(stuck: Document) -> Table:
    """Return something that does not get on, with all that is known of it."""
    since = f", since {stuck['since'][:19].replace('T', ' ')} UTC" if "since" in stuck else ""
    tries = f", tried {stuck['attempts']} times" if "attempts" in stuck else ""
    facts = {
        "order": stuck.get("orderId") if stuck.get("orderId") != stuck["id"] else None,
        "workflow": stuck.get("workflowId") if stuck.get("workflowId") != stuck["id"] else None,
        "what": f"{stuck['what']}{since}{tries}",
        "error": stuck.get("error"),
        "what to do": stuck["advice"],
    }
    table = Table.grid(padding=(0, 2))
    table.add_row(Text(stuck["kind"], style="bold red"), Text(stuck["id"], style="bold", overflow="fold"))
    for name, value in facts.items():
        if value:
            table.add_row(name, Text(value, overflow="fold"))
    return table
