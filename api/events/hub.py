"""The hubs: where listeners register for events. One set of routes for each API that has events.

Beside what TM Forum's hubs have, a listener can be read, paused, resumed, told again what it was told before, and given
a new secret.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.caller import client_of
from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import (
    TAGS,
    body_of,
    errors,
    fields_parameter,
    list_parameters,
    list_responses,
)
from api.events.commands import SubscriptionId, add_commands
from api.events.event_forms import check_event_query
from api.events.registered import EventSubscription, ListedSubscription, document_of, linked, registered
from api.events.rotation import add_rotation
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_as, read_json
from api.http.errors import AlreadyThereError, InvalidRequestError
from api.reads import list_answer
from application.networks import ForbiddenAddressError, check_callback
from orders.events.hubs import HUBS, Hub
from orders.events.subscription import Subscription
from orders.intake import order_id_from
from orders.lifecycle.states import OrderKind
from tmf.model import Resource
from tmf.query.query import QueryError, parse_list_query
from tmf.signatures import key_of, new_secret

_EXAMPLE = {
    "callback": "https://crm.example.com/ordersaga",
    "query": "eventType=ProductOrderStateChangeEvent&event.productOrder.state=completed",
}


class EventSubscriptionInput(Resource):
    """A listener that is to be told of events."""

    callback: str = Field(
        min_length=1,
        max_length=2000,
        description="An http(s) address; each event is sent by POST to `listener/…` below it.",
    )
    query: str | None = Field(
        default=None,
        max_length=2000,
        description="Which events: filters on the event as it is sent, such as `eventType=…`, joined by `&`, and "
        "`fields` for which attributes of the resource to send. All events where it is left out.",
    )
    secret: str | None = Field(
        default=None, description="Signs the events: `whsec_` and base64. One is made where it is left out."
    )


def hub_routes(hub: Hub, tag: str, example: dict[str, Any] = _EXAMPLE) -> APIRouter:
    """Return the routes of one API's hub."""
    routes = APIRouter(prefix=hub.path, tags=[tag])

    @routes.post(
        "",
        status_code=201,
        summary="Register a listener",
        operation_id="registerListener",
        description="From now on events are sent to the listener: in order within each order tree, at least "
        "once, each with an `eventId` that stays the same, signed by the Standard Webhooks scheme. What it does not "
        "take is tried again for days.",
        responses={
            201: {
                "model": EventSubscription,
                "description": "The listener, with the secret that signs its events: it is not given again.",
                "headers": {"Location": {"description": "Its `href`.", "schema": {"type": "string"}}},
            },
            **errors(400, 409, 413, 415, 503),
        },
        openapi_extra=body_of(EventSubscriptionInput, example),
    )
    async def register(request: Request, gateway: GatewayDep) -> JsonAnswer:
        body = read_as(EventSubscriptionInput, await read_json(request, SMALL_BODY))
        subscription = await _register(gateway, hub, body, client_of(request))
        document = document_of(gateway, subscription) | {"secret": subscription.secret}
        return JsonAnswer(document, status_code=201, headers={"Location": document["href"]})

    @routes.get(
        "",
        summary="List the registered listeners",
        operation_id="listListener",
        responses=list_responses(ListedSubscription),
        openapi_extra=list_parameters("state,-id", fields_parameter("callback,state")),
    )
    async def find(request: Request, gateway: GatewayDep) -> JsonAnswer:
        query = parse_list_query(request.query_params.multi_items(), model=EventSubscription)
        page = await gateway.subscriptions.find(hub.key, query)
        return list_answer([linked(gateway, hub, each) for each in page.documents], page.total)

    @routes.get(
        "/{id}",
        summary="Retrieve a registered listener",
        operation_id="retrieveListener",
        responses={200: {"model": EventSubscription}, **errors(404, 503)},
    )
    async def retrieve(gateway: GatewayDep, subscription_id: SubscriptionId) -> JsonAnswer:
        return JsonAnswer(document_of(gateway, await registered(gateway, hub, subscription_id)))

    @routes.delete(
        "/{id}",
        status_code=204,
        summary="Take a listener off",
        operation_id="unregisterListener",
        description="Nothing is sent to it any more, not even what waits.",
        responses=errors(404, 503),
    )
    async def unregister(gateway: GatewayDep, subscription_id: SubscriptionId) -> Response:
        await registered(gateway, hub, subscription_id)
        await gateway.subscriptions.end(subscription_id)
        await gateway.listener_starter.stop(subscription_id)
        return Response(status_code=204)

    add_commands(routes, hub)
    add_rotation(routes, hub)
    return routes


async def _register(gateway: Gateway, hub: Hub, wanted: EventSubscriptionInput, client: str) -> Subscription:
    """Keep a new listener, and start to tell it.

    Raises:
        InvalidRequestError: naming the attribute that makes no sense.
        AlreadyThereError: when the same one is registered already.
    """
    await _check(gateway, hub, wanted)
    now = datetime.now(UTC)
    subscription = Subscription(
        id=order_id_from(secrets.token_bytes(10)),
        api=hub.key,
        callback=wanted.callback,
        query=wanted.query or "",
        secret=wanted.secret or new_secret(),
        client_id=client,
        position=await gateway.outbox.end(),
        state_since=now,
        created_at=now,
    )
    if not await gateway.subscriptions.add(subscription):
        raise AlreadyThereError(f"callback {wanted.callback!r} is registered here already, with the same query")
    await gateway.listener_starter.start(subscription)
    return subscription


async def _check(gateway: Gateway, hub: Hub, wanted: EventSubscriptionInput) -> None:
    try:
        await check_callback(wanted.callback, gateway.forbidden_networks)
    except ForbiddenAddressError as error:
        raise InvalidRequestError(f"callback: {error}") from error
    try:
        if wanted.secret is not None:
            key_of(wanted.secret)
    except ValueError as error:
        raise InvalidRequestError(f"secret: {error}") from error
    try:
        check_event_query(hub, wanted.query or "")
    except QueryError as error:
        raise InvalidRequestError(f"query: {error}") from error


router = APIRouter()
for _kind in OrderKind:
    router.include_router(hub_routes(HUBS[_kind.value], TAGS[_kind]))
