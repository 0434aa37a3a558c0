"""Resource inventory (TMF639): the members of the pools, and what is written on them."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator
from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, delete, or_, select, true, update

from systems.common import tmf
from systems.common.addresses import href
from systems.common.bodies import fitting
from systems.common.docs import listed, patches, read_one, removes
from systems.common.effects import Answer, CallDep, Effect
from systems.common.errors import Refusal
from systems.common.events import Change, EventSource
from systems.common.faults import Lookup
from systems.common.paging import ids_of, mentions, narrowed, page_of
from systems.common.patches import Patch, check_unchanged, read_patch
from systems.common.queries import ListQueryDep, answer, listing
from systems.common.system import DatabaseDep, IdPath
from systems.inventory.tables import pool, recorded, resource
from tmf.bodies import Document
from tmf.paths import TMF639
from tmf.query.query import Filter, ListQuery, Operator, Page
from tmf.resources import Extensible

PATH = f"{TMF639}/resource"
API = "TMF639 Resource Inventory"
EVENTS = EventSource(TMF639, "resource", "resourceInventory")

# Attribute → its column.
STATES = {
    "resourceStatus": "resource_status",
    "usageState": "usage_state",
    "administrativeState": "administrative_state",
    "operationalState": "operational_state",
}
READ_ONLY = frozenset({"id", "href", "value", "category", "@type", "resourceSpecification", "place", "reservation"})
FILTER_COLUMNS: dict[str, ColumnElement[Any]] = {
    "id": resource.c.id,
    "value": resource.c.value,
    "category": resource.c.pool,
    "resourceSpecification.id": pool.c.specification,
    "place.id": pool.c.place,
    "resourceStatus": resource.c.resource_status,
    "usageState": resource.c.usage_state,
    "administrativeState": resource.c.administrative_state,
    "operationalState": resource.c.operational_state,
    "reservation.requestedBy": resource.c.requested_by,
}
# What a member has from its pool, unless something else was said of it.
OF_THE_POOL: dict[str, ColumnElement[Any]] = {"name": pool.c.name + " " + resource.c.value, "@type": pool.c.type}
SORTABLE = frozenset(path for path in FILTER_COLUMNS if "." not in path)
Member = Row[Any]

router = APIRouter(prefix=PATH, tags=[API])


class Reservation(Extensible):
    """Who has it."""

    id: str
    requested_by: str


class PooledResource(tmf.Resource):
    """A TMF639 resource; ``value`` is the thing itself (an address, a number), ``category`` its pool."""

    value: str | None = Field(default=None, max_length=200)
    reservation: Reservation | None = None


class ResourceCreate(PooledResource):
    """A resource to record: with a ``value`` it is named after its pool, else it needs a name."""

    id: str | None = Field(default=None, min_length=1, max_length=160)
    category: str | None = Field(default=None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if self.value is None and self.name is None:
            raise ValueError("a resource without a value needs a name")
        return self


EXAMPLE = {
    "name": "Edge router Berlin 1",
    "category": "edge-router",
    "resourceSpecification": {"id": "edge-router"},
    "resourceCharacteristic": [{"name": "vendor", "value": "Acme"}],
}


def members() -> Select[Any]:
    """Every pool member with what its pool, and whoever recorded it, say of it."""
    columns = (
        resource,
        pool.c.name,
        pool.c.specification,
        pool.c.type,
        pool.c.place,
        recorded.c.body.label("recorded"),
    )
    return select(*columns).select_from(resource.join(pool).outerjoin(recorded, recorded.c.id == resource.c.id))


MEMBER = members().where(resource.c.id == bindparam("of_id"))
MEMBER_LOCKED = MEMBER.with_for_update(of=resource)
WRITE = update(resource).where(resource.c.id == bindparam("of_id"))
SPECIFICATION = select(pool.c.specification).select_from(resource.join(pool)).where(resource.c.id == bindparam("of_id"))


def member(connection: Connection, resource_id: str, *, lock: bool = False) -> Member:
    """One pool member. Raises Refusal 404 when there is none; ``lock`` keeps other writers off it."""
    found: Member | None = connection.execute(MEMBER_LOCKED if lock else MEMBER, {"of_id": resource_id}).first()
    if found is None:
        raise Refusal(404, "notFound", f"no resource {resource_id}")
    return found


def specification_of(resource_id: str) -> Lookup:
    """Looks up the specification of a member; None when there is no such member."""

    def look(connection: Connection) -> str | None:
        specification: str | None = connection.scalar(SPECIFICATION, {"of_id": resource_id})
        return specification

    return look


def write(connection: Connection, row: Member, values: dict[str, Any], key: str) -> Document:
    """The resource after ``values`` were written to columns of a member; the listeners are told, by ``key``."""
    connection.execute(WRITE, {"of_id": row.id, **values})
    changed = as_document(row, values)
    # That it is reserved is a state of it.
    EVENTS.tell_of_change(connection, key, as_document(row), changed, [*STATES, "reservation"])
    return changed


def as_document(row: Member, over: Mapping[str, Any] | None = None) -> Document:
    """The TMF639 resource: the member, over it what was recorded of it, and over that what orders wrote on it.

    The columns in ``over`` go before those of the ``row``.
    """
    has = row._mapping if over is None else {**row._mapping, **over}
    said = has["recorded"] or {}
    written = has["given"].get("resourceCharacteristic", [])
    stocked = said.get("resourceCharacteristic", has["characteristics"])
    names = {characteristic.get("name") for characteristic in written}
    document = {
        "id": row.id,
        "href": href(PATH, row.id),
        "name": f"{row.name} {row.value}",
        "value": row.value,
        "category": row.pool,
        "@type": row.type,
        "resourceSpecification": {"id": row.specification},
        **({} if row.place is None else {"place": {"id": row.place, "role": "installation"}}),
        **said,
        **{attribute: has[column] for attribute, column in STATES.items()},
        **has["given"],
        "resourceCharacteristic": [entry for entry in stocked if entry["name"] not in names] + written,
    }
    if has["reservation_id"] is not None:
        document["reservation"] = {"id": has["reservation_id"], "requestedBy": has["requested_by"]}
    return {name: value for name, value in document.items() if value is not None}


@router.get("", summary="List resources", **listed(PooledResource, "resourceSpecification.id", "gpon-port"))
async def list_resources(
    query: Annotated[ListQuery, listing(PooledResource, SORTABLE)], database: DatabaseDep
) -> Response:
    return answer(query, await database.scanning(_page, query))


@router.get("/{id}", summary="Read a resource", **read_one(PooledResource))
async def read_resource(resource_id: IdPath, query: ListQueryDep, database: DatabaseDep) -> Response:
    return JSONResponse(query.project(as_document(await database.reading(member, resource_id))))


@router.patch("/{id}", summary="Change a resource", **patches(PooledResource, PooledResource, {"usageState": "idle"}))
async def patch_resource(resource_id: IdPath, request: Request, call: CallDep) -> Response:
    """In the log: `install` for usageState active, `uninstall` for idle, else `updateResource`."""
    patch = await read_patch(request)
    operation = {"active": "install", "idle": "uninstall"}.get(str(patch.value_of("usageState")), "updateResource")

    def work(effect: Effect) -> Answer:
        return Answer(200, _patch(effect, resource_id, patch), resource_id)

    return await call.effect(operation, work, target=resource_id, specification=specification_of(resource_id))


@router.delete("/{id}", summary="Remove a resource", **removes())
async def unstock(resource_id: IdPath, call: CallDep) -> Response:
    """Take a member that is not reserved out of its pool: `unstock`."""

    def work(effect: Effect) -> Answer:
        connection = effect.connection
        row = member(connection, resource_id, lock=True)
        if row.resource_status == "reserved":
            raise Refusal(409, "resourceInUse", f"{resource_id} is reserved by {row.requested_by}")
        connection.execute(delete(resource).where(resource.c.id == resource_id))
        connection.execute(delete(recorded).where(recorded.c.id == resource_id))
        EVENTS.tell(connection, Change("Delete", effect.key), as_document(row))
        return Answer(204, target=resource_id)

    return await call.effect("unstock", work, target=resource_id, specification=specification_of(resource_id))


def _page(connection: Connection, query: ListQuery) -> Page:
    matching, left = narrowed(members(), query.filters, _condition, _could_pass)
    chosen = [(FILTER_COLUMNS[wish.attribute], wish.descending) for wish in query.sort]
    ordering = [*(column.desc() if descending else column.asc() for column, descending in chosen), resource.c.sequence]
    return page_of(connection, matching, ordering, as_document, query, left)


def _condition(wanted: Filter) -> ColumnElement[bool] | None:
    """The filter as the columns answer it; None where they cannot."""
    column = resource.c.id if wanted.attribute == "href" else FILTER_COLUMNS.get(wanted.attribute)
    if column is None or wanted.operator not in (Operator.EQ, Operator.NE):
        return None
    having = column.in_(ids_of(wanted, PATH) if wanted.attribute == "href" else wanted.values)
    return having if wanted.operator == Operator.EQ else column.is_(None) | ~having


def _could_pass(wanted: Filter) -> ColumnElement[bool]:
    """A condition that every member fulfils that passes the filter, and few others do."""
    attribute = wanted.path[0]
    if wanted.operator != Operator.EQ or attribute in ("place", "reservation", "resourceSpecification"):
        return true()
    said = mentions([resource.c.given, recorded.c.body, resource.c.characteristics], wanted)
    if attribute in OF_THE_POOL:
        return or_(said, OF_THE_POOL[attribute].in_(wanted.values))
    return said


def _patch(effect: Effect, resource_id: str, patch: Patch) -> Document:
    connection = effect.connection
    row = member(connection, resource_id, lock=True)
    before = as_document(row)
    after = patch.applied_to(before)
    check_unchanged(before, after, READ_ONLY)
    fitting(PooledResource, after)
    _check_states(row, before | {name: after[name] for name in STATES if name in after})
    states = {column: after[attribute] for attribute, column in STATES.items() if attribute in after}
    given = {
        name: after.get(name)
        for name in {**before, **after}
        if name not in READ_ONLY and name not in STATES and (name in row.given or after.get(name) != before.get(name))
    }
    if given.get("resourceCharacteristic", []) is None:
        given["resourceCharacteristic"] = []
    return write(connection, row, {"given": given, **states}, effect.key)


def _check_states(row: Member, wanted: Document) -> None:
    status = wanted["resourceStatus"]
    if status != row.resource_status and "reserved" in (status, row.resource_status):
        raise Refusal(409, "useReservation", "only a reservation makes a resource reserved, or ends that")
    if wanted["usageState"] not in ("idle", row.usage_state) and row.resource_status != "reserved":
        raise Refusal(409, "resourceNotReserved", f"{row.id} is {row.resource_status}: reserve it before it is used")
