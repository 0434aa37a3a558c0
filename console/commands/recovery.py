"""The commands `ordersaga recovery …`: have the sweeps of all gateways only report, and act again."""

from __future__ import annotations

import typer
from rich.console import Console

from console.exits import finish
from console.gateway import Gateway
from console.options import ByOption, GatewayOption, JsonOption, ReasonOption, gateway_address, given
from console.printing import print_json
from console.terminal import terminal
from tmf.bodies import Document

RECOVERY = "/recovery/v1"

recovery_app = typer.Typer(
    help="Have sweeps only report, as while something is restored from a backup.", no_args_is_help=True
)


@recovery_app.command("show")
def recovery_show(gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show whether sweeps only report, and what they would do.

    Example: `ordersaga recovery show`
    """
    finish(show(gateway_address(gateway), terminal(), as_json=as_json))


@recovery_app.command("on")
def recovery_on(
    reason: ReasonOption = None, by: ByOption = None, gateway: GatewayOption = None, as_json: JsonOption = False
) -> None:
    """Have the sweeps of all gateways only report: orders are taken in, and wait.

    Example: `ordersaga recovery on --reason "Temporal was restored from the backup of 03:00"`
    """
    finish(switch(gateway_address(gateway), "on", given(reason=reason, author=by), terminal(), as_json=as_json))


@recovery_app.command("off")
def recovery_off(
    reason: ReasonOption = None, by: ByOption = None, gateway: GatewayOption = None, as_json: JsonOption = False
) -> None:
    """Have sweeps act again, once `ordersaga reconcile` says what was lost, and that is seen to.

    Example: `ordersaga recovery off`
    """
    finish(switch(gateway_address(gateway), "off", given(reason=reason, author=by), terminal(), as_json=as_json))


async def show(address: str, console: Console, *, as_json: bool) -> None:
    """Print whether sweeps only report.

    Raises:
        CommandError: when the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        _print(await gateway.read(RECOVERY), console, as_json=as_json)


async def switch(address: str, to: str, wish: Document, console: Console, *, as_json: bool) -> None:
    """Switch recovery on or off.

    Raises:
        CommandError: when the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        _print(await gateway.tell("POST", f"{RECOVERY}/{to}", wish), console, as_json=as_json)


def _print(found: Document, console: Console, *, as_json: bool) -> None:
    if as_json:
        print_json(console, found)
        return
    said = "sweeps only report" if found["on"] else "sweeps act"
    since = f" since {found['since'][:19].replace('T', ' ')} UTC, by {found['author']}" if "since" in found else ""
    why = f": {found['reason']}" if "reason" in found else ""
    console.print(f"{said}{since}{why}", markup=False, soft_wrap=True)
    if found["forced"]:
        console.print("this gateway has ORDERSAGA_RECOVERY set: unset it, and restart the gateway, to have it act")
    for sweep, what in found["withheld"].items():
        console.print(f"{sweep} would:", markup=False)
        for each in what:
            console.print(f"  {each}", markup=False, soft_wrap=True)
