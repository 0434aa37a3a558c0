"""What one order of ours takes, counted: actions, events, bytes, calls, writes; and how soon it reaches a system."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from bench import actions, wal
from bench.figures import Counted
from bench.stack.gateway import MODIFICATION, ORDERS, Gateway, example, new_customer, workflow_id
from bench.stack.proxy import Exchange, Proxies
from bench.stack.stacks import Stack

_IDLE_ORDERS = 5
_STORE = "store.db"


async def count_orders(stack: Stack, proxies: Proxies, tell: Callable[[str], None]) -> list[Counted]:
    """Count an order of each kind, and a modification, after one each that does not count."""
    gateway = Gateway(stack)
    counted = []
    for name in ORDERS:
        await gateway.succeeded(await gateway.place(example(name, new_customer())))
        counted.append(await _count(stack, proxies, name, example(name, new_customer())))
    customer = new_customer()
    bundle = await gateway.place(example(ORDERS[0], customer))
    await gateway.succeeded(bundle)
    product = await gateway.product_of(bundle, "fibre-internet")
    counted.append(await _count(stack, proxies, MODIFICATION, example(MODIFICATION, customer, PRODUCT=product)))
    for each in counted:
        tell(
            f"{each.order}: {each.counts.actions} actions ({each.ratio:.2f} of {each.least}), "
            f"{each.counts.events} events, {sum(each.calls.values())} calls, {each.transactions} store transactions"
        )
    return counted


async def first_calls(stack: Stack, proxies: Proxies, order: str) -> list[float]:
    """Return how many seconds after its posting each of some orders, one after the other, reached a system."""
    gateway, taken = Gateway(stack), []
    for _ in range(_IDLE_ORDERS):
        proxies.forget()
        began = time.time()
        await gateway.succeeded(await gateway.place(example(order, new_customer())))
        taken.append(proxies.seen()[0].began - began)
    return taken


async def _count(stack: Stack, proxies: Proxies, name: str, document: dict[str, Any]) -> Counted:
    gateway = Gateway(stack)
    proxies.forget()
    with wal.watched(stack.layout.state_dir / _STORE) as writes:
        began = time.time()
        order_id = await gateway.place(document)
        await gateway.succeeded(order_id)
    seen = proxies.seen()
    return Counted(
        order=name,
        counts=actions.counts(await actions.histories_of(stack.temporal, workflow_id(order_id))),
        calls={system: sum(each.system == system for each in seen) for system in stack.systems},
        needed_calls=_needed(seen),
        transactions=writes.transactions,
        pages=writes.pages,
        first_call=seen[0].began - began,
    )


def _needed(exchanges: Sequence[Exchange]) -> int:
    """Return how many calls an order needs: each change once, all that planning reads, and all that feasibility asks.

    What is read on the way to a change is part of it.
    """
    keys = {each.key for each in exchanges if each.key}
    kinds = {each.method for each in exchanges if not each.key}
    return len(keys) + len(kinds)
