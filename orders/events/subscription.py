"""A listener that is registered for events at one of the hubs."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from tmf.instants import UtcDatetime
from tmf.model import Model


class SubscriptionState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    """Nothing is delivered; what comes meanwhile is delivered once it is resumed."""
    ENDED = "ended"
    """Its listener was taken off the hub."""


class Subscription(Model):
    """Who is told of which events, and how far that is."""

    id: str
    api: str
    """The hub where it was registered: a key of `orders.events.hubs.HUBS`."""
    callback: str
    query: str = ""
    secret: str = Field(repr=False)
    """Signs what is delivered."""
    client_id: str | None = None
    state: SubscriptionState = SubscriptionState.ACTIVE
    position: int = 0
    """The event up to which all was delivered, or looked at and found to be none that it asks for."""
    backlog: int = 0
    """How many events wait to be delivered, counted up to a limit and before the query is applied."""
    given_up: int = 0
    """How many events were tried for too long, and left out."""
    error: str | None = None
    """Why the last delivery failed, until one succeeds."""
    created_at: UtcDatetime
