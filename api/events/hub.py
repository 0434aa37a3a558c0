"""The hubs: where listeners register for events. One set of routes for each API that has events.

Beside what TM Forum's hubs have, a listener can be read, paused, resumed, and told everything again from a time on.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from api.caller import client_of
from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import (
    TAGS,
    body_of,
    errors,
    fields_parameter,
    insisting_on,
    list_parameters,
    list_responses,
)
from api.engine import WorkflowEndedError
from api.events.event_forms import check_event_query
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_as, read_json
from api.http.errors import AlreadyThereError, InvalidRequestError, NotFoundError, UnavailableError
from api.reads import list_answer
from application.networks import ForbiddenAddressError, check_callback
from orders.events.hubs import HUBS, Hub
from orders.events.subscription import Subscription, SubscriptionState
from orders.intake import order_id_from
from orders.lifecycle.states import OrderKind
from tmf.instants import UtcDatetime
from tmf.model import Resource
from tmf.query.query import QueryError, parse_list_query
from tmf.signatures import key_of, new_secret
from workflows.contracts.ids import subscription_workflow
from workflows.event_subscription import Replay

_EXAMPLE = {
    "callback": "https://crm.example.com/ordersaga",
    "query": "eventType=ProductOrderStateChangeEvent&event.productOrder.state=completed",
}


@dataclass(frozen=True, slots=True)
class _Command:
    """What a listener can be asked to be."""

    name: str
    state: SubscriptionState
    summary: str
    description: str


_COMMANDS = (
    _Command(
        "pause",
        SubscriptionState.PAUSED,
        "Stop telling a listener for now",
        "What comes meanwhile is kept, and delivered once it is resumed.",
    ),
    _Command(
        "resume",
        SubscriptionState.ACTIVE,
        "Go on telling a listener",
        "After `pause`; after a failed delivery it is tried again at once.",
    ),
)

SubscriptionId = Annotated[str, Path(alias="id")]


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


class EventSubscription(Resource):
    """A registered listener."""

    id: str
    callback: str
    query: str | None = None
    href: str
    state: SubscriptionState = Field(description="Whether events are delivered, or kept until it is resumed.")
    backlog: int = Field(description="Events that wait for it, before its query is applied.")
    given_up: int = Field(description="Events that were tried for too long, and left out.")
    error: str | None = Field(default=None, description="Why the last delivery failed, until one succeeds.")
    created_at: UtcDatetime
    secret: str | None = Field(
        default=None, description="Given once, when it was registered: events are signed with it (Standard Webhooks)."
    )


class ListedSubscription(EventSubscription):
    """A registered listener in a list; one that `fields` cuts down has `id` and `href`."""

    model_config = insisting_on("id", "href")


class ReplayRequest(Resource):
    """From when on to deliver everything again."""

    from_: UtcDatetime = Field(alias="from")


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
        subscription = await _registered(gateway, hub, body, client_of(request))
        document = _document(gateway, subscription) | {"secret": subscription.secret}
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
        return list_answer([_linked(gateway, hub, each) for each in page.documents], page.total)

    @routes.get(
        "/{id}",
        summary="Retrieve a registered listener",
        operation_id="retrieveListener",
        responses={200: {"model": EventSubscription}, **errors(404, 503)},
    )
    async def retrieve(gateway: GatewayDep, subscription_id: SubscriptionId) -> JsonAnswer:
        return JsonAnswer(_document(gateway, await _stored(gateway, hub, subscription_id)))

    @routes.delete(
        "/{id}",
        status_code=204,
        summary="Take a listener off",
        operation_id="unregisterListener",
        description="Nothing is sent to it any more, not even what waits.",
        responses=errors(404, 503),
    )
    async def unregister(gateway: GatewayDep, subscription_id: SubscriptionId) -> Response:
        await _stored(gateway, hub, subscription_id)
        await gateway.subscriptions.end(subscription_id)
        await gateway.listener_starter.stop(subscription_id)
        return Response(status_code=204)

    for command in _COMMANDS:
        _add_command(routes, hub, command)

    @routes.post(
        "/{id}/replay",
        summary="Tell a listener everything again from a time on",
        operation_id="replayListener",
        description="Events keep their ids, so that a listener can tell what it has had. How long they are kept is a "
        "setting of the gateway.",
        responses={200: {"model": EventSubscription}, **errors(400, 404, 409, 413, 415, 503)},
        openapi_extra=body_of(ReplayRequest, {"from": "2026-11-25T00:00:00.000Z"}),
    )
    async def replay(request: Request, gateway: GatewayDep, subscription_id: SubscriptionId) -> JsonAnswer:
        wanted = read_as(ReplayRequest, await read_json(request, SMALL_BODY))
        await _stored(gateway, hub, subscription_id)
        command = Replay(at=wanted.from_, by=client_of(request))
        try:
            await gateway.engine.request(subscription_workflow(subscription_id), "replay", command)
        except WorkflowEndedError as error:
            said = "is not being told just now: its workflow is started within a minute; try again then"
            raise UnavailableError(f"listener {subscription_id!r} {said}") from error
        return JsonAnswer(_document(gateway, await _stored(gateway, hub, subscription_id)))

    return routes


def _add_command(routes: APIRouter, hub: Hub, command: _Command) -> None:
    @routes.post(
        f"/{{id}}/{command.name}",
        summary=command.summary,
        operation_id=f"{command.name}Listener",
        description=command.description,
        responses={200: {"model": EventSubscription}, **errors(404, 503)},
    )
    async def become(gateway: GatewayDep, subscription_id: SubscriptionId) -> JsonAnswer:
        return JsonAnswer(_document(gateway, await _become(gateway, hub, subscription_id, command.state)))


async def _registered(gateway: Gateway, hub: Hub, wanted: EventSubscriptionInput, client: str) -> Subscription:
    """Keep a new listener, and start to tell it.

    Raises:
        InvalidRequestError: naming the attribute that makes no sense.
        AlreadyThereError: when the same one is registered already.
    """
    await _check(gateway, hub, wanted)
    subscription = Subscription(
        id=order_id_from(secrets.token_bytes(10)),
        api=hub.key,
        callback=wanted.callback,
        query=wanted.query or "",
        secret=wanted.secret or new_secret(),
        client_id=client,
        position=await gateway.outbox.end(),
        created_at=datetime.now(UTC),
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


async def _stored(gateway: Gateway, hub: Hub, subscription_id: str) -> Subscription:
    found = await gateway.subscriptions.get(subscription_id)
    if found is None or found.api != hub.key:
        raise NotFoundError(f"there is no listener {subscription_id!r}")
    return found


async def _become(gateway: Gateway, hub: Hub, subscription_id: str, state: SubscriptionState) -> Subscription:
    """Keep what a listener is to be, and pass it on: to the workflow now or by the sweep, to a delivery by the row."""
    stored = await _stored(gateway, hub, subscription_id)
    await gateway.subscriptions.become(subscription_id, state)
    subscription = stored.model_copy(update={"state": state})
    await gateway.listener_starter.start(subscription)
    return subscription


def _document(gateway: Gateway, subscription: Subscription) -> dict[str, Any]:
    shown = subscription.model_dump(mode="json", include=_SHOWN, exclude_none=True)
    return _linked(gateway, HUBS[subscription.api], shown)


def _linked(gateway: Gateway, hub: Hub, shown: dict[str, Any]) -> dict[str, Any]:
    """Return a listener with its address, and its type where its hub's API says one."""
    linked = {**shown, "href": f"{gateway.base_url}{hub.path}/{shown['id']}"}
    return {**linked, "@type": hub.listener_type} if hub.listener_type else linked


_SHOWN = {"id", "callback", "query", "state", "backlog", "given_up", "error", "created_at"}


router = APIRouter()
for _kind in OrderKind:
    router.include_router(hub_routes(HUBS[_kind.value], TAGS[_kind]))
