"""What the workflow of a listener is given, is told, and answers."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from application.event_delivery import GivenUp, Stuck
from orders.events.subscription import SubscriptionState
from tmf.instants import UtcDatetime
from tmf.model import Model


class DeliveryPolicy(Model):
    """How patient the delivery is."""

    first_pause: timedelta = timedelta(seconds=1)
    longest_pause: timedelta = timedelta(minutes=10)
    give_up_after: timedelta = timedelta(days=3)
    """How long one event is tried; then it is given up, and those behind it go on."""
    idle: timedelta = timedelta(minutes=5)
    """How long one round waits for an event."""


class SubscriptionInput(Model):
    """Which listener, and where an earlier run of the same delivery has come to."""

    subscription_id: str
    callback: str
    query: str = ""
    position: int
    state: SubscriptionState = SubscriptionState.ACTIVE
    policy: DeliveryPolicy = Field(default_factory=DeliveryPolicy)
    stuck: list[Stuck] = Field(default_factory=list)
    failures: int = 0
    delivered: int = 0
    given_up: int = 0
    last_given_up: list[GivenUp] = Field(default_factory=list)
    error: str | None = None
    next_try: UtcDatetime | None = None
    replay_from: UtcDatetime | None = None
    skip_to: int | None = None


class Replay(Model):
    """Deliver everything again from a time on."""

    at: UtcDatetime = Field(alias="from")
    by: str | None = None


class Skip(Model):
    """Leave out what waits, up to a position."""

    to: int
    by: str | None = None


class Redeliver(Model):
    """Deliver one event again."""

    event_id: str
    by: str | None = None


class SubscriptionView(Model):
    """The answer to the query `subscription`."""

    id: str
    callback: str
    state: SubscriptionState
    position: int
    backlog: int
    stuck: int
    """Order trees of which an event has failed, and is tried again."""
    delivered: int
    given_up: int
    """How many events were tried for too long, and left out."""
    last_given_up: list[GivenUp]
    error: str | None
    next_try: UtcDatetime | None
