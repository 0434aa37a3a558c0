"""Large orders that people act on once they are in a later run: what that takes, and whether all is exact then."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from bench.large.drill import Drill, Step, require
from bench.large.orders import SITES, VPN
from bench.parts import Tell
from bench.stack.gateway import SUCCEEDED
from bench.stack.stacks import Stack

_MOVED = "1.2"
_OF_MOVED = {f"{_MOVED}:access", f"{_MOVED}:overlay"}
"""The service orders of the site that moves."""
_NODE = re.compile(r"^po:\w+(?::so:|/)([^/@]+?)(?:@|:undo|:ro:|/)")
"""A node of the plan in an idempotency key: a service order, with its resource orders and undo, or a product."""


async def steer(stack: Stack, items: int, tell: Tell) -> list[Step]:
    """Hold, resume and amend a network of so many sites, one of which falls out; cancel another network.

    Raises:
        RuntimeError: when anything is not as it must be.
    """
    return [*await _network(Drill(stack, VPN, items, tell)), *await _cancelled(Drill(stack, VPN, items, tell))]


async def _network(drill: Drill) -> list[Step]:
    broken = f"1.{drill.items // 2}"
    async with drill.fault("activation", order=f":so:{broken}:access"):
        placed = await drill.place()
        await drill.is_in_a_later_run()
        async with drill.timed("held, until nothing is called any more"):
            await drill.tell("hold", reason="bench")
            await drill.is_quiet()
        require(await drill.state() == "held", "an order that is held is shown so")
        await drill.tell("resume")
        finished = await drill.done()
        require(finished >= _OF_MOVED, f"the site that moves is done: {sorted(finished)}")
        before = await drill.calls()
        async with drill.timed("amended: a site that is done moves"):
            await drill.amend(productOrderItem=_moved(placed))
        task = await drill.task(f":{broken}:access")
    async with drill.timed("the site that fell out is settled, and all goes on to the end"):
        await drill.retry(task)
        await drill.is_over(SUCCEEDED)
    new = set(await drill.calls()).difference(before)
    again = {node for key in new for node in _NODE.findall(key)} & finished
    require(again == _OF_MOVED, f"of what was done only the site that moves is done anew: {sorted(again)}")
    await drill.is_exact(products=drill.items + 2)
    await drill.is_replayed()
    return drill.steps


async def _cancelled(drill: Drill) -> list[Step]:
    await drill.place()
    await drill.is_in_a_later_run()
    async with drill.timed("cancelled, and all of it undone"):
        await drill.cancel()
        await drill.is_over("cancelled")
    await drill.is_exact(products=0)
    await drill.is_replayed()
    return drill.steps


def _moved(placed: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the items of a network, one site of which is elsewhere."""
    items: list[dict[str, Any]] = deepcopy(placed["productOrderItem"])
    site = next(each for each in items[0]["productOrderItem"] if each["id"] == _MOVED)
    site["product"]["place"] = [{"id": SITES[-1], "role": "installationAddress"}]
    return items
