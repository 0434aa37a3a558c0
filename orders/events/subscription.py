"""A listener that is registered for events at one of the hubs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field, computed_field

from tmf.instants import UtcDatetime
from tmf.model import Model


class SubscriptionState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    """Nothing is delivered; what comes meanwhile is delivered once it is resumed."""
    GIVEN_UP = "givenUp"
    """Nothing is delivered, as while it is paused; but what comes meanwhile is kept no longer for its sake."""
    ENDED = "ended"
    """Its listener was taken off the hub."""

    @property
    def as_told(self) -> SubscriptionState:
        """What the workflow takes it for: one that was given up is paused for it, and in the order store."""
        return SubscriptionState.PAUSED if self == SubscriptionState.GIVEN_UP else self


class OldSecret(Model):
    """A secret that signs events beside the one that has replaced it, until a time."""

    secret: str = Field(repr=False)
    until: UtcDatetime


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
    old_secrets: list[OldSecret] = Field(default_factory=list)
    """Those that sign it as well, the latest first."""
    state: SubscriptionState = SubscriptionState.ACTIVE
    state_since: UtcDatetime | None = None
    state_reason: str | None = None
    """Why it was given up."""
    missed_from: UtcDatetime | None = None
    """When the first event was that it had not had when it was given up."""
    missed_event_id: str | None = None
    failing_since: UtcDatetime | None = None
    """When the first delivery failed since one was taken."""
    failed_at: UtcDatetime | None = None
    """When the last delivery failed, where none was taken since."""
    position: int = 0
    """The event up to which all was delivered, or looked at and found to be none that it asks for."""
    backlog: int = 0
    """How many events wait to be delivered, counted up to a limit and before the query is applied."""
    given_up: int = 0
    """How many events were tried for too long, and left out."""
    error: str | None = None
    """Why the last delivery failed, until one succeeds."""
    created_at: UtcDatetime

    @computed_field  # type: ignore[prop-decorator]
    @property
    def old_secrets_until(self) -> UtcDatetime | None:
        """Until when one of its old secrets signs."""
        return max((each.until for each in self.old_secrets), default=None)

    def old_secrets_at(self, now: datetime) -> list[str]:
        """Return the secrets that sign an event at a time, beside the present one."""
        return [each.secret for each in self.old_secrets if each.until > now]
