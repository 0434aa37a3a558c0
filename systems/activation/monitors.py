"""Monitors: how far an asynchronous change has come."""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Response
from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.activation.changes import Change
from systems.activation.kinds import KINDS, Kind
from systems.activation.tables import monitor
from systems.common.effects import Answer
from systems.common.errors import Refusal
from systems.common.queries import Document, ListQueryDep
from systems.common.system import ReadingDep


async def accept(connection: AsyncConnection, change: Change, *, key: str, due: float, failure: str | None) -> Answer:
    """Put the change off until ``due`` (seconds since 1970), to fail then if there is a reason ``failure``."""
    monitor_id = uuid4().hex
    await connection.execute(
        insert(monitor).values(
            id=monitor_id,
            kind=change.kind.name,
            target=change.target,
            state="InProgress",
            operation=change.operation,
            method=change.method,
            body=change.body,
            key=key,
            due=due,
            failure=failure,
        )
    )
    row = (await connection.execute(select(monitor).where(monitor.c.id == monitor_id))).one()
    document = as_document(row)
    return Answer(202, document, change.target, {"Location": document["href"]}, accepted_only=True)


def as_document(row: Row[Any]) -> Document:
    """The TMF640 monitor."""
    kind = KINDS[row.kind]
    source = kind.documents.href(row.target)
    document = {
        "id": row.id,
        "href": f"{kind.base}/monitor/{row.id}",
        "@type": "Monitor",
        "state": row.state,
        "sourceHref": source,
        "request": {
            "method": row.method,
            "to": kind.documents.path if row.method == "POST" else source,
            "header": [{"name": "Idempotency-Key", "value": row.key}],
            "body": row.body,
        },
    }
    return document if row.response is None else {**document, "response": row.response}


def monitor_router(kind: Kind) -> APIRouter:
    """The monitors of one kind."""
    router = APIRouter(prefix=f"{kind.base}/monitor", tags=["monitor"])

    @router.get("")
    async def list_monitors(query: ListQueryDep, connection: ReadingDep) -> Response:
        rows = await connection.execute(select(monitor).where(monitor.c.kind == kind.name).order_by(monitor.c.sequence))
        return query.answer(as_document(row) for row in rows)

    @router.get("/{monitor_id}")
    async def read_monitor(monitor_id: str, connection: ReadingDep) -> Document:
        found = await connection.execute(select(monitor).where(monitor.c.kind == kind.name, monitor.c.id == monitor_id))
        row = found.first()
        if row is None:
            raise Refusal(404, "notFound", f"no monitor {monitor_id}")
        return as_document(row)

    return router
