"""The deliveries of one round to one listener: in order within each order tree, several trees at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from temporalio import activity

from application.listeners import NotTakenError
from orders.events.order_events import Event
from store.outbox import Placed
from tmf.instants import UtcDatetime
from tmf.model import Model

TREES_AT_ONCE = 8
"""How many order trees one listener is told of at the same time."""


class Stuck(Model):
    """An order tree of which an event was not taken: those behind it wait until it is, or is given up."""

    root_id: str
    after: int
    """All of its events up to this position were delivered, or are none that the listener asks for."""
    since: UtcDatetime
    """From when on the tries count towards giving up."""


class GivenUp(Model):
    """An event that was tried for too long."""

    event_id: str
    event_type: str
    order_id: str
    """The order, or the cancellation, that it is about."""
    at: UtcDatetime
    """When it was given up."""


class EventDelivery:
    """The deliveries of one round: those of an order tree one after another, those of others at the same time."""

    def __init__(
        self,
        send: Callable[[Placed], Awaitable[None]],
        is_told: Callable[[], Awaitable[bool]],
        give_up_after: timedelta,
        done: dict[str, int],
    ) -> None:
        self._send = send
        self._is_told = is_told
        self._give_up_after = give_up_after
        self._done = done
        self._at_once = asyncio.Semaphore(TREES_AT_ONCE)
        self.stuck: list[Stuck] = []
        self.given_up: list[GivenUp] = []
        self.delivered = 0
        self.error: str | None = None
        self.gone = False

    async def fresh(self, root_id: str, events: Sequence[Placed]) -> None:
        """Deliver the events of an order tree of which nothing was held back."""
        async with self._at_once:
            before = Stuck(root_id=root_id, after=events[0].position - 1, since=datetime.now(UTC))
            await self._tree(before, events)

    async def again(self, stuck: Stuck, read: Callable[[Stuck], Awaitable[tuple[list[Placed], int | None]]]) -> None:
        """Deliver what was held back of an order tree."""
        async with self._at_once:
            if self.gone or activity.is_cancelled():
                self.stuck.append(stuck)
                return
            events, more_after = await read(stuck)
            if await self._tree(stuck, events) and more_after is not None:
                self.stuck.append(Stuck(root_id=stuck.root_id, after=more_after, since=datetime.now(UTC)))

    async def _tree(self, stuck: Stuck, events: Sequence[Placed]) -> bool:
        """Deliver an order tree's events; return whether they are done, rather than held back again."""
        since, done_upto = stuck.since, self._done.get(stuck.root_id, 0)
        events = [each for each in events if each.position > done_upto]
        if events and not await self._is_told():
            self.stuck.append(_before(events[0], stuck.root_id, since))
            return False
        for placed in events:
            if self.gone or activity.is_cancelled():
                self.stuck.append(_before(placed, stuck.root_id, since))
                return False
            try:
                await self._send(placed)
            except NotTakenError as error:
                self.error, self.gone = str(error), self.gone or error.gone
                now = datetime.now(UTC)
                if self.gone or now - max(since, placed.event.at) < self._give_up_after:
                    self.stuck.append(_before(placed, stuck.root_id, since))
                    return False
                self.given_up.append(_given_up(placed.event, now))
            else:
                self.delivered += 1
                since = datetime.now(UTC)
                self._done[stuck.root_id] = placed.position
                activity.heartbeat(self._done)
        return True


def _before(placed: Placed, root_id: str, since: datetime) -> Stuck:
    return Stuck(root_id=root_id, after=placed.position - 1, since=since)


def _given_up(event: Event, now: datetime) -> GivenUp:
    return GivenUp(event_id=event.id, event_type=event.type, order_id=event.subject_id, at=now)
