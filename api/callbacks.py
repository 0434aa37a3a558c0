"""Callbacks: systems tell how an accepted activation ended (TMF640 and TMF702 state change events).

An event must be signed with the secret that the gateway has given when it registered, or bear it: whoever else could
tell orders that something is done which is not. The correlation id of an event is the idempotency key of the request
that it answers, and that starts with the id of the workflow that waits for it. An event that nobody waits for, such as
a repeat or a word after the end, is done with: it is taken, so that the sender does not try again. One that Temporal
refuses for good is refused with 409 or 413, for the same reason. One that says that an active service has failed, and
for which no order waits, is kept, and seen to by an order (`api/sweeps/assurance.py`).
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.caller import is_same_secret
from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import body_of, errors
from api.engine import SYSTEM_EVENT_SIGNAL, EngineUnavailableError
from api.http.bodies import parsed, read_as, read_raw
from api.http.errors import InvalidRequestError, UnauthorizedError, UnavailableError
from api.schemas.common import Characteristic
from application.answers import has_failed
from orders.lifecycle.states import OrderKind
from store.failures import Failure
from tmf.model import Resource
from tmf.paths import TMF640, TMF702
from tmf.signatures import TOLERANCE, SignatureError, verify
from tmf.words import span
from workflows.contracts import ids
from workflows.contracts.payloads import SystemEvent

_log = structlog.get_logger(__name__)


_OPERATIONAL = {"enable": "active", "disable": "inactive"}
"""The state of a service that a resource's operational state comes to: TMF702 has no other."""
_EVENT_ID = re.compile(r"[\x21-\x7e]{1,200}")
_LONGEST_REASON = 500


class EventSubject(Resource):
    """The service or resource whose state has changed, as far as it is read here."""

    id: str | None = None
    state: str | None = None
    operational_state: str | None = None
    operating_status: str | None = None
    has_started: bool | None = None
    is_service_enabled: bool | None = None
    service_characteristic: list[Characteristic] | None = None
    resource_characteristic: list[Characteristic] | None = None

    def standing(self) -> str:
        """Return its state in the words of a service; empty where none is named."""
        return self.state or _OPERATIONAL.get(self.operational_state or "", "")

    def has_failed(self) -> bool:
        """Return whether its state itself is that it has failed, which ends what it was asked to become."""
        return has_failed(self.state, self.operating_status, None, None)

    def is_down(self) -> bool:
        """Return whether a service that had been started has failed by itself."""
        return has_failed(self.state, self.operating_status, self.has_started, self.is_service_enabled)


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
    correlation_id: str | None = Field(
        default=None,
        min_length=1,
        description="The Idempotency-Key of the request that this answers; none where the state changed by itself.",
    )
    event: EventPayload


router = APIRouter()

_EXAMPLE = {
    "eventId": "e-1",
    "eventTime": "2026-11-23T09:30:00.000Z",
    "eventType": "ServiceStateChangeEvent",
    "correlationId": "po:7f3k2a9dqe:so:1.internet/service/activate",
    "event": {"service": {"id": "svc-17", "state": "active"}},
}


_SIGNED = {
    "parameters": [
        {"name": name, "in": "header", "description": what, "schema": {"type": "string"}}
        for name, what in {
            "webhook-id": "The event's id; of the Standard Webhooks scheme, as the two below.",
            "webhook-timestamp": f"When it was sent, in seconds since 1970; within {span(TOLERANCE)} of now.",
            "webhook-signature": "`v1,` and the signature in base64. Or `Authorization` bears the secret.",
        }.items()
    ]
}


@router.post(
    f"{TMF640}/listener/serviceStateChangeEvent",
    status_code=204,
    tags=["TMF640 Service Activation: callbacks"],
    operation_id="listenToServiceStateChangeEvent",
    summary="A service that was being activated has changed its state",
    responses=errors(400, 401, 409, 413, 415, 503),
    openapi_extra={**body_of(StateChangeEvent, _EXAMPLE), **_SIGNED},
)
async def service_state_change(request: Request, gateway: GatewayDep) -> Response:
    return await _pass_on(request, gateway, "service", OrderKind.SERVICE)


@router.post(
    f"{TMF702}/listener/resourceStateChangeEvent",
    status_code=204,
    tags=["TMF702 Resource Activation: callbacks"],
    operation_id="listenToResourceStateChangeEvent",
    summary="A resource that was being configured has changed its state",
    responses=errors(400, 401, 409, 413, 415, 503),
    openapi_extra={
        **body_of(
            StateChangeEvent,
            _EXAMPLE
            | {"eventType": "ResourceStateChangeEvent", "event": {"resource": {"id": "r-9", "state": "active"}}},
        ),
        **_SIGNED,
    },
)
async def resource_state_change(request: Request, gateway: GatewayDep) -> Response:
    return await _pass_on(request, gateway, "resource", OrderKind.RESOURCE)


async def _pass_on(request: Request, gateway: Gateway, noun: str, kind: OrderKind) -> Response:
    """Take an event about a `noun`, and pass it on to the workflow of the order of that kind which waits for it."""
    raw = await read_raw(request, gateway.body_limit)
    _authenticate(request, gateway, raw)
    event = read_as(StateChangeEvent, await parsed(raw))
    subject: EventSubject | None = getattr(event.event, noun)
    if subject is None:
        raise InvalidRequestError(f"event.{noun}: is missing")
    if await _answers_an_order(gateway, kind, event, subject):
        return Response(status_code=204)
    log = _log.bind(correlation_id=event.correlation_id, subject=subject.id, state=subject.standing())
    if kind is OrderKind.SERVICE and subject.id and subject.is_down():
        await gateway.assurance.report(_failure(event, subject.id, raw))
    else:
        log.info("event dropped: no order waits for it")
    return Response(status_code=204)


async def _answers_an_order(gateway: Gateway, kind: OrderKind, event: StateChangeEvent, subject: EventSubject) -> bool:
    """Pass an event on to the workflow that has asked for what it tells of; return whether there is one that runs."""
    key = event.correlation_id or ""
    workflow_id = key.partition("/")[0]
    if not _runs_an_order(workflow_id, kind):
        return False
    try:
        taken = await gateway.engine.signal(workflow_id, SYSTEM_EVENT_SIGNAL, _told(key, event, subject))
    except EngineUnavailableError as error:
        _log.warning("event not passed on", correlation_id=key, reason=str(error))
        raise UnavailableError("the event cannot be passed on now; send it again") from error
    if taken:
        _log.info("event passed on", correlation_id=key)
    return taken


def _failure(event: StateChangeEvent, service_id: str, body: bytes) -> Failure:
    """Return what an event says of a service that has failed; it is known by its id, or else by all that it says."""
    known_by = event.event_id or ""
    return Failure(
        id=known_by if _EVENT_ID.fullmatch(known_by) else f"sha256-{hashlib.sha256(body).hexdigest()}",
        service_id=service_id,
        reason=str(event.event.error or "it is not enabled any more")[:_LONGEST_REASON],
        at=datetime.now(UTC),
    )


def _runs_an_order(workflow_id: str, kind: OrderKind) -> bool:
    """Tell whether a workflow with such an id runs an order of a kind, if there is one."""
    try:
        return ids.parse(workflow_id).kind == kind
    except ValueError:
        return False


def _authenticate(request: Request, gateway: Gateway, body: bytes) -> None:
    """Let an event pass that is signed with the secret of callbacks, or bears it.

    Raises:
        UnauthorizedError: when it is and does neither, or no secret is set.
    """
    if gateway.callback_secret is None:
        raise UnauthorizedError("events are not taken here: ORDERSAGA_CALLBACK_SECRET is not set")
    secret = gateway.callback_secret.get_secret_value()
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and is_same_secret(given.strip(), secret):
        return
    try:
        verify(secret, request.headers, body, datetime.now(UTC))
    except SignatureError as error:
        _log.warning("event of somebody unknown refused", path=request.url.path, reason=str(error))
        raise UnauthorizedError(f"the event is neither signed nor does it bear the secret: {error}") from error


def _told(key: str, event: StateChangeEvent, subject: EventSubject) -> SystemEvent:
    """Return what a workflow is told: which states end what it asked for, it knows itself."""
    error = event.event.error or (EventError() if subject.has_failed() else None)
    return SystemEvent(
        correlation_id=key,
        succeeded=error is None,
        state=subject.standing(),
        message=str(error) if error else "",
        characteristics=_characteristics(subject),
    )


def _characteristics(subject: EventSubject) -> dict[str, Any]:
    named = [*(subject.service_characteristic or []), *(subject.resource_characteristic or [])]
    return {each.name: each.value for each in named}
