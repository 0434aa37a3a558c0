"""The commands `ordersaga order …`: to read orders, and to hold, resume, amend or cancel those that run."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from console.exits import REFUSED, fail, finish
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
from console.terminal import terminal
from orders.lifecycle.states import OrderKind, OrderState
from settings import Settings


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
    """
    from console import commands

    filters = {"state": state, "relatedParty.id": customer, "externalId": external_id, "category": category}
    wanted = {name: quoted(value) for name, value in filters.items() if value is not None} | {"limit": str(limit)}
    finish(commands.order_list(gateway_address(gateway), OrderKind(f"{kind.value}Order"), wanted, terminal(), as_json))


@order_app.command("show")
def order_show(order_id: PostedOrder, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show a posted order with the service and resource orders that it came down to, and its prices.

    Example: `ordersaga order show 7f3k2a9dqx`
    """
    from console import commands

    finish(commands.order_show(gateway_address(gateway), order_id, terminal(), as_json))


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
    from console import order_commands

    address = gateway_address(gateway)
    if dry_run:
        done = finish(order_commands.preview(address, order_id, {"cancel": True}, terminal(), as_json))
        raise typer.Exit(0 if done else REFUSED)
    wish = given(cancellationReason=reason, author=by, requestedCancellationDate=at and instant(at, "--at"))
    finish(order_commands.cancel(address, order_id, wish, terminal(), as_json))


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
    from console import order_commands

    wish = given(item=item, reason=reason, author=by)
    finish(order_commands.hold_or_resume(gateway_address(gateway), order_id, "hold", wish, terminal(), as_json))


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
    from console import order_commands

    wish = given(item=item, reason=reason, author=by)
    finish(order_commands.hold_or_resume(gateway_address(gateway), order_id, "resume", wish, terminal(), as_json))


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
    from console import order_commands

    change, address = read_json(file), gateway_address(gateway)
    if not dry_run:
        finish(order_commands.amend(address, order_id, change, terminal(), as_json))
        return
    raise typer.Exit(0 if finish(order_commands.preview(address, order_id, change, terminal(), as_json)) else REFUSED)


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
    from console import order_commands

    token = admin_token or Settings().known_admin_token()
    if token is None:
        fail("no administrators' token is known here; set ORDERSAGA_ADMIN_TOKEN", REFUSED)
    finish(order_commands.delete(gateway_address(gateway), order_id, token, terminal()))


@order_app.command("history")
def order_history(order_id: PostedOrder, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show the revisions of an order, who cancelled it, and what was noted on its way.

    Example: `ordersaga order history 7f3k2a9dqx`
    """
    from console import order_commands

    finish(order_commands.history(gateway_address(gateway), order_id, terminal(), as_json))
