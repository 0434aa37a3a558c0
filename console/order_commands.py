"""What the commands do and print that hold, resume, amend, cancel or delete orders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from console.commands import print_json, say
from console.errors import CommandError
from console.gateway import Gateway, order_path
from console.views.change_tables import cancellations_table, changes_table, notes_table, revisions_table
from orders.model.order_ids import is_root, root_id, root_kind
from tmf.bodies import Document

_MERGE_PATCH, _JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"


async def cancel(address: str, order_id: str, wish: Document, console: Console, as_json: bool) -> None:
    """Ask for an order's cancellation.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    orders = order_path(order_id).rpartition("/")[0]
    kind = orders.rpartition("/")[2]
    async with Gateway(address) as gateway:
        made = await gateway.tell("POST", _cancellations(orders), {kind: {"id": order_id}, **wish})
    sentence = f"cancellation {made['id']} of order {order_id} is {made['state']}; follow it by {made['href']}"
    say(made, sentence, console, as_json)


async def hold_or_resume(
    address: str, order_id: str, command: str, wish: Document, console: Console, as_json: bool
) -> None:
    """Hold an order, or resume it.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        order = await gateway.tell("POST", f"{order_path(order_id)}/{command}", wish)
    what = f"item {wish['item']} of order {order_id}" if wish.get("item") else f"order {order_id}"
    done = "on hold" if command == "hold" else "resumed"
    say(order, f"{what} is {done}; the order is {order.get('state')}", console, as_json)


async def delete(address: str, order_id: str, token: str, console: Console) -> None:
    """Delete a closed order and all that it has made.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        await gateway.delete(order_path(order_id), token)
    console.print(f"order {order_id} is deleted")


async def amend(address: str, order_id: str, change: Any, console: Console, as_json: bool) -> None:
    """Amend a posted order by a merge patch (an object) or a JSON Patch (a list), and show what that does.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    path = _posted_order_path(order_id)
    async with Gateway(address) as gateway:
        order = await gateway.tell("PATCH", path, change, _media_type(change))
        revisions, _ = await gateway.listing(f"{path}/revision", {})
    if as_json:
        print_json(console, order)
        return
    latest = revisions[-1]
    console.print(f"order {order_id} is at revision {latest['number']}, {latest['state']}")
    if latest.get("changes"):
        console.print(changes_table(latest["changes"]))


async def preview(address: str, order_id: str, change: Any, console: Console, as_json: bool) -> bool:
    """Show what an amendment or a cancellation would do; return whether it could be done.

    Raises:
        CommandError: when it cannot be read or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        told = await gateway.tell("POST", f"{_posted_order_path(order_id)}/preview", change, _media_type(change))
    possible = not told["refusals"] and not told["violations"]
    if as_json:
        print_json(console, told)
        return possible
    for refusal in told["refusals"]:
        console.print(Text(f"item {refusal.get('itemId') or refusal.get('key')}: {refusal['reason']}", style="red"))
    for violation in told["violations"]:
        console.print(Text(f"{violation['path']}: {violation['message']}", style="red"))
    if not possible:
        console.print("it would be refused: nothing would change")
    elif told["changes"]:
        console.print(changes_table(told["changes"]))
    else:
        console.print("nothing is done yet that this would change")
    return possible


async def history(address: str, order_id: str, console: Console, as_json: bool) -> None:
    """Show the revisions of a posted order, the requests to cancel it, and its notes.

    Raises:
        CommandError: when there is no such order or the gateway cannot be reached.
    """
    path, kind = _posted_order_path(order_id), root_kind(order_id).value
    async with Gateway(address) as gateway:
        order, (revisions, _), (cancellations, _) = await asyncio.gather(
            gateway.read(path),
            gateway.listing(f"{path}/revision", {}),
            gateway.listing(_cancellations(path.rpartition("/")[0]), {f"{kind}.id": f'"{order_id}"'}),
        )
    notes = _documents(order.get("note"))
    if as_json:
        print_json(console, {"revision": revisions, f"cancel{kind[0].upper()}{kind[1:]}": cancellations, "note": notes})
        return
    console.print(revisions_table(revisions))
    if cancellations:
        console.print(cancellations_table(cancellations))
    if notes:
        console.print(notes_table(notes))


def _cancellations(orders: str) -> str:
    """Return where the cancellations of a collection of orders are."""
    base, _, kind = orders.rpartition("/")
    return f"{base}/cancel{kind[0].upper()}{kind[1:]}"


def _posted_order_path(order_id: str) -> str:
    if not is_root(order_id):
        raise CommandError(f"{order_id} was made by another order; the one that it belongs to is {root_id(order_id)}")
    return order_path(order_id)


def _media_type(change: Any) -> str:
    return _JSON_PATCH if isinstance(change, list) else _MERGE_PATCH


def _documents(value: Any) -> Sequence[Document]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
