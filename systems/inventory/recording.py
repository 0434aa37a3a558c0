"""Resources recorded one by one, each in its pool (TMF639)."""

from contextlib import suppress
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.exc import IntegrityError

from systems.common.bodies import fitting, read_object
from systems.common.docs import creates
from systems.common.effects import Answer, CallDep, Effect
from systems.common.errors import Refusal
from systems.common.events import Change
from systems.inventory.resources import (
    API,
    EVENTS,
    EXAMPLE,
    PATH,
    STATES,
    PooledResource,
    ResourceCreate,
    as_document,
    member,
)
from systems.inventory.stock import FREE, member_row
from systems.inventory.tables import pool, recorded, resource
from tmf.bodies import Document
from tmf.words import bare

GENERAL_POOL = "resource"
LONGEST_NAME = 100
LONGEST_TYPE = 50
# Said by the member itself and its pool, whatever the body says.
OF_THE_MEMBER = frozenset({"id", "href", "value", "category", "resourceSpecification", "reservation", *STATES})

router = APIRouter(prefix=PATH, tags=[API])


@router.post("", summary="Record a resource", **creates(PooledResource, ResourceCreate, EXAMPLE))
async def stock(request: Request, call: CallDep) -> Response:
    """Put a resource into the pool that `category` names: `stock`.

    Without one it goes to the pool of its specification; a pool that there is not yet is made.
    """
    body = await read_object(request)
    wanted = fitting(ResourceCreate, body)

    def work(effect: Effect) -> Answer:
        document = _record(effect, wanted, body)
        return Answer(201, document, document["id"], {"Location": document["href"]})

    return await call.effect("stock", work, target=wanted.id or wanted.value or wanted.name or "")


def _record(effect: Effect, wanted: ResourceCreate, body: Document) -> Document:
    connection = effect.connection
    if wanted.resource_status == "reserved" or wanted.usage_state not in (None, "idle"):
        raise Refusal(409, "useReservation", "a new resource is free: reserve it before it is used")
    home = _pool(connection, wanted)
    resource_id = wanted.id or f"{home.id}-{uuid4().hex[:12]}"
    characteristics = {entry.name: bare(entry.value) for entry in wanted.resource_characteristic or []}
    row = member_row(home.id, 0, wanted.value or resource_id, characteristics, resource_id)
    states = {column: body.get(attribute) or FREE[column] for attribute, column in STATES.items()}
    said = {name: value for name, value in body.items() if name not in OF_THE_MEMBER and value is not None}
    try:
        with connection.begin_nested():
            connection.execute(insert(resource).values(row | states))
            connection.execute(insert(recorded).values(id=resource_id, body=said))
    except IntegrityError:
        reason = f"there is a resource {resource_id}, or pool {home.id} has {row['value']} already"
        raise Refusal(409, "idTaken", reason) from None
    document = as_document(member(connection, resource_id))
    EVENTS.tell(connection, Change("Create", effect.key), document)
    return document


def _pool(connection: Connection, wanted: ResourceCreate) -> Row[Any]:
    """The pool the resource goes to. Raises Refusal 422 when that is one of another specification or place."""
    specification = wanted.resource_specification.id if wanted.resource_specification else None
    place = wanted.place.id if wanted.place else None
    pool_id = wanted.category or specification or GENERAL_POOL
    query = select(pool).where(pool.c.id == pool_id)
    found: Row[Any] | None = (connection.execute(query)).first()
    if found is None:
        _make_pool(connection, pool_id, specification or pool_id, wanted.type or "LogicalResource", place)
        return (connection.execute(query)).one()
    if specification not in (None, found.specification) or (place is not None and place != found.place):
        reason = f"pool {pool_id} has {found.specification} at {found.place or 'no place'}: name another category"
        raise Refusal(422, "anotherPool", reason)
    return found


def _make_pool(connection: Connection, pool_id: str, specification: str, kind: str, place: str | None) -> None:
    if len(specification) > LONGEST_NAME or len(kind) > LONGEST_TYPE or len(place or "") > LONGEST_NAME:
        raise Refusal(400, "invalidRequest", "resourceSpecification.id, place.id or @type is too long for a pool")
    values = {"id": pool_id, "name": pool_id, "specification": specification, "type": kind, "place": place}
    # Another request may be making it just now: then it is there.
    with suppress(IntegrityError), connection.begin_nested():
        connection.execute(insert(pool).values(values))
