"""Listeners at the hub, and the events they get when an asynchronous change is over."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl
from uuid import uuid4

import httpx
from fastapi import APIRouter, Response
from pydantic import AnyHttpUrl, BaseModel
from sqlalchemy import delete, insert, select

from systems.activation.changes import Change
from systems.activation.kinds import Kind
from systems.activation.tables import listener
from systems.common.clock import timestamp
from systems.common.database import Database
from systems.common.errors import Refusal
from systems.common.queries import Document, texts_at

TRIES = 3
TIMEOUT_SECONDS = 5.0
PAUSE_SECONDS = 0.2

logger = logging.getLogger(__name__)


class Subscription(BaseModel):
    """Where events go, and which: ``query`` is like ``eventType=…&event.service.state=active``."""

    callback: AnyHttpUrl
    query: str | None = None


class Listeners:
    """Delivers events: each listener is tried three times, and then goes without."""

    def __init__(self, database: Database, transport: httpx.AsyncBaseTransport | None) -> None:
        self._database = database
        self._transport = transport
        self._under_way: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Deliver as long as the block runs."""
        async with httpx.AsyncClient(transport=self._transport, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            self._client = client
            try:
                yield
            finally:
                for task in self._under_way:
                    task.cancel()
                await asyncio.gather(*self._under_way, return_exceptions=True)

    async def tell(self, change: Change, document: Document, *, key: str, error: Document | None) -> None:
        """Begin to tell the listeners that a change is over; ``error`` says why it failed."""
        event = _event(change, document, key, error)
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(listener).where(listener.c.kind == change.kind.name))).all()
        for row in rows:
            if _wanted(event, row.query):
                name = event["eventType"][0].lower() + event["eventType"][1:]
                task = asyncio.create_task(self._deliver(f"{row.callback.rstrip('/')}/listener/{name}", event))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def _deliver(self, url: str, event: Document) -> None:
        for attempt in range(TRIES):
            try:
                (await self._client.post(url, json=event)).raise_for_status()
            except httpx.HTTPError as error:
                logger.warning("event %s to %s: %r", event["eventId"], url, error)
                await asyncio.sleep(PAUSE_SECONDS * (attempt + 1))
            else:
                return


def _event(change: Change, document: Document, key: str, error: Document | None) -> Document:
    moment = timestamp()
    return {
        "eventId": str(uuid4()),
        "eventTime": moment,
        "timeOcurred": moment,
        "eventType": change.kind.event_type,
        "correlationId": key,
        "domain": "activation",
        "title": f"{change.operation} {'completed' if error is None else 'failed'}",
        "event": {change.kind.name: document} | ({} if error is None else {"error": error}),
    }


def _wanted(event: Document, query: str | None) -> bool:
    return all(value in texts_at(event, path) for path, value in parse_qsl(query or ""))


def hub_router(kind: Kind, database: Database) -> APIRouter:
    """The hub of one kind."""
    router = APIRouter(prefix=f"{kind.base}/hub", tags=["hub"])

    @router.post("", status_code=201)
    async def subscribe(subscription: Subscription, response: Response) -> Document:
        row = {"id": uuid4().hex, **subscription.model_dump(mode="json")}
        async with database.writing() as connection:
            await connection.execute(insert(listener).values(kind=kind.name, **row))
        response.headers["Location"] = f"{kind.base}/hub/{row['id']}"
        return row

    @router.get("")
    async def list_listeners() -> list[Document]:
        async with database.reading() as connection:
            rows = await connection.execute(select(listener).where(listener.c.kind == kind.name))
            return [{"id": row.id, "callback": row.callback, "query": row.query} for row in rows]

    @router.delete("/{listener_id}", status_code=204, response_class=Response)
    async def unsubscribe(listener_id: str) -> None:
        mine = (listener.c.kind == kind.name, listener.c.id == listener_id)
        async with database.writing() as connection:
            removed = await connection.execute(delete(listener).where(*mine))
        if removed.rowcount == 0:
            raise Refusal(404, "notFound", f"no listener {listener_id}")

    return router
