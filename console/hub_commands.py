"""What the commands about listeners do and print."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.commands import print_json, say
from console.errors import CommandError
from console.gateway import Gateway
from console.views.change_tables import moment
from console.views.tables import facts_panel, id_column
from orders.events.hubs import HUBS
from tmf.bodies import Document

APIS = {hub.base_path.removeprefix("/tmf-api/").replace("Management/", "/"): hub.path for hub in HUBS.values()}
"""What an API with listeners is called here, such as `productOrdering/v4` → where they are."""

_STYLES = {"active": "green", "paused": "yellow"}


async def hub_list(address: str, console: Console, as_json: bool) -> None:
    """List the listeners of all APIs.

    Raises:
        CommandError: when the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        listeners = await _all(gateway)
    if as_json:
        print_json(console, listeners)
    elif listeners:
        console.print(listeners_table(listeners))
    else:
        console.print("no listeners")


async def hub_show(address: str, listener_id: str, console: Console, as_json: bool) -> None:
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


async def pause_or_resume(address: str, listener_id: str, command: str, console: Console, as_json: bool) -> None:
    """Pause a listener, or resume it.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        listener = await _found(gateway, listener_id)
        listener |= await gateway.tell("POST", f"{_path(listener)}/{command}", {})
    say(listener, f"listener {listener_id} is {listener['state']}", console, as_json)


async def replay(address: str, listener_id: str, since: str, console: Console, as_json: bool) -> None:
    """Tell a listener everything again from a time on.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        listener = await _found(gateway, listener_id)
        listener |= await gateway.tell("POST", f"{_path(listener)}/replay", {"from": since})
    later = "" if listener["state"] == "active" else f", once it is resumed: it is {listener['state']}"
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
            Text(each["state"], style=_STYLES.get(each["state"], "")),
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
        ("State", listener["state"]),
        ("Callback", listener["callback"]),
        ("Query", listener.get("query") or "all events"),
        ("Backlog", str(listener["backlog"])),
        ("Given up", str(listener["givenUp"])),
        ("Last error", listener.get("error") or ""),
        ("Registered", moment(listener["createdAt"])),
        ("Workflow", f"hub:{listener['id']}"),
    ]
    return [(name, value) for name, value in facts if value]


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
