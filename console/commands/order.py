"""The commands `ordersaga order …`: to read orders, and to hold, resume, amend or cancel those that run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from console.commands.system import standing, waiting_systems
from console.errors import CommandError
from console.exits import REFUSED, fail, finish
from console.gateway import Gateway, order_path
from console.options import (
    ByOption,
    GatewayOption,
    JsonOption,
    ReasonOption,
    gateway_address,
    given,
    instant,
    quoted,
    read_json,
)
from console.printing import print_json, print_list, say
from console.terminal import terminal
from console.views.change_tables import cancellations_table, changes_table, notes_table, revisions_table
from console.views.order_view import order_view
from console.views.tables import facts_panel, orders_table, prices_table
from orders.lifecycle.states import OrderKind, OrderState, in_words
from orders.model.order_ids import is_root, root_id, root_kind
from settings import Settings
from tmf.bodies import Document


class Kind(StrEnum):
    """The kinds of orders, as a person names them."""

    PRODUCT = "product"
    SERVICE = "service"
    RESOURCE = "resource"


order_app = typer.Typer(help="Read orders, and hold, resume, amend or cancel those that run.", no_args_is_help=True)

AnyOrder = Annotated[
    str, typer.Argument(help="The id of a product order, or of a service or resource order.", metavar="ID")
]
PostedOrder = Annotated[
    str, typer.Argument(help="The id of an order that was posted, not made by another one.", metavar="ID")
]
ItemOption = Annotated[str | None, typer.Option("--item", help="One item of it instead of all.", metavar="ID")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and do nothing.")]
PatchFile = Annotated[
    typer.FileText,
    typer.Argument(
        help="The attributes to change as JSON, items as the whole new list; or a JSON Patch. - for standard input."
    ),
]


@order_app.command("list")
def order_list(
    state: Annotated[OrderState | None, typer.Option(help="Only orders in this state.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only orders of this party.")] = None,
    external_id: Annotated[str | None, typer.Option(help="Only the order that a client calls so.")] = None,
    category: Annotated[str | None, typer.Option(help="Only orders of this category.")] = None,
    kind: Annotated[Kind, typer.Option(help="Which kind of orders.")] = Kind.PRODUCT,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, the newest first.")] = 20,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """List orders, the newest first: product orders, where no other kind is named.

    Examples: `ordersaga order list --state held` · `ordersaga order list --kind service --customer c-1001 --json`

    Of services that have failed: `ordersaga order list --kind service --category assurance`
    """
    filters = {"state": state, "relatedParty.id": customer, "externalId": external_id, "category": category}
    wanted = {name: quoted(value) for name, value in filters.items() if value is not None} | {"limit": str(limit)}
    finish(list_orders(gateway_address(gateway), OrderKind(f"{kind.value}Order"), wanted, terminal(), as_json))


@order_app.command("show")
def order_show(order_id: PostedOrder, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show a posted order with the service and resource orders that it came down to, and its prices.

    Example: `ordersaga order show 7f3k2a9dqx`
    """
    finish(show_order(gateway_address(gateway), order_id, terminal(), as_json))


@order_app.command("cancel")
def order_cancel(
    order_id: AnyOrder,
    reason: ReasonOption = None,
    by: ByOption = None,
    at: Annotated[str | None, typer.Option(help="When to cancel, as in 2026-12-01T09:00:00Z [default: now].")] = None,
    dry_run: DryRun = False,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel an order: all that was done is undone, unless an item is past its point of no return.

    Examples: `ordersaga order cancel 7f3k2a9dqx --reason "The customer moves"` · `ordersaga order cancel ID --dry-run`
    """
    address = gateway_address(gateway)
    if dry_run:
        done = finish(preview(address, order_id, {"cancel": True}, terminal(), as_json))
        raise typer.Exit(0 if done else REFUSED)
    wish = given(cancellationReason=reason, author=by, requestedCancellationDate=at and instant(at, "--at"))
    finish(cancel(address, order_id, wish, terminal(), as_json))


@order_app.command("hold")
def order_hold(
    order_id: AnyOrder,
    item: ItemOption = None,
    reason: ReasonOption = None,
    by: ByOption = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start nothing new below an order, or one item of it, until it is resumed; what runs may finish.

    Example: `ordersaga order hold 7f3k2a9dqx --item 1.tv --reason "The customer is away" --by ada`
    """
    wish = given(item=item, reason=reason, author=by)
    finish(hold_or_resume(gateway_address(gateway), order_id, "hold", wish, terminal(), as_json))


@order_app.command("resume")
def order_resume(
    order_id: AnyOrder,
    item: ItemOption = None,
    reason: ReasonOption = None,
    by: ByOption = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with an order that was held, or with one item of it.

    Example: `ordersaga order resume 7f3k2a9dqx`
    """
    wish = given(item=item, reason=reason, author=by)
    finish(hold_or_resume(gateway_address(gateway), order_id, "resume", wish, terminal(), as_json))


@order_app.command("amend")
def order_amend(
    order_id: PostedOrder,
    file: PatchFile,
    dry_run: DryRun = False,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change an order while it runs; what stays the same is left alone, the rest is done, redone or undone.

    Examples: `ordersaga order amend 7f3k2a9dqx change.json` · `echo '{"priority": "0"}' | ordersaga order amend ID -`
    """
    change, address = read_json(file), gateway_address(gateway)
    if not dry_run:
        finish(amend(address, order_id, change, terminal(), as_json))
        return
    raise typer.Exit(0 if finish(preview(address, order_id, change, terminal(), as_json)) else REFUSED)


@order_app.command("delete")
def order_delete(
    order_id: AnyOrder,
    gateway: GatewayOption = None,
    admin_token: Annotated[
        str | None, typer.Option(help="The administrators' token [default: by the settings, or the state directory]")
    ] = None,
) -> None:
    """Delete a closed order, with all that it has made and all that is kept of it. For administrators.

    Example: `ordersaga order delete 7f3k2a9dqx`
    """
    token = admin_token or Settings().known_admin_token()
    if token is None:
        fail("no administrators' token is known here; set ORDERSAGA_ADMIN_TOKEN", REFUSED)
    finish(delete(gateway_address(gateway), order_id, token, terminal()))


@order_app.command("history")
def order_history(order_id: PostedOrder, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show the revisions of an order, who cancelled it, and what was noted on its way.

    Example: `ordersaga order history 7f3k2a9dqx`
    """
    finish(history(gateway_address(gateway), order_id, terminal(), as_json))


async def list_orders(
    address: str, kind: OrderKind, filters: Mapping[str, str], console: Console, as_json: bool
) -> None:
    """List orders of a kind.

    Raises:
        CommandError: when a filter is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        orders, total = await gateway.orders(filters, kind)
    print_list(orders, lambda: orders_table(orders, total), "orders", console, as_json)


async def show_order(address: str, order_id: str, console: Console, as_json: bool) -> None:
    """Show an order with all that it came down to.

    Raises:
        CommandError: when there is no such order or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        if as_json:
            print_json(console, await gateway.order(order_id))
            return
        tree = await gateway.order_tree(order_id)
        waiting = [] if tree.ended else await waiting_systems(gateway)
    console.print(facts_panel(f"{in_words(tree.kind).capitalize()} {order_id}", order_facts(tree.order)))
    for each in waiting:
        console.print(Text(f"{standing(each)}: what the order has to do there waits", style="yellow"))
    console.print(order_view(tree))
    if tree.order.get("orderTotalPrice"):
        console.print(prices_table(tree.order))


def order_facts(order: Document) -> list[tuple[str, str]]:
    """Return the attributes of an order that stand at its head, as far as it has them."""
    names = {
        "State": "state",
        "External id": "externalId",
        "Category": "category",
        "Description": "description",
        "Priority": "priority",
        "Ordered": "orderDate",
        "Starts": "requestedStartDate",
        "Wanted by": "requestedCompletionDate",
        "Expected by": "expectedCompletionDate",
        "Completed": "completionDate",
        "Cancelled": "cancellationDate",
        "To be cancelled": "cancellationReason",
    }
    return [(name, str(order[attribute])) for name, attribute in names.items() if order.get(attribute)]


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
