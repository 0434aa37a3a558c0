"""The order store's repository of claims: orders that touch the same installed product or resource take turns.

An order claims subjects (`product:ID`, `resource:SPECIFICATION:VALUE`), and waits until no other goes before it. A
subject is granted to one order at a time; among those that wait for it, first come those that hold something already,
then those accepted earlier. Orders may claim more later on, so that some could come to wait for each other: whoever
would close such a circle does not wait for those in it, and is granted what they hold of its, since they wait anyway.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from orders.graph import dependents
from store.database import Database
from store.documents import storable
from store.tables import claims

_LOCK = 0x636C61696D73


class _State(StrEnum):
    WAITING = "waiting"
    GRANTED = "granted"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class _Place:
    """An order's place among those that claim the same: the smaller goes first."""

    order_id: str
    accepted_at: str
    holds: bool
    """Whether anything is granted to it."""

    def rank(self) -> tuple[bool, str, str]:
        return not self.holds, self.accepted_at, self.order_id


class ClaimStore:
    """What orders claim for themselves until they end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, order_id: str, accepted_at: str, subjects: Collection[str], *, queue: bool = True
    ) -> list[str]:
        """Claim subjects for an order; return the orders that go before it, or nothing when all is granted to it.

        Claiming again changes nothing, and tells how things are by then.

        Args:
            accepted_at: when the order was accepted, as the store writes times.
            queue: whether the order waits for its turn, if it must; without, its claims are as before then.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        rows = [
            {"subject": subject, "order_id": order_id, "accepted_at": accepted_at, "state": _State.WAITING.value}
            for subject in sorted(set(storable(list(subjects))))
        ]
        if not rows:
            return []
        keep = self._database.insert_or_update(claims, where=claims.c.state == _State.RELEASED.value)
        async with self._database.write() as connection:
            await self._take_turn(connection)
            await connection.execute(keep, rows)
            before = await _going_before(connection, order_id)
            if not before:
                await _grant(connection, order_id)
            elif not queue:
                await connection.rollback()
        return [place.order_id for place in sorted(before, key=lambda place: (place.accepted_at, place.order_id))]

    async def release(self, order_id: str) -> list[str]:
        """Give up an order's claims; return the orders that wait for one of its subjects, in order of acceptance.

        The claims are kept as released ones, so that an answer that was lost can be asked for again.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        own = select(claims.c.subject).where(claims.c.order_id == order_id)
        waiting = (
            select(claims.c.order_id)
            .where(claims.c.subject.in_(own), claims.c.state == _State.WAITING.value)
            .group_by(claims.c.order_id)
            .order_by(func.min(claims.c.accepted_at), claims.c.order_id)
        )
        async with self._database.write() as connection:
            await self._take_turn(connection)
            given_up = update(claims).where(claims.c.order_id == order_id).values(state=_State.RELEASED.value)
            await connection.execute(given_up)
            return list(await connection.scalars(waiting))

    async def reduce(self, order_id: str, subjects: Collection[str]) -> None:
        """Give up all that an order claims but these subjects; whoever waits for one of the others waits on.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        own = select(claims.c.subject).where(claims.c.order_id == order_id, claims.c.state != _State.RELEASED.value)
        given_up = (
            update(claims)
            .where(claims.c.order_id == order_id, claims.c.subject == bindparam("gone"))
            .values(state=_State.RELEASED.value)
        )
        async with self._database.write() as connection:
            await self._take_turn(connection)
            gone = set(await connection.scalars(own)) - set(storable(list(subjects)))
            if gone:
                await connection.execute(given_up, [{"gone": subject} for subject in sorted(gone)])

    async def _take_turn(self, connection: AsyncConnection) -> None:
        """Wait until no other transaction decides on claims: who waits for whom must not change meanwhile.

        Only orders that touch what is installed come here, once or twice each; on SQLite every writer waits its turn.
        """
        if self._database.dialect == "postgresql":
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


async def _going_before(connection: AsyncConnection, order_id: str) -> set[_Place]:
    before = (await _waits(connection, {order_id})).get(order_id)
    if not before:
        return set()
    # Only an order that others can be waiting for by now can close a circle.
    held = select(exists().where(claims.c.order_id == order_id, claims.c.state == _State.GRANTED.value))
    if not await connection.scalar(held):
        return before
    circling = await _waiting_for(connection, order_id, {place.order_id for place in before})
    return {place for place in before if place.order_id not in circling}


async def _waiting_for(connection: AsyncConnection, order_id: str, suspects: set[str]) -> set[str]:
    """Return those that wait for `order_id`, directly or through others, among `suspects` and those they wait for."""
    graph: dict[str, set[str]] = {order_id: set()}
    unknown = set(suspects)
    while unknown:
        found = await _waits(connection, unknown)
        graph |= {each: {place.order_id for place in found.get(each, ())} for each in unknown}
        unknown = {need for each in unknown for need in graph[each]} - graph.keys()
    return dependents(graph, [order_id])


async def _waits(connection: AsyncConnection, order_ids: set[str]) -> dict[str, set[_Place]]:
    """Return for each of these orders that waits, those that go before it."""
    mine, other = claims.alias("mine"), claims.alias("other")
    rivals = (
        select(
            mine.c.order_id.label("my_order"),
            mine.c.accepted_at.label("my_accepted_at"),
            _holds(mine).label("i_hold"),
            other.c.order_id,
            other.c.accepted_at,
            _holds(other).label("holds"),
            (other.c.state == _State.GRANTED.value).label("granted"),
        )
        .join(other, and_(other.c.subject == mine.c.subject, other.c.order_id != mine.c.order_id))
        .where(
            mine.c.order_id.in_(order_ids),
            mine.c.state == _State.WAITING.value,
            other.c.state != _State.RELEASED.value,
        )
    )
    before: dict[str, set[_Place]] = {}
    for row in await connection.execute(rivals):
        rival = _Place(row.order_id, row.accepted_at, row.holds)
        me = _Place(row.my_order, row.my_accepted_at, row.i_hold)
        if row.granted or rival.rank() < me.rank():
            before.setdefault(row.my_order, set()).add(rival)
    return before


def _holds(claim: FromClause) -> ColumnElement[Any]:
    held = claims.alias()
    return exists().where(held.c.order_id == claim.c.order_id, held.c.state == _State.GRANTED.value)


async def _grant(connection: AsyncConnection, order_id: str) -> None:
    """Grant an order all it waits for; what others hold of that is theirs no more: they wait for this very order."""
    own = select(claims.c.subject).where(claims.c.order_id == order_id, claims.c.state != _State.RELEASED.value)
    others = and_(claims.c.subject.in_(own), claims.c.order_id != order_id, claims.c.state == _State.GRANTED.value)
    await connection.execute(update(claims).where(others).values(state=_State.WAITING.value))
    waiting = and_(claims.c.order_id == order_id, claims.c.state == _State.WAITING.value)
    await connection.execute(update(claims).where(waiting).values(state=_State.GRANTED.value))
