"""Following orders to their end: a live tree in a terminal, a line for each change elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from rich.console import Console
from rich.live import Live

from console.errors import UnreachableError
from console.gateway import Gateway
from console.order_tree import OrderTree, changes
from console.views.order_view import fitting_views, order_view

POLL_SECONDS = 0.4
_PATIENCE = 60
"""How many polls in a row may find no gateway: it may be restarting."""


async def follow(gateway: Gateway, order_id: str, poll: float = POLL_SECONDS) -> AsyncIterator[OrderTree]:
    """Yield an order with its children, again and again until it has ended.

    Raises:
        CommandError: when there is no such order, or the gateway cannot be reached for long.
    """
    tree = await gateway.order_tree(order_id)
    yield tree
    while not tree.ended:
        tree = await _next(gateway, tree, poll)
        yield tree


async def _next(gateway: Gateway, tree: OrderTree, poll: float) -> OrderTree:
    for _ in range(_PATIENCE):
        await asyncio.sleep(poll)
        with contextlib.suppress(UnreachableError):
            return await gateway.order_tree(tree.id, tree)
    return await gateway.order_tree(tree.id, tree)


async def watch(gateway: Gateway, order_ids: Sequence[str], console: Console) -> list[OrderTree]:
    """Show orders until all have ended; return how each ended.

    Raises:
        CommandError: as `follow`.
    """
    return await (_watch_live if console.is_terminal else _watch_lines)(gateway, order_ids, console)


async def _watch_live(gateway: Gateway, order_ids: Sequence[str], console: Console) -> list[OrderTree]:
    latest: dict[str, OrderTree] = {}
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis", transient=True) as live:

        async def show(order_id: str) -> None:
            async for tree in follow(gateway, order_id):
                latest[order_id] = tree
                live.update(fitting_views([latest[id_] for id_ in order_ids if id_ in latest], console), refresh=True)

        await asyncio.gather(*(show(order_id) for order_id in order_ids))
    ended = [latest[order_id] for order_id in order_ids]
    for tree in ended:
        console.print(order_view(tree))
    return ended


async def _watch_lines(gateway: Gateway, order_ids: Sequence[str], console: Console) -> list[OrderTree]:
    async def show(order_id: str) -> OrderTree:
        before: OrderTree | None = None
        async for tree in follow(gateway, order_id):
            for line in changes(before, tree):
                console.print(line, soft_wrap=True)
            before = tree
        assert before is not None
        return before

    return list(await asyncio.gather(*(show(order_id) for order_id in order_ids)))
