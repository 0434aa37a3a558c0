"""Reservations: each pool member goes to one request at most."""

from uuid import uuid4

from fastapi import APIRouter, Request, Response
from pydantic import Field

from systems.common.bodies import fitting, read_object
from systems.common.docs import creates, removes
from systems.common.effects import Answer, CallDep, Effect
from systems.common.errors import Refusal
from systems.common.system import IdPath
from systems.inventory.pools import API, IS_FREE, Wish, candidate_pools, suiting
from systems.inventory.resources import Member, PooledResource, member, members, specification_of, write
from systems.inventory.stock import FREE
from systems.inventory.tables import resource
from tmf.bodies import Document
from tmf.paths import RESOURCE_POOLS

router = APIRouter(prefix=f"{RESOURCE_POOLS}/reservation", tags=[API])


class ReservationCreate(Wish):
    """A wish with the one who makes it."""

    requested_by: str = Field(max_length=500)


# PostgreSQL passes over members that another transaction is taking; SQLite has one writer at a time.
FIRST_FREE = (
    members().where(IS_FREE).order_by(resource.c.sequence).limit(1).with_for_update(of=resource, skip_locked=True)
)
EXAMPLE = {"resourceSpecification": {"id": "msisdn"}, "criteria": {"category": "gold"}, "requestedBy": "order-1"}


@router.post("", summary="Reserve a resource", **creates(PooledResource, ReservationCreate, EXAMPLE))
async def reserve(request: Request, call: CallDep) -> Response:
    """Reserve a free member: `reserve`. 409 when there is none, 422 when nothing of the kind is stocked."""
    reservation = fitting(ReservationCreate, await read_object(request), strict=False)

    def work(effect: Effect) -> Answer:
        document = _reserve(effect, reservation)
        return Answer(201, document, document["id"], {"Location": document["href"]})

    specification = reservation.resource_specification.id
    target = reservation.value or reservation.pool or specification
    return await call.effect("reserve", work, target=target, specification=specification)


@router.delete("/{id}", summary="Give a resource back", **removes())
async def release(resource_id: IdPath, call: CallDep) -> Response:
    """Give a member back, as it was stocked: `release`. One that is free already stays so."""

    def work(effect: Effect) -> Answer:
        row = member(effect.connection, resource_id, lock=True)
        if row.reservation_id is not None:
            write(effect.connection, row, FREE, effect.key)
        return Answer(204, target=resource_id)

    return await call.effect("release", work, target=resource_id, specification=specification_of(resource_id))


def _reserve(effect: Effect, reservation: ReservationCreate) -> Document:
    connection = effect.connection
    pools = candidate_pools(connection, reservation)
    chosen: Member | None = connection.execute(suiting(FIRST_FREE, reservation), {"of_pools": pools}).first()
    if chosen is None:
        if reservation.value is not None:
            raise Refusal(409, "resourceNotAvailable", f"not free: {reservation}")
        raise Refusal(409, "poolExhausted", f"none free: {reservation}")
    held = {
        "resource_status": "reserved",
        "reservation_id": uuid4().hex,
        "requested_by": reservation.requested_by,
    }
    return write(connection, chosen, FREE | held, effect.key)
