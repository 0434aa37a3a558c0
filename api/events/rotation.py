"""Renewing the secret that signs a listener's events, without an event that the listener cannot verify."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from pydantic import Field

from api.dependencies import GatewayDep
from api.documents.documentation import body_of, errors
from api.events.commands import SubscriptionId
from api.events.registered import EventSubscription, document_of, registered
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_as, read_optional_json
from api.http.errors import InvalidRequestError, NotAllowedError
from orders.events.hubs import Hub
from orders.events.subscription import OldSecret, Subscription
from tmf.model import StrictModel
from tmf.signatures import key_of, new_secret

_MOST_OLD = 4
"""Old secrets that sign beside the present one: each makes the signatures longer."""
_EXAMPLE = {"overlap": "P1D"}


class RotationRequest(StrictModel):
    """How to renew a secret."""

    secret: str | None = Field(
        default=None, description="The new one: `whsec_` and base64. One is made where it is left out."
    )
    overlap: timedelta = Field(
        default=timedelta(days=1),
        ge=timedelta(0),
        le=timedelta(days=30),
        description="How long events are signed with the old one as well.",
    )


def add_rotation(routes: APIRouter, hub: Hub) -> None:
    """Add the routes that renew the secrets of a hub's listeners."""

    @routes.post(
        "/{id}/rotate",
        summary="Renew the secret that signs a listener's events",
        operation_id="rotateSecretOfListener",
        description="During the overlap each event has a signature by each secret, as the Standard Webhooks scheme "
        "allows, so that the listener can change over in peace. The body may be left out.",
        responses={
            200: {"model": EventSubscription, "description": "The listener, with the new secret: not given again."},
            **errors(400, 404, 409, 413, 415, 503),
        },
        openapi_extra=body_of(RotationRequest, _EXAMPLE, required=False),
    )
    async def rotate(request: Request, gateway: GatewayDep, subscription_id: SubscriptionId) -> JsonAnswer:
        wanted = read_as(RotationRequest, await read_optional_json(request, SMALL_BODY))
        before = await registered(gateway, hub, subscription_id)
        after = _renewed(before, wanted, datetime.now(UTC))
        if not await gateway.subscriptions.keep_secrets(before, after):
            raise NotAllowedError(f"the secret of listener {subscription_id!r} was renewed at the same time")
        return JsonAnswer(document_of(gateway, after) | {"secret": after.secret})

    @routes.post(
        "/{id}/endRotation",
        summary="Sign a listener's events with its present secret alone",
        operation_id="endRotationOfListener",
        description="Ends the overlap after `rotate` before its time. Where there is none, nothing changes.",
        responses={200: {"model": EventSubscription}, **errors(404, 409, 503)},
    )
    async def end_rotation(gateway: GatewayDep, subscription_id: SubscriptionId) -> JsonAnswer:
        before = await registered(gateway, hub, subscription_id)
        after = before.model_copy(update={"old_secrets": []})
        if not await gateway.subscriptions.keep_secrets(before, after):
            raise NotAllowedError(f"the secret of listener {subscription_id!r} was renewed at the same time")
        return JsonAnswer(document_of(gateway, after))


def _renewed(before: Subscription, wanted: RotationRequest, now: datetime) -> Subscription:
    """Return a listener with a new secret.

    Raises:
        InvalidRequestError: when the one that is given is none.
        NotAllowedError: when too many still sign its events.
    """
    try:
        if wanted.secret is not None:
            key_of(wanted.secret)
    except ValueError as error:
        raise InvalidRequestError(f"secret: {error}") from error
    if wanted.secret == before.secret:
        return before
    secret = wanted.secret or new_secret()
    kept = [each for each in before.old_secrets if each.until > now and each.secret != secret]
    if len(kept) >= _MOST_OLD:
        said = f"{_MOST_OLD} old secrets still sign its events; end the rotation first"
        raise NotAllowedError(f"listener {before.id!r}: {said}")
    old = [OldSecret(secret=before.secret, until=now + wanted.overlap)] if wanted.overlap else []
    return before.model_copy(update={"secret": secret, "old_secrets": [*old, *kept]})
