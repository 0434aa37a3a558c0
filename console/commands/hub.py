"""The commands `ordersaga hub …`: who is told of events, and how that goes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.errors import CommandError
from console.exits import finish
from console.gateway import Gateway
from console.options import GatewayOption, JsonOption, gateway_address, given, instant
from console.printing import print_json, print_list, say
from console.terminal import terminal
from console.views.change_tables import moment
from console.views.tables import facts_panel, id_column
from orders.events.hubs import HUBS
from tmf.bodies import Document

hub_app = typer.Typer(
    help="See, register, pause and resume listeners, which are told of events, and renew their secrets.",
    no_args_is_help=True,
)

ListenerId = Annotated[str, typer.Argument(help="The id of a listener.", metavar="ID")]


@hub_app.command("list")
def hub_list(gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """List the listeners of all APIs: what waits for each, what was given up, and why the last delivery failed.

    Examples: `ordersaga hub list` · `ordersaga hub list --json`
    """
    finish(list_listeners(gateway_address(gateway), terminal(), as_json))


@hub_app.command("show")
def hub_show(listener_id: ListenerId, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show a listener.

    Example: `ordersaga hub show q4w7nbc2xa`
    """
    finish(show_listener(gateway_address(gateway), listener_id, terminal(), as_json))


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
    if api not in APIS:
        raise typer.BadParameter(f"{api} is none of {', '.join(APIS)}", param_hint="--api")
    wish = given(callback=callback, query=query)
    finish(add(gateway_address(gateway), api, wish, terminal(), as_json))


@hub_app.command("pause")
def hub_pause(listener_id: ListenerId, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Stop telling a listener; what comes meanwhile is kept for it, for as long as the settings say.

    Example: `ordersaga hub pause q4w7nbc2xa`
    """
    finish(pause(gateway_address(gateway), listener_id, terminal(), as_json))


@hub_app.command("resume")
def hub_resume(
    listener_id: ListenerId,
    from_now: Annotated[bool, typer.Option("--from-now", help="Leave out what waits; tell only what comes.")] = False,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on telling a listener that was paused or given up, or try at once after a failure.

    It is told all that waits and is still kept.

    Examples: `ordersaga hub resume q4w7nbc2xa` · `ordersaga hub resume q4w7nbc2xa --from-now`
    """
    finish(resume(gateway_address(gateway), listener_id, from_now, terminal(), as_json))


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
    from_when = instant(since, "--from")
    finish(replay(gateway_address(gateway), listener_id, from_when, terminal(), as_json))


@hub_app.command("redeliver")
def hub_redeliver(
    listener_id: ListenerId,
    event_id: Annotated[str, typer.Argument(help="The `eventId` of an event.", metavar="EVENT")],
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell a listener one event again, at once.

    Example: `ordersaga hub redeliver q4w7nbc2xa 52f2631c-8cbf-5039-978a-b6170a05b6af`
    """
    finish(redeliver(gateway_address(gateway), listener_id, event_id, terminal(), as_json))


@hub_app.command("rotate")
def hub_rotate(
    listener_id: ListenerId,
    secret: Annotated[
        str | None, typer.Option(help="The new secret, whsec_ and base64 [default: one is made]", metavar="SECRET")
    ] = None,
    overlap: Annotated[
        str | None,
        typer.Option(help="How long the old one signs events as well, as in PT12H [default: P1D]", metavar="DURATION"),
    ] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Renew the secret that signs a listener's events, and print it: it is not shown again.

    Examples: `ordersaga hub rotate q4w7nbc2xa` · `ordersaga hub rotate q4w7nbc2xa --overlap P7D`
    """
    wish = given(secret=secret, overlap=overlap)
    finish(rotate(gateway_address(gateway), listener_id, wish, terminal(), as_json))


@hub_app.command("end-rotation")
def hub_end_rotation(listener_id: ListenerId, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Sign a listener's events with its present secret alone, before the overlap is over.

    Example: `ordersaga hub end-rotation q4w7nbc2xa`
    """
    finish(end_rotation(gateway_address(gateway), listener_id, terminal(), as_json))


@hub_app.command("remove")
def hub_remove(listener_id: ListenerId, gateway: GatewayOption = None) -> None:
    """Take a listener off: nothing is sent to it any more, not even what waits.

    Example: `ordersaga hub remove q4w7nbc2xa`
    """
    finish(remove(gateway_address(gateway), listener_id, terminal()))


APIS = {hub.base_path.removeprefix("/tmf-api/").replace("Management/", "/"): hub.path for hub in HUBS.values()}
"""What an API with listeners is called here, such as `productOrdering/v4` → where they are."""

_STYLES = {"active": "green", "paused": "yellow", "givenUp": "red"}


async def list_listeners(address: str, console: Console, as_json: bool) -> None:
    """List the listeners of all APIs.

    Raises:
        CommandError: when the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        listeners = await _all(gateway)
    print_list(listeners, lambda: listeners_table(listeners), "listeners", console, as_json)


async def show_listener(address: str, listener_id: str, console: Console, as_json: bool) -> None:
    """Show a listener.

    Raises:
        CommandError: when there is none or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        listener = await _found(gateway, listener_id)
    if as_json:
        print_json(console, listener)
    else:
        console.print(facts_panel(f"Listener {listener_id}", listener_facts(listener)))


async def add(address: str, api: str, wish: Document, console: Console, as_json: bool) -> None:
    """Register a listener, and print its secret.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        made = await gateway.tell("POST", APIS[api], wish)
    if as_json:
        print_json(console, {"api": api, **made})
        return
    console.print(f"listener {made['id']} is {made['state']}; its events are signed with this secret, now shown once:")
    console.print(made["secret"], soft_wrap=True)


async def pause(address: str, listener_id: str, console: Console, as_json: bool) -> None:
    """Pause a listener.

    Raises:
        CommandError: when there is none or the gateway cannot be reached.
    """
    listener = await _asked(address, listener_id, "pause")
    say(listener, f"listener {listener_id} is {_in_words(listener['state'])}", console, as_json)


async def resume(address: str, listener_id: str, from_now: bool, console: Console, as_json: bool) -> None:
    """Resume a listener.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    listener = await _asked(address, listener_id, "resume", {"fromNow": True} if from_now else {})
    told = ", and told only what comes from now on" if from_now else ""
    say(listener, f"listener {listener_id} is {_in_words(listener['state'])}{told}", console, as_json)


async def redeliver(address: str, listener_id: str, event_id: str, console: Console, as_json: bool) -> None:
    """Tell a listener one event again.

    Raises:
        CommandError: when it is refused, also by the listener, or the gateway cannot be reached.
    """
    listener = await _asked(address, listener_id, "redeliver", {"eventId": event_id})
    say(listener, f"listener {listener_id} has taken event {event_id} again", console, as_json)


async def rotate(address: str, listener_id: str, wish: Document, console: Console, as_json: bool) -> None:
    """Renew a listener's secret, and print it.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    listener = await _asked(address, listener_id, "rotate", wish)
    until = _moment_of(listener, "oldSecretsUntil", "; the old one signs them too until ")
    say(listener, f"events of listener {listener_id} are signed with this secret{until}:", console, as_json)
    if not as_json:
        console.print(listener["secret"], soft_wrap=True)


async def end_rotation(address: str, listener_id: str, console: Console, as_json: bool) -> None:
    """Let a listener's present secret sign alone.

    Raises:
        CommandError: when there is none or the gateway cannot be reached.
    """
    listener = await _asked(address, listener_id, "endRotation")
    say(listener, f"events of listener {listener_id} are signed with its present secret alone", console, as_json)


async def replay(address: str, listener_id: str, since: str, console: Console, as_json: bool) -> None:
    """Tell a listener everything again from a time on.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    listener = await _asked(address, listener_id, "replay", {"from": since})
    later = "" if listener["state"] == "active" else f", once it is resumed: it is {_in_words(listener['state'])}"
    say(listener, f"listener {listener_id} is told everything again from {since} on{later}", console, as_json)


async def remove(address: str, listener_id: str, console: Console) -> None:
    """Take a listener off.

    Raises:
        CommandError: when there is none or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        await gateway.delete(_path(await _found(gateway, listener_id)))
    console.print(f"listener {listener_id} is taken off")


def listeners_table(listeners: Sequence[Document]) -> Table:
    """Return listeners, a row each."""
    names = ("state", "backlog", "given up", "api", "callback", "query", "last error")
    table = Table(id_column("listener", listeners), *names, box=None)
    for each in listeners:
        table.add_row(
            str(each["id"]),
            Text(_in_words(each["state"]), style=_STYLES.get(each["state"], "")),
            str(each["backlog"]),
            str(each["givenUp"]),
            str(each["api"]),
            Text(each["callback"], overflow="fold"),
            Text(each.get("query") or "", overflow="fold"),
            Text(each.get("error") or "", overflow="fold", style="red"),
        )
    return table


def listener_facts(listener: Document) -> list[tuple[str, str]]:
    """Return all that is to be said of a listener, as far as it has it."""
    facts = [
        ("API", listener["api"]),
        ("State", f"{_in_words(listener['state'])}{_moment_of(listener, 'stateSince', ' since ')}"),
        ("Why", listener.get("stateReason") or ""),
        ("Missed", f"{_moment_of(listener, 'missedFrom', 'all from ')}{_event_of(listener)}"),
        ("Callback", listener["callback"]),
        ("Query", listener.get("query") or "all events"),
        ("Backlog", str(listener["backlog"])),
        ("Given up", str(listener["givenUp"])),
        ("Last error", listener.get("error") or ""),
        ("Old secret", _moment_of(listener, "oldSecretsUntil", "signs too until ")),
        ("Registered", moment(listener["createdAt"])),
        ("Workflow", f"hub:{listener['id']}"),
    ]
    return [(name, value) for name, value in facts if value]


def _in_words(state: str) -> str:
    return "given up" if state == "givenUp" else state


def _moment_of(listener: Document, name: str, before: str) -> str:
    return before + moment(listener[name]) if name in listener else ""


def _event_of(listener: Document) -> str:
    return f", event {listener['missedEventId']}" if "missedEventId" in listener else ""


async def _asked(address: str, listener_id: str, command: str, body: Document | None = None) -> Document:
    """Ask something of a listener, and return it as it is then.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        listener = await _found(gateway, listener_id)
        answer = await gateway.tell("POST", f"{_path(listener)}/{command}", body or {})
    return {"api": listener["api"], **answer}


async def _all(gateway: Gateway) -> list[Document]:
    """Return the listeners of all APIs, each with the `api` whose it is."""
    answers = await asyncio.gather(*(gateway.listing(path, {}) for path in APIS.values()))
    return [{"api": api, **each} for api, (listeners, _) in zip(APIS, answers, strict=True) for each in listeners]


async def _found(gateway: Gateway, listener_id: str) -> Document:
    """Return a listener of any API: its id does not say which."""
    for each in await _all(gateway):
        if each["id"] == listener_id:
            return each
    raise CommandError(f"there is no listener {listener_id}; `ordersaga hub list` shows those that there are")


def _path(listener: Document) -> str:
    return f"{APIS[listener['api']]}/{listener['id']}"
