"""The effect log: what each request really did."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, insert, select

from systems.common import tables
from systems.common.clock import timestamp
from systems.common.database import Database
from systems.common.docs import errors

LONGEST_TARGET = 500
APPEND = insert(tables.effect_log).inline()
Outcome = Literal["done", "absorbed", "refused"]


class LogLine(BaseModel):
    """One request: what it did, to what, and how it was answered."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    time: str
    key: str
    operation: str
    target: str
    outcome: Outcome
    status: int
    reason: str | None = None


def record(
    connection: Connection,
    outcome: Outcome,
    *,
    key: str,
    operation: str,
    target: str,
    status: int,
    reason: str | None = None,
) -> None:
    """Append one line to the log, in the transaction of the effect itself."""
    line = {
        "time": timestamp(),
        "key": key,
        "operation": operation,
        "target": target[:LONGEST_TARGET],
        "outcome": outcome,
        "status": status,
        "reason": reason,
    }
    connection.execute(APPEND, line)


def log_router(database: Database) -> APIRouter:
    """``GET /log``, oldest first; ``order`` selects the keys that contain it."""
    router = APIRouter(tags=["log"])

    @router.get("/log", summary="What each request really did, oldest first", responses=errors(400))
    async def read_log(key: str | None = None, target: str | None = None, order: str | None = None) -> list[LogLine]:
        """`order` finds the keys that contain it."""
        log = tables.effect_log
        query = select(log).order_by(log.c.id)
        if key is not None:
            query = query.where(log.c.key == key)
        if target is not None:
            query = query.where(log.c.target == target)
        if order is not None:
            query = query.where(log.c.key.contains(order, autoescape=True))
        rows = await database.scanning(lambda connection: connection.execute(query).mappings().all())
        return [LogLine.model_validate(row) for row in rows]

    return router
