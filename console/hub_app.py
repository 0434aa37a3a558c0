"""The commands `ordersaga hub …`: who is told of events, and how that goes."""

from __future__ import annotations

from typing import Annotated

import typer

from console.exits import finish
from console.options import GatewayOption, JsonOption, gateway_address, given, instant
from console.terminal import terminal

hub_app = typer.Typer(help="See, register, pause and resume listeners, which are told of events.", no_args_is_help=True)

ListenerId = Annotated[str, typer.Argument(help="The id of a listener.", metavar="ID")]


@hub_app.command("list")
def hub_list(gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """List the listeners of all APIs: what waits for each, what was given up, and why the last delivery failed.

    Examples: `ordersaga hub list` · `ordersaga hub list --json`
    """
    from console import hub_commands

    finish(hub_commands.hub_list(gateway_address(gateway), terminal(), as_json))


@hub_app.command("show")
def hub_show(listener_id: ListenerId, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show a listener.

    Example: `ordersaga hub show q4w7nbc2xa`
    """
    from console import hub_commands

    finish(hub_commands.hub_show(gateway_address(gateway), listener_id, terminal(), as_json))


@hub_app.command("add")
def hub_add(
    callback: Annotated[
        str,
        typer.Argument(help="An http(s) address; events are sent by POST to listener/… below it.", metavar="CALLBACK"),
    ],
    api: Annotated[
        str,
        typer.Option(
            help="Whose events, and in whose words: productOrdering/v4 or productOrdering/v5, serviceOrdering/v4, "
            "resourceOrdering/v4, productOfferingQualification/v4, serviceQualification/v4.",
            metavar="API",
        ),
    ] = "productOrdering/v4",
    query: Annotated[
        str | None, typer.Option(help="Which events, and with `fields` what of them [default: all of the API's]")
    ] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a listener, and print the secret that signs its events: it is not shown again.

    Examples: `ordersaga hub add https://crm.example.com/ordersaga` ·
    `ordersaga hub add https://crm.example.com/tasks --api serviceOrdering/v4 --query eventType=ServiceOrderCreateEvent`
    """
    from console import hub_commands

    if api not in hub_commands.APIS:
        raise typer.BadParameter(f"{api} is none of {', '.join(hub_commands.APIS)}", param_hint="--api")
    wish = given(callback=callback, query=query)
    finish(hub_commands.add(gateway_address(gateway), api, wish, terminal(), as_json))


@hub_app.command("pause")
def hub_pause(listener_id: ListenerId, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Stop telling a listener; what comes meanwhile is kept for it.

    Example: `ordersaga hub pause q4w7nbc2xa`
    """
    from console import hub_commands

    finish(hub_commands.pause_or_resume(gateway_address(gateway), listener_id, "pause", terminal(), as_json))


@hub_app.command("resume")
def hub_resume(listener_id: ListenerId, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Go on telling a listener that was paused, or try at once after a failure.

    Example: `ordersaga hub resume q4w7nbc2xa`
    """
    from console import hub_commands

    finish(hub_commands.pause_or_resume(gateway_address(gateway), listener_id, "resume", terminal(), as_json))


@hub_app.command("replay")
def hub_replay(
    listener_id: ListenerId,
    since: Annotated[str, typer.Option("--from", help="From when on, as in 2026-11-25T00:00:00Z.", metavar="TIME")],
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell a listener everything again from a time on, as far back as events are kept.

    Example: `ordersaga hub replay q4w7nbc2xa --from 2026-11-25T00:00:00Z`
    """
    from console import hub_commands

    from_when = instant(since, "--from")
    finish(hub_commands.replay(gateway_address(gateway), listener_id, from_when, terminal(), as_json))


@hub_app.command("remove")
def hub_remove(listener_id: ListenerId, gateway: GatewayOption = None) -> None:
    """Take a listener off: nothing is sent to it any more, not even what waits.

    Example: `ordersaga hub remove q4w7nbc2xa`
    """
    from console import hub_commands

    finish(hub_commands.remove(gateway_address(gateway), listener_id, terminal()))
