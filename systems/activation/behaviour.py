"""The behaviour of the network: how long changes take, and whether they are answered at once or with a monitor."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from sqlalchemy import Connection, bindparam, delete, insert, or_, select

from systems.activation.tables import setting
from systems.common.database import Database
from systems.common.docs import errors

ALL_OTHERS = ""
LONGEST_LATENCY_MS = 24 * 3600 * 1000
SpecificationId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]

THAT_CONCERN = select(setting).where(
    or_(setting.c.specification == ALL_OTHERS, setting.c.specification == bindparam("of_specification"))
)


class Behaviour(BaseModel):
    """How changes of one specification go; what is left out is as for all others."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True, extra="forbid")

    latency_ms: int | None = Field(default=None, ge=0, le=LONGEST_LATENCY_MS)
    mode: Literal["sync", "async"] | None = None


class Settings(Behaviour):
    """How changes go in general, and those of some specifications by id."""

    specifications: dict[SpecificationId, Behaviour] = {}


class Known(BaseModel):
    """How one change goes."""

    latency_ms: int
    mode: Literal["sync", "async"]


def behaviour_for(connection: Connection, specification: str | None, otherwise: Known) -> Known:
    """How changes of ``specification`` go; ``otherwise`` is what holds where nothing is set."""
    rows = connection.execute(THAT_CONCERN, {"of_specification": specification or ALL_OTHERS}).all()
    latency_ms, mode = otherwise.latency_ms, otherwise.mode
    for row in sorted(rows, key=lambda row: row.specification != ALL_OTHERS):
        latency_ms = latency_ms if row.latency_ms is None else row.latency_ms
        mode = row.mode or mode
    return Known(latency_ms=latency_ms, mode=mode)


def settings_router(database: Database, latency_ms: int) -> APIRouter:
    """``/settings``: POST replaces them all."""
    router = APIRouter(prefix="/settings", tags=["settings"])

    @router.get("", summary="How changes go", responses=errors())
    async def read_settings() -> Settings:
        rows = await database.reading(lambda connection: connection.execute(select(setting)).all())
        known = {row.specification: Behaviour(latency_ms=row.latency_ms, mode=row.mode) for row in rows}
        general = known.pop(ALL_OTHERS, Behaviour())
        return Settings(
            latency_ms=latency_ms if general.latency_ms is None else general.latency_ms,
            mode=general.mode or "sync",
            specifications=known,
        )

    @router.post("", summary="Decide how changes go: all settings are replaced", responses=errors(400))
    async def set_settings(settings: Settings) -> Settings:
        await database.writing(_replace, {ALL_OTHERS: settings, **settings.specifications})
        return await read_settings()

    return router


def _replace(connection: Connection, behaviours: Mapping[str, Behaviour]) -> None:
    connection.execute(delete(setting))
    connection.execute(
        insert(setting),
        [
            {"specification": specification, "latency_ms": behaviour.latency_ms, "mode": behaviour.mode}
            for specification, behaviour in behaviours.items()
        ],
    )
