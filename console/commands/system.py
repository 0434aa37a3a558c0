"""The commands `ordersaga system …`: which systems are there, and maintenance of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from console.exits import finish
from console.gateway import Gateway
from console.options import ByOption, GatewayOption, JsonOption, gateway_address, given, instant
from console.printing import print_list, say
from console.terminal import terminal
from console.views.change_tables import moment
from settings import SYSTEMS as NAMES
from tmf.bodies import Document


class _Systems(TyperGroup):
    """Takes the name of a system for the command that runs its reference system."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        return super().resolve_command(ctx, ["run", *args] if args[0] in NAMES else args)


system_app = typer.Typer(
    help="See, pause and resume the downstream systems, or run a reference system.", no_args_is_help=True, cls=_Systems
)

SYSTEMS = "/systems/v1/system"

SystemName = Annotated[str, typer.Argument(help="inventory, activation or billing.", metavar="NAME")]

_STYLES = {"up": "green", "away": "red", "paused": "yellow"}


@system_app.command("list")
def system_list(gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """List the systems: whether calls go out, or wait since it gives no answer or is paused.

    Examples: `ordersaga system list` · `ordersaga system list --json`
    """
    finish(list_systems(gateway_address(gateway), terminal(), as_json))


@system_app.command("pause")
def system_pause(
    name: SystemName,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Until when, as in 2026-11-25T06:00:00Z [default: until resumed]", metavar="TIME")
    ] = None,
    by: ByOption = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let calls of a system wait, as for its maintenance: nothing fails by that, however long it takes.

    Example: `ordersaga system pause billing --reason "new release" --until 2026-11-25T06:00:00Z`
    """
    wish = given(reason=reason, until=instant(until, "--until") if until else None, author=by)
    finish(pause_or_resume(gateway_address(gateway), name, "pause", wish, terminal(), as_json))


@system_app.command("resume")
def system_resume(
    name: SystemName, by: ByOption = None, gateway: GatewayOption = None, as_json: JsonOption = False
) -> None:
    """Let calls of a system go out again, a few at first; also of one that is away, to try it at once.

    Example: `ordersaga system resume billing`
    """
    wish = given(author=by)
    finish(pause_or_resume(gateway_address(gateway), name, "resume", wish, terminal(), as_json))


async def list_systems(address: str, console: Console, as_json: bool) -> None:
    """List the systems.

    Raises:
        CommandError: when the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        systems, _ = await gateway.listing(SYSTEMS, {})
    print_list(systems, lambda: systems_table(systems), "systems", console, as_json)


async def pause_or_resume(
    address: str, name: str, command: str, wish: Document, console: Console, as_json: bool
) -> None:
    """Pause a system, or resume it.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        system = await gateway.tell("POST", f"{SYSTEMS}/{quote(name, safe='')}/{command}", wish)
    say(system, standing(system), console, as_json)


async def waiting_systems(gateway: Gateway) -> list[Document]:
    """Return the systems whose calls wait.

    Raises:
        CommandError: when the gateway cannot be reached.
    """
    systems, _ = await gateway.listing(SYSTEMS, {})
    return [each for each in systems if each["state"] != "up"]


def standing(system: Document) -> str:
    """Return how a system stands, in words."""
    since = f" since {moment(system['since'])}" if "since" in system else ""
    until = f" until {moment(system['until'])}" if "until" in system else ""
    why = system.get("reason") or system.get("error")
    return f"{system['name']} is {system['state']}{since}{until}{f': {why}' if why else ''}"


def systems_table(systems: Sequence[Document]) -> Table:
    """Return systems, a row each."""
    table = Table("system", "state", "since", "until", "by", "why", box=None)
    for each in systems:
        times = [moment(each[name]) if name in each else "" for name in ("since", "until")]
        why = Text(each.get("reason") or each.get("error") or "", overflow="fold")
        table.add_row(each["name"], Text(each["state"], style=_STYLES[each["state"]]), *times, each.get("author"), why)
    return table
