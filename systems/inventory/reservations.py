"""Reservations: each pool member goes to one request at most."""

from uuid import uuid4

from fastapi import APIRouter, Response
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.common.effects import Answer, CallDep, Effect
from systems.common.errors import Refusal
from systems.common.queries import Document
from systems.inventory.pools import BASE, Wish, candidate_pools, suits
from systems.inventory.resources import as_document, member, specification_of
from systems.inventory.stock import FREE
from systems.inventory.tables import resource

router = APIRouter(prefix=f"{BASE}/reservation", tags=["reservation"])


class Reservation(Wish):
    """A wish with the one who makes it."""

    requested_by: str


@router.post("")
async def reserve(reservation: Reservation, call: CallDep) -> Response:
    """Reserve a free member: ``reserve``. 409 when there is none, 422 when nothing of the kind is stocked."""

    async def work(effect: Effect) -> Answer:
        document = await _reserve(effect.connection, reservation)
        return Answer(201, document, document["id"], {"Location": document["href"]})

    specification = reservation.resource_specification.id
    target = reservation.value or reservation.pool or specification
    return await call.effect("reserve", work, target=target, specification=specification)


@router.delete("/{resource_id}")
async def release(resource_id: str, call: CallDep) -> Response:
    """Give a member back, as it was stocked: ``release``. One that is free already stays so."""

    async def work(effect: Effect) -> Answer:
        row = await member(effect.connection, resource_id, lock=True)
        if row.reservation_id is not None:
            await effect.connection.execute(update(resource).where(resource.c.id == resource_id).values(FREE))
        return Answer(204, target=resource_id)

    return await call.effect("release", work, target=resource_id, specification=specification_of(resource_id))


async def _reserve(connection: AsyncConnection, reservation: Reservation) -> Document:
    condition = suits(reservation, await candidate_pools(connection, reservation))
    # PostgreSQL passes over members that another transaction is taking; SQLite has one writer at a time.
    free = select(resource.c.id).where(condition).order_by(resource.c.sequence).limit(1)
    chosen = await connection.scalar(free.with_for_update(skip_locked=True))
    if chosen is None:
        if reservation.value is not None:
            raise Refusal(409, "resourceNotAvailable", f"not free: {reservation}")
        raise Refusal(409, "poolExhausted", f"none free: {reservation}")
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
    return as_document(await member(connection, chosen))
