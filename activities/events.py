"""Delivering events to one listener: in the order of each family of orders, at least once, signed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
from pydantic import Field
from temporalio import activity

from activities.bell import Bell
from orders import signatures
from orders.events import Event
from orders.hubs import HUBS, Hub
from orders.model import Model
from orders.subscription import Subscription, SubscriptionState
from store.outbox import Outbox, Placed
from store.query import ListQuery, admits, parse_query_string
from store.subscriptions import SubscriptionStore

BATCH = 100
"""Events that one round looks at."""

ORDERS_AT_ONCE = 8
"""How many families of orders one listener is told of at the same time."""

_PROOF_OF_LIFE = timedelta(seconds=5)
_ANSWER_LIMIT = 2048


class Waiting(Model):
    """An event that could not be delivered yet."""

    position: int
    root_id: str
    since: datetime
    """When it was first to be delivered."""


class Round(Model):
    """What to try to deliver."""

    subscription_id: str
    position: int
    """All events up to here were delivered, are none that the listener asks for, or are among the waiting ones."""
    waiting: list[Waiting] = Field(default_factory=list)
    retry: bool = True
    """Whether to try the waiting ones, or only what comes behind the position, of other orders."""
    look_further: bool = True
    """Whether to look behind the position at all: not while the listener takes nothing."""
    patience: timedelta = timedelta(minutes=5)
    """How long to wait for an event where there is nothing to do."""


class Delivered(Model):
    """What came of a round."""

    position: int
    waiting: list[Waiting] = Field(default_factory=list)
    delivered: int = 0
    error: str | None = None
    """Why a delivery failed, where one did."""
    gone: bool = False
    """Whether the listener says that it takes no events any more (410)."""
    ended: bool = False
    """Whether the listener was taken off the hub."""
    backlog: int = 0


class Noted(Model):
    """What an operator has changed of a listener."""

    subscription_id: str
    state: SubscriptionState
    position: int
    error: str | None = None


class ReplayFrom(Model):
    at: datetime


class _RefusedError(Exception):
    """A listener that did not take an event."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


class SubscriptionActivities:
    """What a listener's workflow tells the order store, and asks it."""

    def __init__(self, outbox: Outbox, subscriptions: SubscriptionStore) -> None:
        self._outbox = outbox
        self._subscriptions = subscriptions

    @activity.defn
    async def note_subscription(self, noted: Noted) -> None:
        """Keep what an operator has changed of a listener, so that lists show it."""
        changed = {"state": noted.state.value, "position": noted.position, "error": noted.error}
        await self._subscriptions.record(noted.subscription_id, **changed)

    @activity.defn
    async def position_before(self, replay: ReplayFrom) -> int:
        """Return the position after which come all events from a time on."""
        return await self._outbox.position_before(replay.at)


@dataclass(frozen=True)
class Listeners:
    """How listeners are reached."""

    client: httpx.AsyncClient
    """Connects only where events may go, and follows no redirects."""
    base_url: str
    """The gateway's address, with which every `href` in an event starts."""
    time_limit: timedelta = timedelta(seconds=10)
    """How long one delivery may take."""


class EventActivities:
    """Tells listeners."""

    def __init__(self, outbox: Outbox, subscriptions: SubscriptionStore, bell: Bell, listeners: Listeners) -> None:
        self._outbox = outbox
        self._subscriptions = subscriptions
        self._bell = bell
        self._client = listeners.client
        self._base_url = listeners.base_url
        self._time_limit = listeners.time_limit.total_seconds()

    @activity.defn
    async def deliver(self, round_: Round) -> Delivered:
        """Deliver what waits and what is new; where there is nothing, wait for it.

        A round that is cancelled ends after the deliveries that are under way, and says what it did.
        """
        subscription = await self._subscriptions.get(round_.subscription_id)
        if subscription is None:
            return Delivered(position=round_.position, ended=True)
        delivered = _delivered_before()
        beating = asyncio.create_task(_beat(delivered))
        running = asyncio.create_task(self._round(subscription, round_, delivered))
        try:
            done = await asyncio.shield(running)
        except asyncio.CancelledError:
            done = await running
        finally:
            beating.cancel()
        known = {"position": _needed(done), "backlog": done.backlog, "error": done.error}
        await self._subscriptions.record(subscription.id, **known)
        return done

    async def _round(self, subscription: Subscription, round_: Round, delivered: list[int]) -> Delivered:
        hub = HUBS[subscription.api]
        query = parse_query_string(subscription.query)
        new = await self._new(hub, round_)
        position = new[-1].position if new else round_.position
        wanted = [
            each
            for each in new
            if each.event.type in hub.types and admits(query.filters, hub.envelope(each.event, self._base_url))
        ]
        stuck = {each.root_id for each in round_.waiting}
        due = [each for each in wanted if round_.retry or each.event.root_id not in stuck]
        again = await self._outbox.at([each.position for each in round_.waiting]) if round_.retry else []
        delivery = _Delivery(partial(self._send, subscription, hub, query), delivered)
        await delivery.run([*again, *due])
        left = delivery.left | {each.position for each in wanted if each not in due}
        if not round_.retry:
            left |= {each.position for each in round_.waiting}
        since = {each.position: each.since for each in round_.waiting}
        roots = {each.position: each.root_id for each in round_.waiting}
        roots |= {each.position: each.event.root_id for each in wanted}
        now = datetime.now(UTC)
        waiting = [Waiting(position=at, root_id=roots[at], since=since.get(at, now)) for at in sorted(left)]
        return Delivered(
            position=position,
            waiting=waiting,
            delivered=delivery.delivered,
            error=delivery.error,
            gone=delivery.gone,
            backlog=len(waiting) + await self._outbox.backlog(position, hub.events_of),
        )

    def _is_asked_for(self, event: Event, hub: Hub, query: ListQuery) -> bool:
        return event.type in hub.types and admits(query.filters, hub.envelope(event, self._base_url))

    async def _new(self, hub: Hub, round_: Round) -> list[Placed]:
        """Return the next events behind the position; where there are none, once there are or patience is over."""
        if not round_.look_further:
            return []
        found = await self._outbox.read(round_.position, BATCH, api=hub.events_of)
        if found or (round_.waiting and round_.retry):
            return found

        async def is_there() -> bool:
            return await self._outbox.backlog(round_.position, hub.events_of) > 0

        if not await self._bell.rings(round_.position, is_there, round_.patience, activity.is_cancelled):
            return []
        return await self._outbox.read(round_.position, BATCH, api=hub.events_of)

    async def _send(self, subscription: Subscription, hub: Hub, query: ListQuery, placed: Placed) -> None:
        """Deliver one event.

        Raises:
            _RefusedError: when the listener did not take it.
        """
        event = placed.event
        envelope = hub.envelope(event, self._base_url)
        if query.fields is not None:
            envelope["event"] = {name: query.project(each) for name, each in envelope["event"].items()}
        body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
        url = f"{subscription.callback.rstrip('/')}/{hub.listener_path(event.type)}"
        headers = signatures.sign(subscription.secret, event.id, datetime.now(UTC), body)
        try:
            async with asyncio.timeout(self._time_limit):
                await self._post(url, body, headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _RefusedError(f"POST {url}: {error or type(error).__name__}") from error

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        told = {"Content-Type": "application/json", "User-Agent": "ordersaga", **headers}
        async with self._client.stream("POST", url, content=body, headers=told) as response:
            if response.is_success:
                # Taken, whatever the body is; a listener that lies about its length only loses its connection.
                return
            said = b""
            async for part in response.aiter_raw():
                said += part
                if len(said) >= _ANSWER_LIMIT:
                    break
        text = said[:200].decode(errors="replace")
        message = f"POST {url}: {response.status_code} {response.reason_phrase}: {text}"
        raise _RefusedError(message.rstrip(": "), gone=response.status_code == httpx.codes.GONE)


class _Delivery:
    """The deliveries of one round: those of a family of orders one after another, those of others at the same time."""

    def __init__(self, send: Callable[[Placed], Awaitable[None]], done: list[int]) -> None:
        self._send = send
        self._done = done
        self._turns = asyncio.Semaphore(ORDERS_AT_ONCE)
        self.left: set[int] = set()
        self.delivered = 0
        self.error: str | None = None
        self.gone = False

    async def run(self, events: Sequence[Placed]) -> None:
        families: dict[str, list[Placed]] = {}
        for each in sorted(events, key=lambda placed: placed.position):
            families.setdefault(each.event.root_id, []).append(each)
        await asyncio.gather(*(self._family(each) for each in families.values()))

    async def _family(self, events: list[Placed]) -> None:
        async with self._turns:
            for index, placed in enumerate(events):
                if placed.position in self._done:
                    continue
                if self.gone or activity.is_cancelled():
                    self.left |= {each.position for each in events[index:]}
                    return
                try:
                    await self._send(placed)
                except _RefusedError as error:
                    self.error, self.gone = str(error), self.gone or error.gone
                    self.left |= {each.position for each in events[index:]}
                    return
                self.delivered += 1
                self._done.append(placed.position)
                activity.heartbeat(self._done)


def _delivered_before() -> list[int]:
    """Return what an earlier attempt at the same round has delivered, as far as it could still say so."""
    details = activity.info().heartbeat_details
    return list(details[0]) if details and isinstance(details[0], list) else []


def _needed(done: Delivered) -> int:
    """Return the position after which events are still needed."""
    return min([done.position, *(each.position - 1 for each in done.waiting)])


async def _beat(delivered: list[int]) -> None:
    while True:
        activity.heartbeat(delivered)
        await asyncio.sleep(_PROOF_OF_LIFE.total_seconds())
