"""Registered listeners as the hubs show them, and how they are found."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.dependencies import Gateway
from api.documents.documentation import insisting_on
from api.http.errors import NotFoundError
from orders.events.hubs import HUBS, Hub
from orders.events.subscription import Subscription, SubscriptionState
from tmf.instants import UtcDatetime
from tmf.model import Resource

_SHOWN = {
    *("id", "callback", "query", "state", "state_since", "state_reason", "missed_from", "missed_event_id"),
    *("backlog", "given_up", "error", "old_secrets_until", "created_at"),
}


class EventSubscription(Resource):
    """A registered listener."""

    id: str
    callback: str
    query: str | None = None
    href: str
    state: SubscriptionState = Field(
        description="Whether events are delivered, or kept until it is resumed, or kept for it no longer (`givenUp`)."
    )
    state_since: UtcDatetime | None = Field(default=None, description="Since when it is in that state.")
    state_reason: str | None = Field(default=None, description="Why it was given up.")
    missed_from: UtcDatetime | None = Field(
        default=None,
        description="When it was given up: the time of the first event that it has not had. `resume` sends what is "
        "still kept from there on.",
    )
    missed_event_id: str | None = Field(default=None, description="The `eventId` of that event.")
    backlog: int = Field(description="Events that wait for it, before its query is applied.")
    given_up: int = Field(description="Events that were tried for too long, and left out.")
    error: str | None = Field(default=None, description="Why the last delivery failed, until one succeeds.")
    old_secrets_until: UtcDatetime | None = Field(
        default=None, description="Until when events are signed with a secret, too, that was renewed."
    )
    created_at: UtcDatetime
    secret: str | None = Field(
        default=None,
        description="Given once, when it was registered or its secret renewed: events are signed with it (Standard "
        "Webhooks).",
    )


class ListedSubscription(EventSubscription):
    """A registered listener in a list; one that `fields` cuts down has `id` and `href`."""

    model_config = insisting_on("id", "href")


async def registered(gateway: Gateway, hub: Hub, subscription_id: str) -> Subscription:
    """Return a listener of a hub.

    Raises:
        NotFoundError: when there is none.
    """
    found = await gateway.subscriptions.get(subscription_id)
    if found is None or found.api != hub.key:
        raise NotFoundError(f"there is no listener {subscription_id!r}")
    return found


def document_of(gateway: Gateway, subscription: Subscription) -> dict[str, Any]:
    """Return a listener as its hub shows it, without its secret."""
    shown = subscription.model_dump(mode="json", include=_SHOWN, exclude_none=True)
    return linked(gateway, HUBS[subscription.api], shown)


def linked(gateway: Gateway, hub: Hub, shown: dict[str, Any]) -> dict[str, Any]:
    """Return a listener with its address, and its type where its hub's API says one."""
    document = {**shown, "href": f"{gateway.base_url}{hub.path}/{shown['id']}"}
    return {**document, "@type": hub.listener_type} if hub.listener_type else document
