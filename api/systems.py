"""Downstream systems: which are there, away, or paused; operators pause and resume them for maintenance."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Request
from pydantic import Field

from api.caller import author_of
from api.dependencies import GatewayDep
from api.documents.documentation import body_of, errors
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_as, read_optional_json
from api.http.errors import InvalidRequestError, NotFoundError
from api.messages import Words
from api.reads import list_answer
from store.systems import SystemState
from tmf.instants import UtcDatetime
from tmf.model import Model
from workflows.contracts import policies

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/systems/v1", tags=["Systems"])

SystemName = Annotated[str, Path(alias="name", description=f"One of {', '.join(policies.SYSTEMS)}.")]


class Standing(StrEnum):
    """How a system stands."""

    UP = "up"
    AWAY = "away"
    PAUSED = "paused"


class System(Model):
    """A downstream system, as calls see it."""

    name: str
    state: Standing = Field(
        description="up: calls go out; away: it gives no answer, and calls wait until one that is tried gets one; "
        "paused: operators have it that calls wait."
    )
    since: UtcDatetime | None = Field(default=None, description="Since when it is away, or paused.")
    error: str | None = Field(default=None, description="Of one that is away, what went wrong last.")
    next_try: UtcDatetime | None = Field(default=None, description="Of one that is away, when a call is tried again.")
    until: UtcDatetime | None = Field(default=None, description="Until when it is paused; for ever, if left out.")
    reason: str | None = Field(default=None, description="Why it is paused.")
    author: str | None = Field(default=None, description="Who has paused it.")


class PauseRequest(Words):
    """Let calls of a system wait."""

    until: UtcDatetime | None = Field(default=None, description="Until when; until it is resumed, if left out.")


class ResumeRequest(Words):
    """Let calls of a system go out again."""


@router.get(
    "/system",
    summary="List the downstream systems, and whether calls of them wait",
    operation_id="listSystem",
    responses={200: {"description": "All of them.", "model": list[System]}, **errors(503)},
)
async def list_systems(gateway: GatewayDep) -> JsonAnswer:
    found, now = await gateway.systems.all(), datetime.now(UTC)
    shown = [_shown(found.get(name) or SystemState(name), now) for name in policies.SYSTEMS]
    return list_answer(shown, len(shown))


@router.get(
    "/system/{name}",
    summary="Show a downstream system",
    operation_id="retrieveSystem",
    responses={200: {"description": "How it stands.", "model": System}, **errors(404, 503)},
)
async def show_system(gateway: GatewayDep, name: SystemName) -> JsonAnswer:
    known = (await gateway.systems.all()).get(_known(name))
    return JsonAnswer(_shown(known or SystemState(name), datetime.now(UTC)))


@router.post(
    "/system/{name}/pause",
    summary="Let calls of a system wait, as for its maintenance",
    operation_id="pauseSystem",
    description="All workers and gateways know within seconds. Calls that are under way end. What waits is no attempt "
    "of any policy, and fails nothing however long it takes. Pausing one that is paused replaces reason and end.",
    responses={200: {"model": System, "description": "It is paused."}, **errors(400, 404, 413, 415, 503)},
    openapi_extra=body_of(
        PauseRequest,
        {"until": "2030-12-01T06:00:00.000Z", "reason": "New release of inventory", "author": "ada"},
        required=False,
    ),
)
async def pause_system(request: Request, gateway: GatewayDep, name: SystemName) -> JsonAnswer:
    wish = read_as(PauseRequest, await read_optional_json(request, min(gateway.body_limit, SMALL_BODY)))
    now = datetime.now(UTC)
    if wish.until and wish.until <= now:
        raise InvalidRequestError("until: must be in the future")
    author = author_of(request, wish.author)
    state = await gateway.systems.pause(_known(name), wish.until, wish.reason, author)
    _log.warning("a system is paused", system=name, until=wish.until, reason=wish.reason, author=author)
    return JsonAnswer(_shown(state, now))


@router.post(
    "/system/{name}/resume",
    summary="Let calls of a system go out again",
    operation_id="resumeSystem",
    description="Ends a pause, and takes a system that is away for one that is there. What waits goes out within "
    "minutes, a few calls at first and then more and more.",
    responses={200: {"model": System, "description": "It is up."}, **errors(400, 404, 413, 415, 503)},
    openapi_extra=body_of(ResumeRequest, {"author": "ada"}, required=False),
)
async def resume_system(request: Request, gateway: GatewayDep, name: SystemName) -> JsonAnswer:
    wish = read_as(ResumeRequest, await read_optional_json(request, min(gateway.body_limit, SMALL_BODY)))
    state = await gateway.systems.resume(_known(name))
    _log.warning("a system is resumed", system=name, reason=wish.reason, author=author_of(request, wish.author))
    return JsonAnswer(_shown(state, datetime.now(UTC)))


def _known(name: str) -> str:
    if name not in policies.SYSTEMS:
        raise NotFoundError(f"there is no system {name!r}; there are {', '.join(policies.SYSTEMS)}")
    return name


def _shown(state: SystemState, now: datetime) -> dict[str, object]:
    pause = state.paused(now)
    system = System(name=state.name, state=Standing.UP)
    if pause:
        system = System(
            name=state.name,
            state=Standing.PAUSED,
            since=pause.since,
            until=pause.until,
            reason=pause.reason,
            author=pause.author,
        )
    elif state.away_since:
        system = System(
            name=state.name, state=Standing.AWAY, since=state.away_since, error=state.error, next_try=state.probe_at
        )
    return system.model_dump(mode="json", exclude_none=True)
