"""Delivering events to one listener: in order within each order tree, at least once, signed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from pydantic import Field
from temporalio import activity

from activities.places import Places
from application.event_delivery import EventDelivery, GivenUp, Stuck
from application.listeners import Listener, Listeners, NotTakenError, why_not_told
from application.outbox_poller import OutboxPoller
from orders.events.hubs import HUBS, Hub
from orders.events.subscription import Subscription, SubscriptionState
from store.outbox import Outbox, Placed
from store.subscriptions import SubscriptionStore
from tmf.instants import UtcDatetime
from tmf.model import Model

BATCH = 100
"""Events that one round looks at."""

_PROOF_OF_LIFE = timedelta(seconds=5)

_log = structlog.get_logger("worker")


class Round(Model):
    """What to try to deliver."""

    subscription_id: str
    position: int
    """All events up to here were delivered, are none that the listener asks for, or are of a stuck order tree."""
    stuck: list[Stuck] = Field(default_factory=list)
    retry: bool = True
    """Whether to try the stuck order trees, or only what comes behind the position, of other orders."""
    look_further: bool = True
    """Whether to look behind the position at all: not while the listener takes nothing."""
    patience: timedelta = timedelta(minutes=5)
    """How long to wait for an event where there is nothing to do."""
    give_up_after: timedelta = timedelta(days=3)
    given_up: int = 0
    """How many events were given up before."""


class Delivered(Model):
    """What came of a round."""

    position: int
    stuck: list[Stuck] = Field(default_factory=list)
    delivered: int = 0
    given_up: list[GivenUp] = Field(default_factory=list)
    error: str | None = None
    """Why a delivery failed, where one did."""
    gone: bool = False
    """Whether the listener says that it takes no events any more (410)."""
    state: SubscriptionState = SubscriptionState.ACTIVE
    """What the listener's row says; where it is not active nothing more was delivered."""
    backlog: int = 0


def needed_after(position: int, stuck: Sequence[Stuck]) -> int:
    """Return the position after which a listener still needs events."""
    return min([position, *(each.after for each in stuck)])


class Noted(Model):
    """What an operator has changed of a listener."""

    subscription_id: str
    state: SubscriptionState
    position: int | None = None
    """Where it is to go on, where that has changed; else the order store knows it from the rounds."""
    error: str | None = None


class ReplayFrom(Model):
    at: UtcDatetime


class Redelivery(Model):
    """One event to deliver again."""

    subscription_id: str
    event_id: str


class SubscriptionActivities:
    """What a listener's workflow tells the order store, and asks it."""

    def __init__(self, outbox: Outbox, subscriptions: SubscriptionStore) -> None:
        self._outbox = outbox
        self._subscriptions = subscriptions

    @activity.defn
    async def note_subscription(self, noted: Noted) -> None:
        """Keep what an operator has changed of a listener, so that lists show it."""
        if noted.state == SubscriptionState.ENDED:
            await self._subscriptions.end(noted.subscription_id)
            await self._subscriptions.mark_stopped(noted.subscription_id)
            return
        moved = {} if noted.position is None else {"position": noted.position}
        await self._subscriptions.note_state(noted.subscription_id, noted.state, error=noted.error, **moved)

    @activity.defn
    async def position_before(self, replay: ReplayFrom) -> int:
        """Return the position after which come all events from a time on."""
        return await self._outbox.position_before(replay.at)


def count_set_aside() -> None:
    """Count an event that cannot be read, where that is found out in an activity."""
    if activity.in_activity():
        meter = activity.metric_meter()
        meter.create_counter("ordersaga_events_set_aside", "Events that no listener can be told of").add(1)


class EventActivities:
    """Tells listeners."""

    def __init__(
        self,
        outbox: Outbox,
        subscriptions: SubscriptionStore,
        outbox_poller: OutboxPoller,
        listeners: Listeners,
        places: Places | None = None,
    ) -> None:
        self._places = places or Places()
        self._outbox = outbox
        self._subscriptions = subscriptions
        self._outbox_poller = outbox_poller
        self._listeners = listeners

    @activity.defn
    async def deliver(self, round_: Round) -> Delivered:
        """Deliver what is stuck and what is new; where there is nothing, wait for it.

        A round that is cancelled ends after the deliveries that are under way, and says what it did.
        """
        with self._places.taken():
            return await self._delivered(round_)

    async def _delivered(self, round_: Round) -> Delivered:
        done = _done_before()
        beating = asyncio.create_task(_beat(done))
        running = asyncio.create_task(self._round(_excused(round_), done))
        try:
            delivered = await asyncio.shield(running)
        except asyncio.CancelledError:
            delivered = await running
        finally:
            beating.cancel()
        known: dict[str, Any] = {
            "position": needed_after(delivered.position, delivered.stuck),
            "backlog": delivered.backlog,
            "given_up": round_.given_up + len(delivered.given_up),
        }
        if round_.retry or delivered.error:
            known["error"] = delivered.error
        failed = False if delivered.delivered else True if delivered.error else None
        await self._subscriptions.record_round(round_.subscription_id, failed=failed, **known)
        return delivered

    @activity.defn
    async def redeliver(self, redelivery: Redelivery) -> str | None:
        """Deliver one event again; return why it was not, where it was not: the listener did not take it, say."""
        subscription = await self._subscriptions.get(redelivery.subscription_id)
        placed = await self._outbox.find(redelivery.event_id)
        if subscription is None:
            return f"listener {redelivery.subscription_id} was taken off"
        if placed is None:
            return f"event {redelivery.event_id} is not there, or not any more"
        listener = self._listeners.of(subscription)
        if refused := await why_not_told(listener, placed):
            return refused
        try:
            await self._listeners.send(listener, placed)
        except NotTakenError as error:
            return f"the listener did not take it: {error}"
        return None

    async def _round(self, round_: Round, done: dict[str, int]) -> Delivered:
        subscription = await self._subscriptions.get(round_.subscription_id)
        if subscription is None or subscription.state != SubscriptionState.ACTIVE:
            return _nothing(round_, subscription)
        round_ = _as_recorded(round_, subscription)
        hub = HUBS[subscription.api]
        position, new = await self._new(hub, round_)
        if position < round_.position:  # The order store was restored: what was stuck was so by other positions.
            round_ = round_.model_copy(update={"stuck": []})
        # It may have been paused, or taken off, while we waited.
        subscription = await self._subscriptions.get(round_.subscription_id)
        if subscription is None or subscription.state != SubscriptionState.ACTIVE:
            return _nothing(round_, subscription)
        listener = self._listeners.of(subscription)
        send, is_told = partial(self._listeners.send, listener), partial(self._is_told, subscription.id)
        delivery = EventDelivery(send, is_told, round_.give_up_after, done)
        known = {each.root_id for each in round_.stuck}
        fresh: dict[str, list[Placed]] = {}
        for each in await listener.wanted(new, self._outbox.set_aside):
            if each.event.root_id not in known:
                fresh.setdefault(each.event.root_id, []).append(each)
        trees = [delivery.fresh(root_id, events) for root_id, events in fresh.items()]
        if round_.retry:
            read = partial(self._held_back, listener, position)
            trees += [delivery.again(each, read) for each in round_.stuck]
        else:
            delivery.stuck += round_.stuck
        await asyncio.gather(*trees)
        held_back = {each.root_id: each.after for each in delivery.stuck}
        return Delivered(
            position=position,
            stuck=sorted(delivery.stuck, key=lambda each: (each.after, each.root_id)),
            delivered=delivery.delivered,
            given_up=delivery.given_up,
            error=delivery.error,
            gone=delivery.gone,
            backlog=await self._outbox.held_back(held_back, position, hub.events_of)
            + await self._outbox.backlog(position, hub.events_of),
        )

    async def _new(self, hub: Hub, round_: Round) -> tuple[int, list[Placed]]:
        """Return the next events behind the position; where there are none, once there are or patience is over.

        Also returns up to where all was looked at.
        """
        if not round_.look_further:
            return round_.position, []
        position, found = await self._look(hub, round_, round_.position)
        if found or (round_.stuck and round_.retry):
            return position, found
        is_there = partial(self._outbox.is_behind, position, api=hub.events_of)
        wait = self._places.wait()
        await self._outbox_poller.wait_for_events(
            position, is_there, round_.patience, lambda: activity.is_cancelled() or wait.is_over()
        )
        return await self._look(hub, round_, position)

    async def _look(self, hub: Hub, round_: Round, after: int) -> tuple[int, list[Placed]]:
        end = await self._outbox.end()
        if end < after:  # The order store was restored while this round ran.
            subscription = await self._subscriptions.get(round_.subscription_id)
            after = min(end, subscription.position if subscription else end)
        found = await self._outbox.read(after, BATCH, api=hub.events_of)
        if len(found) == BATCH:
            return found[-1].position, found
        # There are no others of this API up to where the outbox ended before it was read.
        return max([after, end, *(each.position for each in found)]), found

    async def _held_back(self, listener: Listener, upto: int, stuck: Stuck) -> tuple[list[Placed], int | None]:
        """Return the next events of a stuck order tree up to a position, and where to go on, where there are more."""
        read = await self._outbox.read(stuck.after, BATCH, api=listener.hub.events_of, root_id=stuck.root_id)
        wanted = await listener.wanted([each for each in read if each.position <= upto], self._outbox.set_aside)
        more = len(read) == BATCH and read[-1].position < upto
        return wanted, read[-1].position if more else None

    async def _is_told(self, subscription_id: str) -> bool:
        if activity.is_cancelled():
            return False
        subscription = await self._subscriptions.get(subscription_id)
        return subscription is not None and subscription.state == SubscriptionState.ACTIVE


def _nothing(round_: Round, subscription: Subscription | None) -> Delivered:
    """Return what comes of a round of a listener that is not to be told."""
    if subscription is None:
        return Delivered(position=round_.position, stuck=round_.stuck, state=SubscriptionState.ENDED)
    round_ = _as_recorded(round_, subscription)
    state, backlog = subscription.state.as_told, subscription.backlog
    return Delivered(position=round_.position, stuck=round_.stuck, state=state, backlog=backlog)


def _as_recorded(round_: Round, subscription: Subscription) -> Round:
    """Return a round that begins where the order store says, where that is before what its workflow knows.

    Each round is recorded before its workflow knows of it: so the store was restored, and gives positions anew.
    """
    if subscription.position >= needed_after(round_.position, round_.stuck):
        return round_
    _log.warning(
        "listener told again from where the order store says that it is",
        listener=subscription.id,
        position=subscription.position,
        known=round_.position,
    )
    return round_.model_copy(update={"position": subscription.position, "stuck": []})


def _excused(round_: Round) -> Round:
    """Return a round in which the time before it could begin does not count towards giving up."""
    info = activity.info()
    late = info.started_time - info.scheduled_time
    stuck = [each.model_copy(update={"since": each.since + late}) for each in round_.stuck]
    return round_.model_copy(update={"stuck": stuck})


def _done_before() -> dict[str, int]:
    """Return up to where an earlier attempt at the same round told each order tree, as far as it could still say so."""
    details = activity.info().heartbeat_details
    return dict(details[0]) if details and isinstance(details[0], dict) else {}


async def _beat(done: dict[str, int]) -> None:
    while True:
        activity.heartbeat(done)
        await asyncio.sleep(_PROOF_OF_LIFE.total_seconds())
