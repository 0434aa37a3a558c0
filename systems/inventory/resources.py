"""Resource inventory (TMF639): the members of the pools, and their installation."""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.common.documents import patched
from systems.common.effects import Answer, CallDep, Effect
from systems.common.errors import Refusal
from systems.common.faults import Lookup
from systems.common.queries import Document, ListQuery, ListQueryDep, as_text
from systems.common.system import ReadingDep
from systems.inventory.stock import member_row
from systems.inventory.tables import pool, resource

PATH = "/tmf-api/resourceInventoryManagement/v4/resource"

# Attribute → its column and the values that TMF639 knows.
STATES: dict[str, tuple[str, frozenset[str]]] = {
    "resourceStatus": (
        "resource_status",
        frozenset({"standby", "alarm", "available", "reserved", "unknown", "suspended"}),
    ),
    "usageState": ("usage_state", frozenset({"idle", "active", "busy"})),
    "administrativeState": ("administrative_state", frozenset({"locked", "unlocked", "shutdown"})),
    "operationalState": ("operational_state", frozenset({"enable", "disable"})),
}
OF_THE_MEMBER = frozenset(
    {"id", "href", "name", "value", "category", "@type", "resourceSpecification", "place", "reservation", *STATES}
)
FILTER_COLUMNS = {
    "id": resource.c.id,
    "value": resource.c.value,
    "category": resource.c.pool,
    "resourceSpecification.id": pool.c.specification,
    "place.id": pool.c.place,
    "resourceStatus": resource.c.resource_status,
    "usageState": resource.c.usage_state,
    "reservation.requestedBy": resource.c.requested_by,
}
Member = Row[Any]

router = APIRouter(prefix=PATH, tags=["resource"])


class NewMember(BaseModel):
    """A member to stock: ``category`` is its pool."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str | None = None
    category: str
    value: str
    characteristics: list[dict[str, Any]] = Field(default=[], alias="resourceCharacteristic")


def members() -> Select[Any]:
    """Every pool member with what its pool says of it."""
    return select(resource, pool.c.name, pool.c.specification, pool.c.type, pool.c.place).join(pool)


async def member(connection: AsyncConnection, resource_id: str, *, lock: bool = False) -> Member:
    """One pool member. Raises Refusal 404 when there is none; ``lock`` keeps other writers off it."""
    query = members().where(resource.c.id == resource_id)
    found: Member | None = (await connection.execute(query.with_for_update(of=resource) if lock else query)).first()
    if found is None:
        raise Refusal(404, "notFound", f"no resource {resource_id}")
    return found


def specification_of(resource_id: str) -> Lookup:
    """Looks up the specification of a member; None when there is no such member."""

    async def look(connection: AsyncConnection) -> str | None:
        query = select(pool.c.specification).select_from(resource.join(pool)).where(resource.c.id == resource_id)
        specification: str | None = await connection.scalar(query)
        return specification

    return look


def as_document(row: Member) -> Document:
    """The TMF639 resource: the member, and over it what orders wrote on it."""
    given = dict(row.given)
    written = given.pop("resourceCharacteristic", [])
    names = {characteristic.get("name") for characteristic in written}
    document = {
        "id": row.id,
        "href": f"{PATH}/{row.id}",
        "name": f"{row.name} {row.value}",
        "value": row.value,
        "category": row.pool,
        "@type": row.type,
        "resourceSpecification": {"id": row.specification},
        **{attribute: getattr(row, column) for attribute, (column, _) in STATES.items()},
        "resourceCharacteristic": [entry for entry in row.characteristics if entry["name"] not in names] + written,
        **given,
    }
    if row.place is not None:
        document["place"] = {"id": row.place}
    if row.reservation_id is not None:
        document["reservation"] = {"id": row.reservation_id, "requestedBy": row.requested_by}
    return document


@router.get("")
async def list_resources(query: ListQueryDep, connection: ReadingDep) -> Response:
    """The pool members that pass the filters."""
    rows = await connection.execute(_narrowed(query).order_by(resource.c.sequence))
    return query.answer(as_document(row) for row in rows)


@router.get("/{resource_id}")
async def read_resource(resource_id: str, query: ListQueryDep, connection: ReadingDep) -> Response:
    """One pool member."""
    return JSONResponse(query.only_fields(as_document(await member(connection, resource_id))))


@router.post("")
async def stock(body: NewMember, call: CallDep) -> Response:
    """Put a new member into its pool: ``stock``."""

    async def work(effect: Effect) -> Answer:
        document = await _stock(effect.connection, body)
        return Answer(201, document, document["id"], {"Location": document["href"]})

    return await call.effect("stock", work, target=body.id or body.value)


@router.patch("/{resource_id}")
async def patch_resource(resource_id: str, patch: Document, call: CallDep) -> Response:
    """Write on a member: ``install`` for usageState active, ``uninstall`` for idle, else ``updateResource``."""

    async def work(effect: Effect) -> Answer:
        return Answer(200, await _patch(effect.connection, resource_id, patch), resource_id)

    return await call.effect(_operation(patch), work, target=resource_id, specification=specification_of(resource_id))


@router.delete("/{resource_id}")
async def unstock(resource_id: str, call: CallDep) -> Response:
    """Take a member that is not reserved out of its pool: ``unstock``."""

    async def work(effect: Effect) -> Answer:
        row = await member(effect.connection, resource_id, lock=True)
        if row.resource_status == "reserved":
            raise Refusal(409, "resourceInUse", f"{resource_id} is reserved by {row.requested_by}")
        await effect.connection.execute(delete(resource).where(resource.c.id == resource_id))
        return Answer(204, target=resource_id)

    return await call.effect("unstock", work, target=resource_id, specification=specification_of(resource_id))


def _narrowed(query: ListQuery) -> Select[Any]:
    narrowed = members()
    for path, values in query.filters.items():
        if path in FILTER_COLUMNS:
            narrowed = narrowed.where(FILTER_COLUMNS[path].in_(values))
    return narrowed


def _operation(patch: Document) -> str:
    return {"active": "install", "idle": "uninstall"}.get(str(patch.get("usageState")), "updateResource")


async def _stock(connection: AsyncConnection, body: NewMember) -> Document:
    if not await connection.scalar(select(func.count()).where(pool.c.id == body.category)):
        raise Refusal(422, "unknownPool", f"no pool {body.category}")
    characteristics = {entry["name"]: as_text(entry["value"]) for entry in body.characteristics}
    row = member_row(body.category, 0, body.value, characteristics, body.id or f"{body.category}-{uuid4().hex[:12]}")
    try:
        async with connection.begin_nested():
            await connection.execute(insert(resource).values(row))
    except IntegrityError:
        raise Refusal(409, "idTaken", f"pool {body.category} has {row['id']} or {body.value} already") from None
    return as_document(await member(connection, row["id"]))


async def _patch(connection: AsyncConnection, resource_id: str, patch: Document) -> Document:
    row = await member(connection, resource_id, lock=True)
    _check(row, patch)
    written = {"resourceCharacteristic": row.given.get("resourceCharacteristic", [])}
    document = patched(as_document(row) | written, patch)
    states = {column: document[attribute] for attribute, (column, _) in STATES.items() if attribute in document}
    given = {name: value for name, value in document.items() if name not in OF_THE_MEMBER}
    await connection.execute(update(resource).where(resource.c.id == resource_id).values(given=given, **states))
    return as_document(await member(connection, resource_id))


def _check(row: Member, patch: Document) -> None:
    current = as_document(row)
    for name in OF_THE_MEMBER & patch.keys():
        if name not in STATES and patch[name] != current.get(name):
            raise Refusal(400, "notPatchable", f"{name} of a pool member cannot be changed")
    for name, (_, legal) in STATES.items():
        if name in patch and patch[name] not in legal:
            raise Refusal(400, "illegalValue", f"{name} cannot be {patch[name]!r}")
    status = patch.get("resourceStatus", row.resource_status)
    if status != row.resource_status and "reserved" in (status, row.resource_status):
        raise Refusal(409, "useReservation", "only a reservation makes a resource reserved, or ends that")
    if patch.get("usageState", "idle") != "idle" and row.resource_status != "reserved":
        raise Refusal(409, "resourceNotReserved", f"{row.id} is {row.resource_status}: reserve it before it is used")
