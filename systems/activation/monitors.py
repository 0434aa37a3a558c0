"""Monitors: how far an asynchronous change has come."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import ColumnElement, Connection, Row, select, true

from systems.activation.kinds import KINDS, Kind
from systems.activation.tables import monitor
from systems.common.addresses import here, href
from systems.common.docs import listed, read_one
from systems.common.errors import Refusal
from systems.common.events import Change
from systems.common.paging import narrowed, page_of
from systems.common.queries import ListQueryDep, answer, listing
from systems.common.system import DatabaseDep, IdPath
from tmf.bodies import Document
from tmf.query.query import Filter, ListQuery, Operator
from tmf.resources import Extensible


class HeaderItem(Extensible):
    """An HTTP header."""

    name: str
    value: str


class MonitoredRequest(Extensible):
    """The request that was accepted; its body as text."""

    method: str
    to: str
    header: list[HeaderItem]
    body: str


class MonitoredResponse(Extensible):
    """How the change ended; the body as text."""

    status_code: str
    header: list[HeaderItem]
    body: str


class Monitor(Extensible):
    """How far a change has come: `InProgress`, then `Completed` or `Failed`."""

    id: str
    href: str
    state: Literal["InProgress", "Completed", "Failed"] | None = None
    source_href: str | None = None
    request: MonitoredRequest | None = None
    response: MonitoredResponse | None = Field(default=None, description="Once the change is over.")


# What a list is filtered by, and sorted by, in the database.
COLUMNS: dict[str, ColumnElement[Any]] = {"id": monitor.c.id, "state": monitor.c.state}


def read_row(connection: Connection, monitor_id: str) -> Row[Any]:
    """The row of a monitor that there is."""
    return (connection.execute(select(monitor).where(monitor.c.id == monitor_id))).one()


def find_row(connection: Connection, kind: Kind, monitor_id: str) -> Row[Any] | None:
    """The row of a monitor of this kind, or None."""
    query = select(monitor).where(monitor.c.kind == kind.name, monitor.c.id == monitor_id)
    return connection.execute(query).first()


def response_of(status: int, body: Document | None) -> Document:
    """A monitor's response."""
    header = [{"name": "Content-Type", "value": "application/json"}]
    return {"statusCode": str(status), "header": header, "body": "" if body is None else json.dumps(body)}


def tell_of(connection: Connection, row: Row[Any], what: str) -> None:
    """Tell the listeners what became of a monitor."""
    KINDS[row.kind].monitor_events.tell(connection, Change(what, row.key), as_document(row))


def as_document(row: Row[Any]) -> Document:
    """The TMF640 monitor."""
    kind = KINDS[row.kind]
    source = kind.documents.href(row.target)
    document = {
        "id": row.id,
        "href": href(f"{kind.base}/monitor", row.id),
        "@type": "Monitor",
        "state": row.state,
        "sourceHref": source,
        "request": {
            "method": row.method,
            "to": f"{here()}{kind.documents.path}" if row.method == "POST" else source,
            "header": [{"name": "Idempotency-Key", "value": row.key}],
            "body": json.dumps(row.body) if row.body else "",
        },
    }
    return document if row.response is None else {**document, "response": row.response}


def _condition(wanted: Filter) -> ColumnElement[bool] | None:
    """The filter as the columns answer it; None where they cannot."""
    answered = wanted.attribute in COLUMNS and wanted.operator == Operator.EQ
    return COLUMNS[wanted.attribute].in_(wanted.values) if answered else None


def monitor_router(kind: Kind) -> APIRouter:
    """The monitors of one kind."""
    router = APIRouter(prefix=f"{kind.base}/monitor", tags=[kind.api])

    @router.get("", summary="List monitors", **listed(Monitor, "state", "InProgress"))
    async def list_monitors(query: Annotated[ListQuery, listing(Monitor, COLUMNS)], database: DatabaseDep) -> Response:
        mine = select(monitor).where(monitor.c.kind == kind.name)
        matching, left = narrowed(mine, query.filters, _condition, lambda _: true())
        chosen = [(COLUMNS[wish.attribute], wish.descending) for wish in query.sort]
        ordering = [*(column.desc() if down else column.asc() for column, down in chosen), monitor.c.sequence]
        return answer(query, await database.scanning(page_of, matching, ordering, as_document, query, left))

    @router.get("/{id}", summary="Read a monitor", **read_one(Monitor))
    async def read_monitor(monitor_id: IdPath, query: ListQueryDep, database: DatabaseDep) -> Response:
        row = await database.reading(find_row, kind, monitor_id)
        if row is None:
            raise Refusal(404, "notFound", f"no monitor {monitor_id}")
        return JSONResponse(query.project(as_document(row)))

    return router
