"""Liveness and readiness: whether the process serves, and what it lacks to serve well, in sentences.

The gateway is ready when it can take orders in, for which it needs the order store alone: orders taken in while
Temporal is away start when it returns. So a missing Temporal makes it `degraded`, not unready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
from fastapi import APIRouter, Request
from pydantic import Field, SecretStr

from api.engine import Engine, unknown_attributes
from api.http.answers import JsonAnswer
from api.sweeps.recovery import RecoveryMode, said_of
from api.sweeps.rounds import Rounds, Supervision
from api.sweeps.stuck import StuckWork
from orders.plan.orchestration_plan import CatalogVersion
from store.sql.database import Database
from tmf.model import Model
from tmf.words import reason_of

Importance = Literal["needed", "degrading", "informational"]

_SECONDS = 3.0


class Part(Model):
    """The state of one thing that the gateway works with."""

    status: Literal["up", "down"]
    importance: Importance
    message: str | None = Field(default=None, description="What is missing, in a sentence.")
    details: dict[str, Any] | None = None


class Health(Model):
    """Whether the gateway can take orders, and what it lacks."""

    status: Literal["up", "degraded", "down"]
    missing: list[str] = Field(default_factory=list, description="What is missing, a sentence each.")
    parts: dict[str, Part]


class Live(Model):
    """The process answers."""

    status: Literal["up"] = "up"


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to look at: `look` returns details worth showing, or raises with a sentence that says what is wrong."""

    name: str
    importance: Importance
    look: Callable[[], Awaitable[dict[str, Any] | None]]


class Readiness:
    """Looks at everything at once, each within a few seconds."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = tuple(probes)

    async def health(self) -> Health:
        found = await asyncio.gather(*(_look(probe) for probe in self._probes))
        parts = {probe.name: part for probe, part in zip(self._probes, found, strict=True)}
        down = {part.importance for part in parts.values() if part.status == "down"}
        return Health(
            status="down" if "needed" in down else "degraded" if "degrading" in down else "up",
            missing=[f"{name}: {part.message}" for name, part in parts.items() if part.status == "down"],
            parts=parts,
        )


def store_probe(database: Database) -> Probe:
    """The order store answers and has its tables."""

    async def look() -> None:
        await database.ping()

    return Probe("store", "needed", look)


def engine_probes(engine: Engine) -> tuple[Probe, Probe]:
    """Temporal serves, and knows the search attributes that orders start with."""

    async def look() -> None:
        await engine.check()

    async def look_at_search_attributes() -> None:
        if missing := await engine.missing_search_attributes():
            raise LookupError(unknown_attributes(missing))

    return Probe("engine", "degrading", look), Probe("searchAttributes", "degrading", look_at_search_attributes)


def catalog_probe(version: CatalogVersion) -> Probe:
    """Which catalogs are loaded."""

    async def look() -> dict[str, Any]:
        return version.model_dump()

    return Probe("catalog", "needed", look)


def system_probe(name: str, url: str, client: httpx2.AsyncClient) -> Probe:
    """A downstream system answers anything at all over HTTP."""

    async def look() -> dict[str, Any]:
        try:
            await client.get(f"{url.rstrip('/')}/health")
        except httpx2.HTTPError as error:
            raise ConnectionError(f"{name} gives no answer at {url}: {reason_of(error)}") from error
        return {"url": url}

    return Probe(name, "informational", look)


def stuck_probe(stuck: StuckWork) -> Probe:
    """Every order gets on. One that does not is no reason to take no others in."""

    async def look() -> None:
        if trouble := stuck.trouble():
            raise LookupError(trouble)

    return Probe("progress", "degrading", look)


def sweep_probe(rounds: Rounds) -> Probe:
    """Each sweep comes round."""

    async def look() -> dict[str, Any]:
        if late := rounds.late():
            raise LookupError(late)
        return {"secondsSinceLastRound": dict(rounds.ages())}

    return Probe("sweeps", "degrading", look)


def background_probe(supervision: Supervision) -> Probe:
    """Nothing that runs in the background fails."""

    async def look() -> None:
        if trouble := supervision.trouble():
            raise LookupError(trouble)

    return Probe("background", "degrading", look)


def recovery_probe(recovery: RecoveryMode) -> Probe:
    """Sweeps act, and do not only report."""

    async def look() -> None:
        if await recovery.is_on():
            raise LookupError(said_of(recovery, await recovery.state()))

    return Probe("recovery", "degrading", look)


def callback_probe(secret: SecretStr | None) -> Probe:
    """Downstream systems can tell the gateway how activations ended."""

    async def look() -> None:
        if secret is None:
            raise LookupError("ORDERSAGA_CALLBACK_SECRET is not set: no events are taken, monitors are polled instead")

    return Probe("callbacks", "informational", look)


async def _look(probe: Probe) -> Part:
    try:
        async with asyncio.timeout(_SECONDS):
            details = await probe.look()
    except TimeoutError:
        message = f"no answer within {_SECONDS:g} s"
    except Exception as error:
        message = reason_of(error)
    else:
        return Part(status="up", importance=probe.importance, details=details)
    return Part(status="down", importance=probe.importance, message=message)


router = APIRouter(prefix="/health", tags=["Health"])


@router.get("/live", summary="The process answers", response_model=Live)
async def live() -> Live:
    return Live()


@router.get(
    "/ready",
    summary="The gateway can take orders, or what it lacks",
    response_model=Health,
    responses={503: {"model": Health, "description": "The order store cannot serve: no order can be taken."}},
)
async def ready(request: Request) -> JsonAnswer:
    readiness: Readiness = request.app.state.gateway.readiness
    health = await readiness.health()
    return JsonAnswer(health.model_dump(exclude_none=True), status_code=503 if health.status == "down" else 200)
