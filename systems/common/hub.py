"""The hub of a TM Forum API: who wants its events."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from systems.common.bodies import fitting, read_object
from systems.common.database import Database
from systems.common.docs import EMPTY, body_of, errors, found
from systems.common.effects import OptionalKeyDep
from systems.common.errors import Refusal
from systems.common.events import check_query, event_model
from systems.common.system import IdPath
from systems.common.tables import delivery, subscription
from tmf.bodies import Document
from tmf.signatures import key_of
from tmf.words import shown

LONGEST = 2000


class EventSubscriptionInput(BaseModel):
    """Where events go, which, and with what secret they are signed."""

    model_config = ConfigDict(extra="allow")

    callback: str = Field(max_length=LONGEST, description="Events are posted to `{callback}/listener/{eventType}`.")
    query: str | None = Field(
        default=None,
        max_length=LONGEST,
        description="Filters on the event, joined by `&`; without any, every event is wanted.",
    )
    secret: str | None = Field(
        default=None, max_length=200, description="`whsec_` and a key in base64: events are signed (Standard Webhooks)."
    )

    @field_validator("callback")
    @classmethod
    def _is_an_address(cls, callback: str) -> str:
        try:
            AnyHttpUrl(callback)
        except ValidationError:
            example = "https://listener.example/events"
            raise ValueError(f"must be an address such as {example}, not {shown(callback)}") from None
        return callback

    @field_validator("secret")
    @classmethod
    def _is_a_secret(cls, secret: str | None) -> str | None:
        if secret is not None:
            key_of(secret)
        return secret


class EventSubscription(BaseModel):
    """A listener; its secret is never shown."""

    id: str
    callback: str
    query: str | None = None


def hub_router(base: str, api: str, database: Database, resources: Mapping[str, type[BaseModel]]) -> APIRouter:
    """The hub of the API at ``base``, which tells of these ``resources``, noun → model."""
    event = event_model(resources)
    router = APIRouter(prefix=f"{base}/hub", tags=[api])

    @router.post(
        "",
        status_code=201,
        summary="Register a listener",
        response_model=EventSubscription,
        responses=errors(400, 413, 415),
        openapi_extra=body_of(EventSubscriptionInput, _example(next(iter(resources)))),
    )
    async def register(request: Request, key: OptionalKeyDep) -> Response:
        """A repeat, by `Idempotency-Key` or with the same callback and query, is the same listener.

        It then has the query and the secret of the repeat.
        """
        wanted = fitting(EventSubscriptionInput, await read_object(request))
        check_query(wanted.query, event)
        document = await database.writing(_register, base, wanted, key)
        return JSONResponse(document, 201, {"Location": f"{base}/hub/{document['id']}"})

    @router.get("", summary="List the listeners", response_model=list[EventSubscription], responses=errors())
    async def list_listeners() -> Response:
        mine = select(subscription).where(subscription.c.hub == base)
        rows = await database.reading(lambda connection: connection.execute(mine).all())
        return JSONResponse([_document(row) for row in rows])

    @router.get("/{id}", summary="Read a listener", responses=found(EventSubscription))
    async def read_listener(listener_id: IdPath) -> Response:
        one = select(subscription).where(_of(base, listener_id))
        row = await database.reading(lambda connection: connection.execute(one).first())
        if row is None:
            raise Refusal(404, "notFound", f"no listener {listener_id}")
        return JSONResponse(_document(row))

    @router.delete("/{id}", summary="Unregister a listener", **EMPTY)
    async def unregister(listener_id: IdPath) -> Response:
        """What is on its way to the listener is dropped."""
        if not await database.writing(_unregister, base, listener_id):
            raise Refusal(404, "notFound", f"no listener {listener_id}")
        return Response(status_code=204)

    return router


def _example(noun: str) -> Document:
    query = f"eventType={noun[0].upper()}{noun[1:]}StateChangeEvent"
    return {"callback": "https://listener.example/events", "query": query}


def _of(base: str, listener_id: str) -> ColumnElement[bool]:
    return and_(subscription.c.hub == base, subscription.c.id == listener_id)


def _register(connection: Connection, base: str, wanted: EventSubscriptionInput, key: str | None) -> Document:
    same = and_(subscription.c.callback == wanted.callback, subscription.c.query == wanted.query)
    if wanted.query is None:
        same = and_(subscription.c.callback == wanted.callback, subscription.c.query.is_(None))
    by_key = subscription.c.key == key
    for condition in (by_key, same) if key else (same,):
        known = connection.scalar(select(subscription.c.id).where(subscription.c.hub == base, condition))
        if known is not None:
            break
    values = {"callback": wanted.callback, "query": wanted.query, "secret": wanted.secret, "key": key}
    if known is None:
        known = uuid4().hex
        connection.execute(insert(subscription).values(id=known, hub=base, **values))
    else:
        connection.execute(update(subscription).where(subscription.c.id == known).values(values))
    return _document(connection.execute(select(subscription).where(subscription.c.id == known)).one())


def _unregister(connection: Connection, base: str, listener_id: str) -> bool:
    """Whether there was such a listener."""
    removed = connection.execute(delete(subscription).where(_of(base, listener_id)))
    connection.execute(delete(delivery).where(delivery.c.subscription == listener_id))
    return removed.rowcount > 0


def _document(row: Row[Any]) -> Document:
    document = {"id": row.id, "callback": row.callback}
    return document if row.query is None else {**document, "query": row.query}
