"""Reservations: each pool member goes to one request at most."""

from uuid import uuid4

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import select, update

from systems.common.bodies import fitting, read_object
from systems.common.docs import creates, removes
from systems.common.effects import Answer, CallDep, Effect
from systems.common.errors import Refusal
from systems.common.queries import Document
from systems.common.system import IdPath
from systems.inventory.pools import API, BASE, Wish, candidate_pools, suits
from systems.inventory.resources import PooledResource, as_document, member, specification_of, tell_of_states
from systems.inventory.stock import FREE
from systems.inventory.tables import resource

router = APIRouter(prefix=f"{BASE}/reservation", tags=[API])


class ReservationCreate(Wish):
    """A wish with the one who makes it."""

    requested_by: str = Field(max_length=500)


EXAMPLE = {"resourceSpecification": {"id": "msisdn"}, "criteria": {"category": "gold"}, "requestedBy": "order-1"}


@router.post("", summary="Reserve a resource", **creates(PooledResource, ReservationCreate, EXAMPLE))
async def reserve(request: Request, call: CallDep) -> Response:
    """Reserve a free member: `reserve`. 409 when there is none, 422 when nothing of the kind is stocked."""
    reservation = fitting(ReservationCreate, await read_object(request), strict=False)

    async def work(effect: Effect) -> Answer:
        document = await _reserve(effect, reservation)
        return Answer(201, document, document["id"], {"Location": document["href"]})

    specification = reservation.resource_specification.id
    target = reservation.value or reservation.pool or specification
    return await call.effect("reserve", work, target=target, specification=specification)


@router.delete("/{id}", summary="Give a resource back", **removes())
async def release(resource_id: IdPath, call: CallDep) -> Response:
    """Give a member back, as it was stocked: `release`. One that is free already stays so."""

    async def work(effect: Effect) -> Answer:
        row = await member(effect.connection, resource_id, lock=True)
        if row.reservation_id is not None:
            await effect.connection.execute(update(resource).where(resource.c.id == resource_id).values(FREE))
            free = as_document(await member(effect.connection, resource_id))
            await tell_of_states(effect.connection, effect.key, as_document(row), free)
        return Answer(204, target=resource_id)

    return await call.effect("release", work, target=resource_id, specification=specification_of(resource_id))


async def _reserve(effect: Effect, reservation: ReservationCreate) -> Document:
    connection = effect.connection
    condition = suits(reservation, await candidate_pools(connection, reservation))
    # PostgreSQL passes over members that another transaction is taking; SQLite has one writer at a time.
    free = select(resource.c.id).where(condition).order_by(resource.c.sequence).limit(1)
    chosen = await connection.scalar(free.with_for_update(skip_locked=True))
    if chosen is None:
        if reservation.value is not None:
            raise Refusal(409, "resourceNotAvailable", f"not free: {reservation}")
        raise Refusal(409, "poolExhausted", f"none free: {reservation}")
    before = as_document(await member(connection, chosen))
    await connection.execute(
        update(resource)
        .where(resource.c.id == chosen)
        .values(
            FREE
            | {
                "resource_status": "reserved",
                "reservation_id": uuid4().hex,
                "requested_by": reservation.requested_by,
            }
        )
    )
    reserved = as_document(await member(connection, chosen))
    await tell_of_states(connection, effect.key, before, reserved)
    return reserved
