"""Small orders of several customers beside a large one: how much longer they take than alone."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from bench.large.orders import VPN, large_order
from bench.large.watch import p95
from bench.parts import Tell
from bench.stack.gateway import Gateway, example, new_customer
from bench.stack.stacks import Stack
from bench.stack.waiting import until

_CUSTOMERS = 4
_PRIORITIES = ("0", "2")
_EVERY_SECONDS = 2.5
_PATIENCE_SECONDS = 300.0
_BUSY_SITES = 10


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of small orders."""

    beside: str
    """What else ran: nothing, or a large order."""
    latencies: list[float]
    """Seconds from the placing of each to the end of its workflow."""

    @property
    def p50(self) -> float:
        return median(self.latencies)

    @property
    def p95(self) -> float:
        return p95(self.latencies)


async def streams(stack: Stack, items: int, small: int, tell: Tell) -> tuple[Stream, Stream]:
    """Place so many small orders, one after the other: alone, and beside a network of so many sites.

    Raises:
        RuntimeError: when the network is done before the last of them, or one does not complete.
    """
    await _stream(stack, "", 3)
    alone = await _stream(stack, "nothing", small)
    tell(f"{small} small orders alone: p50 {alone.p50:.2f} s, p95 {alone.p95:.2f} s")
    gateway = Gateway(stack)
    large = await gateway.place(large_order(VPN, items))
    await until(partial(_is_busy, gateway, large), _PATIENCE_SECONDS)
    beside = await _stream(stack, f"a network of {items} sites", small)
    tell(f"beside a network of {items} sites: p50 {beside.p50:.2f} s, p95 {beside.p95:.2f} s")
    if (await gateway.order(large))["state"] != "inProgress":
        raise RuntimeError("the network was done before the small orders: give it more sites")
    return alone, beside


async def _is_busy(gateway: Gateway, order_id: str) -> bool:
    """Return whether an order is in the middle of its work."""
    order = await gateway.order(order_id)
    sites = order["productOrderItem"][0]["productOrderItem"]
    return sum(bool(site["state"] == "inProgress") for site in sites) >= _BUSY_SITES


async def _stream(stack: Stack, beside: str, small: int) -> Stream:
    customers = [new_customer() for _ in range(_CUSTOMERS)]
    placed = []
    for number in range(small):
        document = example("mobile-esim", customers[number % _CUSTOMERS])
        document["priority"] = _PRIORITIES[number % len(_PRIORITIES)]
        placed.append(asyncio.create_task(_latency(Gateway(stack), document)))
        await asyncio.sleep(_EVERY_SECONDS)
    return Stream(beside, list(await asyncio.gather(*placed)))


async def _latency(gateway: Gateway, document: dict[str, Any]) -> float:
    began = time.monotonic()
    order_id = await gateway.place(document)
    await gateway.over(order_id)
    latency = time.monotonic() - began
    await gateway.succeeded(order_id)
    return latency
