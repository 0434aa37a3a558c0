"""The commands `ordersaga submit` and `ordersaga watch`: an order is placed, and followed to its end."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from console.exits import NOT_COMPLETED, finish
from console.gateway import Gateway
from console.options import GatewayOption, JsonOption, OrderFile, gateway_address, read_order
from console.order_tree import OrderTree
from console.printing import print_json
from console.terminal import terminal
from console.watch import watch as watch_orders
from orders.lifecycle.states import OrderState
from tmf.bodies import Document


def submit(
    file: OrderFile,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the order to its end.")] = False,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Makes a repeated submit give the same order back.")
    ] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Submit a product order, or a service or resource order: which it is, is told by its items.

    Examples: `ordersaga submit order.json --watch` · `jq .order crm.json | ordersaga submit - --idempotency-key crm-4`
    """
    document = read_order(file)
    code = finish(submit_order(gateway_address(gateway), document, idempotency_key, terminal(), watch, as_json))
    raise typer.Exit(0 if code else NOT_COMPLETED)


def watch(order_id: str, gateway: GatewayOption = None) -> None:
    """Follow an order to its end: a live tree in a terminal, a line for each change elsewhere.

    Example: `ordersaga watch 7f3k2a9dqx`
    """
    completed = finish(follow(gateway_address(gateway), order_id, terminal()))
    raise typer.Exit(0 if completed else NOT_COMPLETED)


async def submit_order(
    address: str, document: Document, idempotency_key: str | None, console: Console, watched: bool, as_json: bool
) -> bool:
    """Submit an order and say its id, or follow it; return False when it was followed and did not complete.

    Raises:
        CommandError: when it is refused or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        accepted = await gateway.submit(document, idempotency_key)
        if as_json:
            print_json(console, accepted)
        else:
            console.print(f"order {accepted['id']} is {accepted.get('state')}")
        if not watched:
            return True
        return _completed((await watch_orders(gateway, [str(accepted["id"])], console))[0])


async def follow(address: str, order_id: str, console: Console) -> bool:
    """Show an order until it has ended; return whether it completed.

    Raises:
        CommandError: when there is no such order or the gateway cannot be reached.
    """
    async with Gateway(address) as gateway:
        return _completed((await watch_orders(gateway, [order_id], console))[0])


def _completed(tree: OrderTree) -> bool:
    return tree.state == OrderState.COMPLETED
