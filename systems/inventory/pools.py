"""Resource pools: what there is, and whether demands could be met."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, select

from systems.common.addresses import href
from systems.common.bodies import fitting, read_object
from systems.common.docs import body_of, errors, listed, read_one
from systems.common.errors import Refusal
from systems.common.queries import ListQueryDep, answer, listing
from systems.common.system import DatabaseDep, IdPath
from systems.inventory.stock import trait
from systems.inventory.tables import pool, resource
from tmf.bodies import Document
from tmf.paths import RESOURCE_POOLS
from tmf.query.matching import page_of
from tmf.query.query import ListQuery
from tmf.words import bare

API = "Resource Pools"
S = TypeVar("S", bound=Select[Any])

router = APIRouter(prefix=RESOURCE_POOLS, tags=[API])


class Reference(BaseModel):
    """A reference by id; what else it says is not needed here."""

    id: str


class Wish(BaseModel):
    """Which member is wanted.

    ``pool`` names the pool; otherwise the pools of the specification at ``place`` count, or those without a place when
    it has none there. ``criteria`` are compared with stocked characteristics; ``value`` asks for exactly that member.
    """

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, coerce_numbers_to_str=True)

    resource_specification: Reference
    pool: str | None = None
    place: Reference | None = None
    criteria: dict[str, Any] = {}
    value: str | None = None

    def __str__(self) -> str:
        where = f" in {self.pool}" if self.pool else f" at {self.place.id}" if self.place else ""
        criteria = "".join(f", {name} {bare(value)}" for name, value in self.criteria.items())
        return f"{self.resource_specification.id}{where}{criteria}{f', {self.value}' if self.value else ''}"


class Demand(Wish):
    """A wish for several members."""

    quantity: int = Field(default=1, ge=1)


class AvailabilityCheck(BaseModel):
    """Demands to be met together."""

    demands: list[Demand] = Field(max_length=1000)


class Availability(BaseModel):
    """Whether a demand could be met, how many are free, and why it could not."""

    available: bool
    free: int
    reason: str | None = None


class Availabilities(BaseModel):
    """One answer for each demand, in the same order."""

    results: list[Availability]


class Capacity(BaseModel):
    """How many members a pool has, and in what state."""

    total: int
    free: int
    reserved: int
    active: int


class ResourcePool(BaseModel):
    """A pool of resources of one specification, at one place or for all."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: str
    href: str
    name: str | None = None
    resource_specification: Reference | None = None
    place: Reference | None = None
    capacity: Capacity | None = None


OF_SPECIFICATION = (
    select(pool.c.id, pool.c.place).where(pool.c.specification == bindparam("of_specification")).order_by(pool.c.id)
)
IS_FREE = and_(resource.c.pool.in_(bindparam("of_pools", expanding=True)), resource.c.resource_status == "available")
HOW_MANY_FREE = select(func.count()).select_from(resource).where(IS_FREE)
SORTABLE = frozenset({"id", "name"})
EXAMPLE = {"demands": [{"resourceSpecification": {"id": "gpon-port"}, "place": {"id": "BER-1"}, "quantity": 2}]}


def candidate_pools(connection: Connection, wish: Wish) -> list[str]:
    """The ids of the pools that may serve ``wish``; none when its specification is stocked at other places only.

    Raises Refusal 422 ``unknownPool`` for a pool or a specification that is not stocked at all.
    """
    specification = wish.resource_specification.id
    rows = connection.execute(OF_SPECIFICATION, {"of_specification": specification}).all()
    places: dict[str, str | None] = {row.id: row.place for row in rows}
    if wish.pool is not None:
        if wish.pool not in places:
            raise Refusal(422, "unknownPool", f"no pool {wish.pool} of {specification}")
        return [wish.pool]
    if not places:
        raise Refusal(422, "unknownPool", f"no pool of {specification}")
    near = [pool_id for pool_id, place in places.items() if wish.place and place == wish.place.id]
    return near or [pool_id for pool_id, place in places.items() if place is None]


def suiting(free: S, wish: Wish) -> S:
    """The query for ``free`` members that are also what ``wish`` asks for."""
    for name, value in wish.criteria.items():
        free = free.where(resource.c.traits.contains(trait(name, bare(value)), autoescape=True))
    return free if wish.value is None else free.where(resource.c.value == wish.value)


@router.get("/resourcePool", summary="List pools", **listed(ResourcePool, "resourceSpecification.id", "gpon-port"))
async def list_pools(query: Annotated[ListQuery, listing(ResourcePool, SORTABLE)], database: DatabaseDep) -> Response:
    return answer(query, page_of(query, await database.scanning(_pools)))


@router.get("/resourcePool/{id}", summary="Read a pool", **read_one(ResourcePool))
async def read_pool(pool_id: IdPath, query: ListQueryDep, database: DatabaseDep) -> Response:
    for document in await database.reading(_pools, pool.c.id == pool_id):
        return JSONResponse(query.project(document))
    raise Refusal(404, "notFound", f"no pool {pool_id}")


@router.post(
    "/availabilityCheck",
    summary="Could these demands be met together?",
    response_model=Availabilities,
    responses=errors(400, 413, 415),
    openapi_extra=body_of(AvailabilityCheck, EXAMPLE),
)
async def check_availability(request: Request, database: DatabaseDep) -> Response:
    """Each demand in its turn; nothing is reserved."""
    check = fitting(AvailabilityCheck, await read_object(request), strict=False)
    return JSONResponse({"results": await database.reading(_check_all, check.demands)})


def _check_all(connection: Connection, demands: Sequence[Demand]) -> list[Document]:
    promised: Counter[str] = Counter()
    return [_check(connection, demand, promised) for demand in demands]


def _check(connection: Connection, demand: Demand, promised: Counter[str]) -> Document:
    try:
        pools = candidate_pools(connection, demand)
    except Refusal as refusal:
        return {"available": False, "free": 0, "reason": refusal.reason}
    free = connection.scalar(suiting(HOW_MANY_FREE, demand), {"of_pools": pools}) or 0
    # Demands of one check do not promise the same member twice.
    left = max(free - promised[str(demand)], 0)
    promised[str(demand)] += demand.quantity
    if left >= demand.quantity:
        return {"available": True, "free": left}
    return {"available": False, "free": left, "reason": f"{left} of {demand.quantity} free: {demand}"}


def _pools(connection: Connection, condition: ColumnElement[bool] | None = None) -> list[Document]:
    used = resource.c.usage_state != "idle"
    query = (
        select(
            pool,
            func.count(resource.c.id).label("total"),
            func.count(resource.c.id).filter(resource.c.resource_status == "available").label("free"),
            func.count(resource.c.id).filter(resource.c.resource_status == "reserved", ~used).label("reserved"),
            func.count(resource.c.id).filter(used).label("active"),
        )
        .outerjoin(resource)
        .group_by(pool.c.id)
        .order_by(pool.c.id)
    )
    rows = connection.execute(query if condition is None else query.where(condition))
    return [
        {
            "id": row.id,
            "href": href(f"{RESOURCE_POOLS}/resourcePool", row.id),
            "name": row.name,
            "resourceSpecification": {"id": row.specification},
            "place": {"id": row.place} if row.place else None,
            "capacity": {"total": row.total, "free": row.free, "reserved": row.reserved, "active": row.active},
        }
        for row in rows
    ]
