"""Following orders to their end: a live tree in a terminal, a line for each change elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from rich.console import Console
from rich.live import Live

from console.errors import UnreachableError
from console.family import OrderFamily, changes
from console.gateway import Gateway
from console.order_tree import fitting_trees, order_tree

POLL_SECONDS = 0.4
_PATIENCE = 60
"""How many polls in a row may find no gateway: it may be restarting."""


async def follow(gateway: Gateway, order_id: str, poll: float = POLL_SECONDS) -> AsyncIterator[OrderFamily]:
    """Yield an order with its children, again and again until it has ended.

    Raises:
        CommandError: when there is no such order, or the gateway cannot be reached for long.
    """
    family = await gateway.family(order_id)
    yield family
    while not family.ended:
        family = await _next(gateway, family, poll)
        yield family


async def _next(gateway: Gateway, family: OrderFamily, poll: float) -> OrderFamily:
    for _ in range(_PATIENCE):
        await asyncio.sleep(poll)
        with contextlib.suppress(UnreachableError):
            return await gateway.family(family.id, family)
    return await gateway.family(family.id, family)


async def watch(gateway: Gateway, order_ids: Sequence[str], console: Console) -> list[OrderFamily]:
    """Show orders until all have ended; return how each ended.

    Raises:
        CommandError: as `follow`.
    """
    return await (_watch_live if console.is_terminal else _watch_lines)(gateway, order_ids, console)


async def _watch_live(gateway: Gateway, order_ids: Sequence[str], console: Console) -> list[OrderFamily]:
    latest: dict[str, OrderFamily] = {}
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis", transient=True) as live:

        async def show(order_id: str) -> None:
            async for family in follow(gateway, order_id):
                latest[order_id] = family
                live.update(fitting_trees([latest[id_] for id_ in order_ids if id_ in latest], console), refresh=True)

        await asyncio.gather(*(show(order_id) for order_id in order_ids))
    ended = [latest[order_id] for order_id in order_ids]
    for family in ended:
        console.print(order_tree(family))
    return ended


async def _watch_lines(gateway: Gateway, order_ids: Sequence[str], console: Console) -> list[OrderFamily]:
    async def show(order_id: str) -> OrderFamily:
        before: OrderFamily | None = None
        async for family in follow(gateway, order_id):
            for line in changes(before, family):
                console.print(line, soft_wrap=True)
            before = family
        assert before is not None
        return before

    return list(await asyncio.gather(*(show(order_id) for order_id in order_ids)))
