"""The counter at which people are served: the gateways, one or the other, until one of them answers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import httpx2

from chaos.people.journal import Journal
from orders.events.links import BASE_PATHS, cancellation_name
from orders.lifecycle.states import OrderKind
from tmf.bodies import Document

_PAUSE = 0.4
_ANSWERS_WITHIN = 12.0
"""Seconds that people wait for one answer before they ask again."""


class NoAnswerError(Exception):
    """Nobody answered for as long as people had time."""


class Counter:
    """Asks the gateways. What is unclear is asked again, with the same key where it would make something."""

    def __init__(self, gateways: Sequence[str], http: httpx2.AsyncClient, journal: Journal, patience: float) -> None:
        self._gateways = itertools.cycle(gateways)
        self._http, self._journal, self._patience = http, journal, patience

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """Return the first answer that is none of an outage.

        Raises:
            NoAnswerError: when there is none in time.
        """
        said = "no answer"
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    try:
                        answer = await self._http.request(
                            method, f"{next(self._gateways)}{path}", json=body, headers=headers, timeout=_ANSWERS_WITHIN
                        )
                        if answer.status_code < 500:
                            return answer
                        said = f"{answer.status_code} {answer.text[:200]}"
                    except httpx2.TransportError as error:
                        said = repr(error)
                    self._journal.repeated += 1
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            raise NoAnswerError(f"{method} {path}: {said}") from None

    async def read(self, path: str) -> Any:
        """Return what is read.

        Raises:
            NoAnswerError: when it is refused, or nobody answers.
        """
        answer = await self.ask("GET", path)
        if answer.is_error:
            raise NoAnswerError(f"GET {path}: {answer.status_code} {answer.text[:200]}")
        return answer.json()

    async def place(self, kind: OrderKind, document: Document, key: str) -> httpx2.Response:
        return await self.ask("POST", orders_path(kind), document, **{"Idempotency-Key": key})

    async def order(self, kind: OrderKind, order_id: str) -> Document:
        document: Document = await self.read(f"{orders_path(kind)}/{order_id}")
        return document

    async def cancel(self, kind: OrderKind, order_id: str) -> httpx2.Response:
        name = cancellation_name(kind)
        return await self.ask("POST", f"{BASE_PATHS[kind]}/{name}", {kind.value: {"id": order_id}})

    async def listed(self, path: str) -> list[Document]:
        """Return all of a list, page by page."""
        found: list[Document] = []
        while True:
            joint = "&" if "?" in path else "?"
            page = await self.read(f"{path}{joint}limit=200&offset={len(found)}")
            found += page
            if len(page) < 200:
                return found


def orders_path(kind: OrderKind) -> str:
    """Return where the orders of a kind are."""
    return f"{BASE_PATHS[kind]}/{kind.value}"
