"""Reaching a listener: which events it asks for, what they look like to it, and sending one, signed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import httpx2

from orders.events.hubs import HUBS, Hub
from orders.events.order_events import Event
from orders.events.subscription import Subscription, SubscriptionState
from store.outbox import Placed
from tmf import signatures
from tmf.bodies import Document
from tmf.query.matching import admits
from tmf.query.query import ListQuery, parse_query_string
from tmf.words import reason_of

_ANSWER_LIMIT = 2048
_ANSWER_TIME = timedelta(seconds=2)


class NotTakenError(Exception):
    """A listener that did not take an event."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


@dataclass(frozen=True)
class Listener:
    """What one listener asks for, and how it is shown."""

    subscription: Subscription
    hub: Hub
    query: ListQuery
    base_url: str

    async def wanted(
        self, found: Sequence[Placed], set_aside: Callable[[int, Exception], Awaitable[None]]
    ) -> list[Placed]:
        """Return those events that it asks for; looked at in a thread, since a query may take its time.

        Args:
            set_aside: is told the position of each that cannot be written as the hub tells it, and why.
        """
        asked, odd = await asyncio.to_thread(self._sorted, found)
        for position, error in odd:
            await set_aside(position, error)
        return asked

    def _sorted(self, found: Sequence[Placed]) -> tuple[list[Placed], list[tuple[int, Exception]]]:
        asked, odd = list[Placed](), list[tuple[int, Exception]]()
        for each in found:
            if each.event.type not in self.hub.types:
                continue
            try:
                envelope = self.hub.envelope(each.event, self.base_url)
            except Exception as error:  # Whatever is wrong with one event is no matter of the others.
                odd.append((each.position, error))
                continue
            if admits(self.query.filters, envelope):
                asked.append(each)
        return asked, odd

    def shown(self, event: Event) -> Document:
        envelope = self.hub.envelope(event, self.base_url)
        if self.query.fields is not None:
            envelope["event"] = {name: self.query.project(each) for name, each in envelope["event"].items()}
        return envelope


def listener_of(subscription: Subscription, base_url: str) -> Listener:
    """Return the listener that was registered so; every `href` that it is sent starts with the gateway's address."""
    hub, query = HUBS[subscription.api], parse_query_string(subscription.query)
    if query.fields is not None:
        query = replace(query, fields=(*hub.always, *query.fields))
    return Listener(subscription, hub, query, base_url)


async def why_not_told(listener: Listener, placed: Placed) -> str | None:
    """Return why a listener is not told of an event, where it is not."""
    subscription = listener.subscription
    if subscription.state != SubscriptionState.ACTIVE:
        return f"listener {subscription.id} is {subscription.state}: resume it first"
    unwritable = list[Exception]()

    async def noted(_position: int, error: Exception) -> None:
        unwritable.append(error)

    if await listener.wanted([placed], noted):
        return None
    event = f"event {placed.event.id}, {placed.event.type} of {placed.event.subject_id},"
    if unwritable:
        return f"{event} cannot be written as the hub tells it: {reason_of(unwritable[0])}"
    asked = f" with the query {subscription.query}" if subscription.query else ""
    return f"{event} is none that listener {subscription.id} asks for, at {listener.hub.path}{asked}"


@dataclass(frozen=True)
class Listeners:
    """How listeners are reached."""

    client: httpx2.AsyncClient
    """Connects only where events may go, and follows no redirects."""
    base_url: str
    """The gateway's address, with which every `href` in an event starts."""
    time_limit: timedelta = timedelta(seconds=10)
    """How long one delivery may take."""

    def of(self, subscription: Subscription) -> Listener:
        """Return the listener that was registered so."""
        return listener_of(subscription, self.base_url)

    async def send(self, listener: Listener, placed: Placed) -> None:
        """Deliver one event.

        Raises:
            NotTakenError: when the listener did not take it.
        """
        event = placed.event
        body = json.dumps(listener.shown(event), ensure_ascii=False, separators=(",", ":")).encode()
        url = f"{listener.subscription.callback.rstrip('/')}/{listener.hub.listener_path(event.type)}"
        now = datetime.now(UTC)
        headers = signatures.sign(
            listener.subscription.secret, event.id, now, body, *listener.subscription.old_secrets_at(now)
        )
        told = {"Content-Type": "application/json", "User-Agent": "ordersaga", **headers}
        try:
            request = self.client.build_request("POST", url, content=body, headers=told)
            async with asyncio.timeout(self.time_limit.total_seconds()):
                response = await self.client.send(request, stream=True)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            raise NotTakenError(f"POST {url}: {reason_of(error)}") from error
        try:
            said = await _said(response)
        finally:
            await response.aclose()
        if not response.is_success:
            text = said[:200].decode(errors="replace")
            message = f"POST {url}: {response.status_code} {response.reason_phrase}: {text}"
            raise NotTakenError(message.rstrip(": "), gone=response.status_code == httpx2.codes.GONE)


async def _said(response: httpx2.Response) -> bytes:
    """Return the beginning of an answer's body, whatever is wrong with it: its status has said all that counts.

    A body that is read to its end leaves the connection for the next delivery.
    """
    said = b""
    with suppress(httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(_ANSWER_TIME.total_seconds()):
            async for part in response.aiter_raw():
                said += part
                if len(said) >= _ANSWER_LIMIT:
                    break
    return said
