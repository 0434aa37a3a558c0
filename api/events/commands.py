"""What can be asked of a registered listener: to be paused, to go on, and what it is to be told again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from api.caller import client_of
from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import body_of, errors
from api.engine import WorkflowEndedError
from api.events.registered import EventSubscription, document_of, registered
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_as, read_json, read_optional_json
from api.http.errors import NotAllowedError, NotFoundError, UnavailableError
from application.listeners import listener_of, why_not_told
from orders.events.hubs import Hub
from orders.events.subscription import SubscriptionState
from tmf.instants import UtcDatetime
from tmf.model import Resource, StrictModel
from workflows.contracts.ids import subscription_workflow
from workflows.contracts.subscriptions import Redeliver, Replay, Skip

SubscriptionId = Annotated[str, Path(alias="id")]


class ResumeRequest(StrictModel):
    """From where a listener goes on."""

    from_now: bool = Field(
        default=False, description="Whether to leave out what waits, and send only what comes from now on."
    )


class ReplayRequest(Resource):
    """From when on to deliver everything again."""

    from_: UtcDatetime = Field(alias="from")


class RedeliveryRequest(StrictModel):
    """Which event to deliver again."""

    event_id: str = Field(min_length=1, max_length=200, description="Its `eventId`, which is its `webhook-id` too.")


def add_commands(routes: APIRouter, hub: Hub) -> None:
    """Add the routes of what can be asked of a hub's listeners."""

    @routes.post(
        "/{id}/pause",
        summary="Stop telling a listener for now",
        operation_id="pauseListener",
        description="What comes meanwhile is kept, and delivered once it is resumed; but not for ever: then it is "
        "`givenUp`.",
        responses={200: {"model": EventSubscription}, **errors(404, 503)},
    )
    async def pause(gateway: GatewayDep, subscription_id: SubscriptionId) -> JsonAnswer:
        await registered(gateway, hub, subscription_id)
        return await _become(gateway, hub, subscription_id, SubscriptionState.PAUSED)

    @routes.post(
        "/{id}/resume",
        summary="Go on telling a listener",
        operation_id="resumeListener",
        description="After `pause`, or when it was given up: with all that is still kept, or with `fromNow` only with "
        "what comes. After a failed delivery it is tried again at once. The body may be left out.",
        responses={200: {"model": EventSubscription}, **errors(400, 404, 409, 413, 415, 503)},
        openapi_extra=body_of(ResumeRequest, {"fromNow": True}, required=False),
    )
    async def resume(request: Request, gateway: GatewayDep, subscription_id: SubscriptionId) -> JsonAnswer:
        wanted = read_as(ResumeRequest, await read_optional_json(request, SMALL_BODY))
        await registered(gateway, hub, subscription_id)
        if wanted.from_now:
            skip = Skip(to=await gateway.outbox.end(), by=client_of(request))
            await _ask(gateway, subscription_id, "skip", skip)
        return await _become(gateway, hub, subscription_id, SubscriptionState.ACTIVE)

    @routes.post(
        "/{id}/replay",
        summary="Tell a listener everything again from a time on",
        operation_id="replayListener",
        description="Events keep their ids, so that a listener can tell what it has had. How long they are kept is a "
        "setting of the gateway. It begins five minutes before the time, since clocks differ.",
        responses={200: {"model": EventSubscription}, **errors(400, 404, 409, 413, 415, 503)},
        openapi_extra=body_of(ReplayRequest, {"from": "2026-11-25T00:00:00.000Z"}),
    )
    async def replay(request: Request, gateway: GatewayDep, subscription_id: SubscriptionId) -> JsonAnswer:
        wanted = read_as(ReplayRequest, await read_json(request, SMALL_BODY))
        await registered(gateway, hub, subscription_id)
        await _ask(gateway, subscription_id, "replay", Replay(at=wanted.from_, by=client_of(request)))
        return JsonAnswer(document_of(gateway, await registered(gateway, hub, subscription_id)))

    @routes.post(
        "/{id}/redeliver",
        summary="Tell a listener one event again",
        operation_id="redeliverToListener",
        description="At once, beside all else that it is told, and with the same `eventId`. The answer comes when the "
        "listener has taken it; 409 says why it has not.",
        responses={200: {"model": EventSubscription}, **errors(400, 404, 409, 413, 415, 503)},
        openapi_extra=body_of(RedeliveryRequest, {"eventId": "6c1f0a52-3a55-5c0a-9f0e-0d5a0f3b7c11"}),
    )
    async def redeliver(request: Request, gateway: GatewayDep, subscription_id: SubscriptionId) -> JsonAnswer:
        wanted = read_as(RedeliveryRequest, await read_json(request, SMALL_BODY))
        subscription = await registered(gateway, hub, subscription_id)
        placed = await gateway.outbox.find(wanted.event_id)
        if placed is None:
            raise NotFoundError(f"there is no event {wanted.event_id!r}, or it is not kept any more")
        if why := await why_not_told(listener_of(subscription, gateway.base_url), placed):
            raise NotAllowedError(why)
        await _ask(gateway, subscription_id, "redeliver", Redeliver(event_id=wanted.event_id, by=client_of(request)))
        return JsonAnswer(document_of(gateway, await registered(gateway, hub, subscription_id)))


async def _become(gateway: Gateway, hub: Hub, subscription_id: str, state: SubscriptionState) -> JsonAnswer:
    """Keep what a listener is to be, and pass it on: to the workflow now or by the sweep, to a delivery by the row."""
    await gateway.subscriptions.become(subscription_id, state)
    subscription = await registered(gateway, hub, subscription_id)
    await gateway.listener_starter.start(subscription)
    return JsonAnswer(document_of(gateway, subscription))


async def _ask(gateway: Gateway, subscription_id: str, name: str, command: BaseModel) -> None:
    try:
        await gateway.engine.request(subscription_workflow(subscription_id), name, command)
    except WorkflowEndedError as error:
        said = "is not being told just now: its workflow is started within a minute; try again then"
        raise UnavailableError(f"listener {subscription_id!r} {said}") from error
