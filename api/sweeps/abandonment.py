"""Listeners that are given up: those that nobody can reach, or that stay paused, must not keep the outbox for ever.

It is bounded for each listener by a time and by a number of events. One that was given up shows since when, why and
what it has missed; `resume` has it told again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from api.sweeps.listeners import ListenerStarter
from api.sweeps.sweep import Pace
from orders.events.hubs import events_of
from orders.events.subscription import Subscription, SubscriptionState
from store.outbox import Outbox, WaitingEvent
from store.subscriptions import SubscriptionStore
from tmf.words import span

_INTERVAL = timedelta(minutes=1)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeptAtMost:
    """How much is kept for one listener."""

    time: timedelta = timedelta(days=7)
    """How long it may take nothing, or be paused while something waits for it."""
    events: int = 1_000_000


class Abandonment:
    """Gives listeners up."""

    def __init__(
        self, subscriptions: SubscriptionStore, outbox: Outbox, starter: ListenerStarter, at_most: KeptAtMost
    ) -> None:
        self._subscriptions = subscriptions
        self._outbox = outbox
        self._starter = starter
        self._at_most = at_most
        self._looking = Pace(_INTERVAL)

    async def sweep(self) -> int:
        """Give up those for whom too much is kept, each minute at most; return how many.

        Raises:
            StoreUnavailableError: when the order store does not serve.
        """
        if not self._looking.is_due():
            return 0
        now, end, given_up = await self._outbox.now(), await self._outbox.end(), 0
        for each in await self._subscriptions.kept_for():
            if each.position < end:
                given_up += await self._looked_at(each, now, end)
        return given_up

    async def _looked_at(self, listener: Subscription, now: datetime, end: int) -> bool:
        first = await self._outbox.first_after(listener.position, events_of(listener.api))
        if first is None:
            return False
        reason = self._overdue(listener, first, now) or await self._oversized(listener, end)
        if reason is None or not await self._subscriptions.give_up(listener, reason, first):
            return False
        _log.error(
            "listener given up: events are kept for it no longer",
            listener=listener.id,
            callback=listener.callback,
            reason=reason,
            missed_from=str(first.at),
        )
        await self._starter.start(listener.model_copy(update={"state": SubscriptionState.GIVEN_UP}))
        return True

    def _overdue(self, listener: Subscription, first: WaitingEvent, now: datetime) -> str | None:
        """Return why a listener has had its time, if it has."""
        failing_since, failed_at = listener.failing_since, listener.failed_at
        # By when it was tried, rather than by now: while no worker runs, nobody tries.
        if failing_since and failed_at and failed_at - failing_since >= self._at_most.time:
            return f"it has taken nothing for {span(self._at_most.time)}: {listener.error}"
        since = max(first.at, listener.state_since or first.at)
        if listener.state == SubscriptionState.PAUSED and now - since >= self._at_most.time:
            return f"events have waited for {span(self._at_most.time)} while it was paused"
        return None

    async def _oversized(self, listener: Subscription, end: int) -> str | None:
        """Return that too many events wait for a listener, if they do."""
        most, api = self._at_most.events, events_of(listener.api)
        # Of all APIs together there cannot be fewer than of its own.
        if end - listener.position <= most:
            return None
        if await self._outbox.first_after(listener.position, api, skipping=most) is None:
            return None
        return f"more than {most} events wait for it"
