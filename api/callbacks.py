"""Where downstream systems tell how an accepted activation ended (TMF640 and TMF702 state change events).

The correlation id of an event is the idempotency key of the request that it answers, and that starts with the id of the
workflow that waits for it. An event that nobody waits for, such as a repeat or a word after the end, is done with: it
is taken, so that the sender does not try again.
"""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.bodies import read_as, read_json
from api.documentation import body_of, errors
from api.engine import SYSTEM_EVENT_SIGNAL, EngineRefusedError, EngineUnavailableError
from api.errors import InvalidRequestError, UnavailableError
from api.gateway import Gateway, GatewayDep
from api.schemas.common import Characteristic
from orders.model import Resource
from workflows import ids
from workflows.messages import SystemEvent

SERVICE_BASE = "/tmf-api/ServiceActivationAndConfiguration/v4"
RESOURCE_BASE = "/tmf-api/resourceActivationAndConfiguration/v4"

_log = structlog.get_logger(__name__)


class EventSubject(Resource):
    """The service or resource whose state has changed, as far as it is read here."""

    id: str | None = None
    state: str | None = None
    service_characteristic: list[Characteristic] | None = None
    resource_characteristic: list[Characteristic] | None = None


class EventError(Resource):
    code: str | None = None
    reason: str | None = None
    message: str | None = None

    def __str__(self) -> str:
        return ": ".join(part for part in (self.code, self.reason or self.message) if part) or "no reason given"


class EventPayload(Resource):
    service: EventSubject | None = None
    resource: EventSubject | None = None
    error: EventError | None = None


class StateChangeEvent(Resource):
    """A TMF640 ServiceStateChangeEvent or TMF702 ResourceStateChangeEvent; with `event.error` where it failed."""

    event_id: str | None = None
    event_time: str | None = None
    event_type: str | None = None
    correlation_id: str = Field(min_length=1, description="The Idempotency-Key of the request that this answers.")
    event: EventPayload


router = APIRouter()

_EXAMPLE = {
    "eventId": "e-1",
    "eventTime": "2026-11-23T09:30:00.000Z",
    "eventType": "ServiceStateChangeEvent",
    "correlationId": "po:7f3k2a9dqe:so:1.internet/service/activate",
    "event": {"service": {"id": "svc-17", "state": "active"}},
}


@router.post(
    f"{SERVICE_BASE}/listener/serviceStateChangeEvent",
    status_code=204,
    tags=["TMF640 Service Activation: callbacks"],
    operation_id="listenToServiceStateChangeEvent",
    summary="A service that was being activated has changed its state",
    responses=errors(400, 413, 415, 503),
    openapi_extra=body_of(StateChangeEvent, _EXAMPLE),
)
async def service_state_change(request: Request, gateway: GatewayDep) -> Response:
    return await _pass_on(request, gateway, "service")


@router.post(
    f"{RESOURCE_BASE}/listener/resourceStateChangeEvent",
    status_code=204,
    tags=["TMF702 Resource Activation: callbacks"],
    operation_id="listenToResourceStateChangeEvent",
    summary="A resource that was being configured has changed its state",
    responses=errors(400, 413, 415, 503),
    openapi_extra=body_of(
        StateChangeEvent,
        {**_EXAMPLE, "eventType": "ResourceStateChangeEvent", "event": {"resource": {"id": "r-9", "state": "active"}}},
    ),
)
async def resource_state_change(request: Request, gateway: GatewayDep) -> Response:
    return await _pass_on(request, gateway, "resource")


async def _pass_on(request: Request, gateway: Gateway, subject: str) -> Response:
    event = read_as(StateChangeEvent, await read_json(request, gateway.body_limit))
    if getattr(event.event, subject) is None:
        raise InvalidRequestError(f"event.{subject}: Field required")
    workflow_id = event.correlation_id.partition("/")[0]
    log = _log.bind(correlation_id=event.correlation_id)
    try:
        ids.parse(workflow_id)
    except ValueError:
        log.info("event of somebody else's request dropped")
        return Response(status_code=204)
    try:
        taken = await gateway.engine.signal(workflow_id, SYSTEM_EVENT_SIGNAL, _told(event))
    except (EngineUnavailableError, EngineRefusedError) as error:
        log.warning("event not passed on", reason=str(error))
        raise UnavailableError("the event cannot be passed on now; send it again") from error
    log.info("event passed on" if taken else "event dropped: no workflow waits for it")
    return Response(status_code=204)


def _told(event: StateChangeEvent) -> SystemEvent:
    payload = event.event
    return SystemEvent(
        correlation_id=event.correlation_id,
        succeeded=payload.error is None,
        message=str(payload.error) if payload.error else "",
        characteristics=_characteristics(payload.service) | _characteristics(payload.resource),
    )


def _characteristics(subject: EventSubject | None) -> dict[str, Any]:
    if subject is None:
        return {}
    named = [*(subject.service_characteristic or []), *(subject.resource_characteristic or [])]
    return {each.name: each.value for each in named}
