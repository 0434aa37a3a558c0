"""Customers: each plays a story, from its first order to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from chaos.people import documents
from chaos.people.counter import Counter, NoAnswerError, orders_path
from chaos.people.journal import Journal, Placed
from chaos.stories import Plot, Story
from orders.lifecycle.states import TERMINAL, OrderKind
from tmf.bodies import Document

_LOOKS = 0.7
_HELD_FOR = 2.0
_CANCELLED = {Story.CANCEL, Story.SERVICE_CANCELLED, Story.RESOURCE_CANCELLED}


class Customers:
    """Plays the stories of a run. What a story cannot do, since an order has ended before, it leaves out."""

    def __init__(self, run: str, counter: Counter, journal: Journal) -> None:
        self._run, self._counter, self._journal = run, counter, journal

    async def play(self, plot: Plot) -> None:
        """Play a story to the end of its last order.

        Raises:
            NoAnswerError: when nobody answers for too long.
        """
        customer = f"{self._run}-{plot.number}"
        kind, document = documents.first_order(plot, customer)
        placed = await self._placed(plot, kind, document, customer, "first")
        await self._meanwhile(placed)
        order = await self.ended(placed)
        if plot.story not in (Story.MODIFY, Story.DELETE) or order["state"] != "completed":
            return
        product = documents.product_of(order)
        if product is not None:
            change = documents.second_order(plot, customer, product)
            second = await self._placed(plot, OrderKind.PRODUCT, change, customer, "second")
            second.product = product
            await self.ended(second)

    async def ended(self, placed: Placed) -> Document:
        """Return an order once it has ended."""
        while True:
            order = await self._counter.order(placed.kind, placed.id)
            if order["state"] in TERMINAL:
                placed.ended = time.monotonic()
                return order
            await asyncio.sleep(_LOOKS)

    async def _placed(self, plot: Plot, kind: OrderKind, document: Document, customer: str, which: str) -> Placed:
        answer = await self._counter.place(kind, document, f"{customer}-{which}")
        if answer.status_code != 201:
            raise NoAnswerError(f"an order of {customer} is answered {answer.status_code}: {answer.text[:300]}")
        placed = Placed(str(answer.json()["id"]), kind, plot, customer, document)
        self._journal.placed[placed.id] = placed
        return placed

    async def _meanwhile(self, placed: Placed) -> None:
        """Do to an order what its story says, while it runs."""
        story = placed.plot.story
        if story in _CANCELLED:
            await asyncio.sleep(placed.plot.delay)
            await self._act(placed, "cancel", lambda: self._counter.cancel(placed.kind, placed.id))
        elif story == Story.AMEND:
            await asyncio.sleep(placed.plot.delay)
            await self._amend(placed)
        elif story == Story.HOLD:
            await asyncio.sleep(placed.plot.delay)
            await self._tell(placed, "hold")
            await asyncio.sleep(_HELD_FOR)
            await self._tell(placed, "resume")

    async def _amend(self, placed: Placed) -> None:
        order = await self._counter.order(placed.kind, placed.id)
        items = documents.amended(order)
        path = f"{orders_path(placed.kind)}/{placed.id}"
        await self._act(placed, "amend", lambda: self._counter.ask("PATCH", path, {"productOrderItem": items}))

    async def _tell(self, placed: Placed, word: str) -> None:
        path = f"{orders_path(placed.kind)}/{placed.id}/{word}"
        await self._act(placed, word, lambda: self._counter.ask("POST", path, {"author": "chaos"}))

    async def _act(self, placed: Placed, word: str, act: Callable[[], Awaitable[httpx2.Response]]) -> None:
        answer: Any = await act()
        placed.acts.append(f"{word}: {answer.status_code}{_why(answer)}")


def _why(answer: httpx2.Response) -> str:
    return f" {answer.text[:150]}" if answer.is_error else ""
