"""The order store's repository of resource locks: orders that touch the same installed thing run one after the other.

An order locks resources, each named by a subject (`product:ID`, `resource:SPECIFICATION:VALUE`), and waits until no
other goes before it. A lock is granted to one order at a time; among those that wait for it, first come those that hold
some lock already, then those accepted earlier. Orders may ask for more locks later on, so that some could come to wait
for each other, a deadlock: whoever would close such a circle does not wait for those in it, and is granted what they
hold of its, since they wait anyway.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
    true,
    tuple_,
    update,
)

from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from orders.plan.graph import dependents
from store.begun_calls import forgotten
from store.documents import as_key, storable
from store.sql.database import Database
from store.sql.tables import orders
from store.sql.tables import resource_locks as locks

_ADVISORY_LOCK = 0x636C61696D73
_WHILE_WAITING = (OrderState.ACKNOWLEDGED.value, OrderState.ASSESSING_CANCELLATION.value)
"""The states in which an order may wait for a lock: by them the few that may are found among all orders."""


class _State(StrEnum):
    WAITING = "waiting"
    GRANTED = "granted"
    TAKEN = "taken"
    """It was granted, and another has it now: its order waits again, and still goes before those that held nothing."""
    RELEASED = "released"


_WAITING = (_State.WAITING.value, _State.TAKEN.value)
_HELD = (_State.GRANTED.value, _State.TAKEN.value)
"""Whose order goes before those that hold nothing: kept until it is released, on which others are told."""


@dataclass(frozen=True, slots=True)
class _Place:
    """An order's place among those that were accepted."""

    order_id: str
    accepted_at: str


class ResourceLocks:
    """What orders lock until they end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(
        self, order_id: str, accepted_at: str, subjects: Collection[str], *, queue: bool = True
    ) -> list[str]:
        """Lock subjects for an order; return the orders that go before it, or nothing when all is granted to it.

        Asking again changes nothing, and tells how things are by then.

        Args:
            accepted_at: when the order was accepted, as the store writes times.
            queue: whether the order waits, if it must; without, its locks are as before then.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        rows = [
            {"subject": subject, "order_id": order_id, "accepted_at": accepted_at, "state": _State.WAITING.value}
            for subject in sorted(_keys(subjects))
        ]
        if not rows:
            return []
        keep = self._database.insert_or_update(locks, where=locks.c.state == _State.RELEASED.value)

        def acquired(connection: Connection) -> set[_Place]:
            _alone(connection)
            attempt = connection.begin_nested()
            connection.execute(keep, rows)
            before = _going_before(connection, order_id)
            if before and not queue:
                attempt.rollback()
                return before
            if not before:
                _grant(connection, order_id)
            attempt.commit()
            return before

        before = await self._database.write(acquired)
        return [place.order_id for place in sorted(before, key=lambda place: (place.accepted_at, place.order_id))]

    async def release(self, order_id: str) -> list[str]:
        """Release the locks of an order that ends; return the orders that wait for its subjects, by their acceptance.

        The rows are kept as released ones, so that an answer that was lost can be asked for again. What the order's
        workflows noted as begun is forgotten.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        own = select(locks.c.subject).where(locks.c.order_id == order_id)
        waiting = (
            select(locks.c.order_id)
            .where(locks.c.subject.in_(own), locks.c.state.in_(_WAITING))
            .group_by(locks.c.order_id)
            .order_by(func.min(locks.c.accepted_at), locks.c.order_id)
        )
        given_up = update(locks).where(locks.c.order_id == order_id).values(state=_State.RELEASED.value)

        def released(connection: Connection) -> list[str]:
            _alone(connection)
            connection.execute(given_up)
            connection.execute(forgotten(order_id))
            return list(connection.scalars(waiting))

        return await self._database.write(released)

    async def reduce(self, order_id: str, subjects: Collection[str]) -> None:
        """Release all that an order has locked but these subjects; a sweep tells whoever waits for one of the others.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        own = select(locks.c.subject).where(locks.c.order_id == order_id, locks.c.state != _State.RELEASED.value)
        given_up = (
            update(locks)
            .where(locks.c.order_id == order_id, locks.c.subject == bindparam("gone"))
            .values(state=_State.RELEASED.value)
        )

        def reduced(connection: Connection) -> None:
            _alone(connection)
            gone = set(connection.scalars(own)) - _keys(subjects)
            if gone:
                connection.execute(given_up, [{"gone": subject} for subject in sorted(gone)])

        await self._database.write(reduced)

    async def has_ended(self, order_id: str) -> bool:
        """Return whether an order is over, or is not in the store at all, so that nothing is to be locked for it.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        kinds = orders.c.kind.in_([kind.value for kind in OrderKind])
        state = select(orders.c.state).where(kinds, orders.c.id == order_id)
        return await self._database.read(lambda connection: connection.scalar(state) in (*TERMINAL, None))

    async def blocking(self, limit: int = 100, after: str = "") -> list[str]:
        """Return orders that go before one that waits, by their ids, from the one behind `after` on.

        Only orders whose workflow is known to have been started are among them.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        mine, other, before = locks.alias("mine"), locks.alias("other"), orders.alias("before")
        # Not the bare column: by its index a database would go through all that was ever locked, to spare the sorting.
        order_id = other.c.order_id.concat("")
        started = exists().where(_is_started(before, other)).correlate(other)
        found = (
            select(order_id)
            .distinct()
            .select_from(_waiting(mine))
            .join(other, _goes_before(other, mine))
            .where(order_id > after, started)
            .order_by(order_id)
            .limit(limit)
        )
        return await self._database.read(lambda connection: list(connection.scalars(found)))

    async def overdue(self, limit: int = 100, after: str = "") -> list[str]:
        """Return orders that wait though none goes before them, by their ids, from the one behind `after` on.

        They have to be told, or take the lock.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        mine, theirs, other = locks.alias("mine"), locks.alias("theirs"), locks.alias("other")
        waits_on = exists().where(
            theirs.c.order_id == mine.c.order_id,
            theirs.c.state.in_(_WAITING),
            exists().where(_goes_before(other, theirs)).correlate(theirs),
        )
        found = (
            select(mine.c.order_id)
            .distinct()
            .select_from(_waiting(mine))
            .where(mine.c.order_id > after, not_(waits_on.correlate(mine)))
            .order_by(mine.c.order_id)
            .limit(limit)
        )
        return await self._database.read(lambda connection: list(connection.scalars(found)))


def _keys(subjects: Collection[str]) -> set[str]:
    """Return subjects as the store can keep and index them, however long they are."""
    return {as_key(each) for each in storable(list(subjects))}


def _alone(connection: Connection) -> None:
    """Wait until no other transaction decides on locks: who waits for whom must not change meanwhile.

    Only orders that touch what is installed come here, once or twice each; on SQLite there is one writer at a time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))


def _going_before(connection: Connection, order_id: str) -> set[_Place]:
    before = _waits(connection, {order_id}).get(order_id)
    if not before:
        return set()
    # Only an order that others can be waiting for by now can close a circle.
    held = select(exists().where(locks.c.order_id == order_id, locks.c.state.in_(_HELD)))
    if not connection.scalar(held):
        return before
    circling = _waiting_for(connection, order_id, {place.order_id for place in before})
    return {place for place in before if place.order_id not in circling}


def _waiting_for(connection: Connection, order_id: str, suspects: set[str]) -> set[str]:
    """Return those that wait for `order_id`, directly or through others, among `suspects` and those they wait for."""
    graph: dict[str, set[str]] = {order_id: set()}
    unknown = set(suspects)
    while unknown:
        found = _waits(connection, unknown)
        graph |= {each: {place.order_id for place in found.get(each, ())} for each in unknown}
        unknown = {need for each in unknown for need in graph[each]} - graph.keys()
    return dependents(graph, [order_id])


def _waits(connection: Connection, order_ids: set[str]) -> dict[str, set[_Place]]:
    """Return for each of these orders that waits, those that go before it."""
    mine, other = locks.alias("mine"), locks.alias("other")
    rivals = (
        select(mine.c.order_id.label("waits"), other.c.order_id, other.c.accepted_at)
        .select_from(mine)
        .join(other, _goes_before(other, mine))
        .where(mine.c.order_id.in_(order_ids), mine.c.state.in_(_WAITING))
    )
    before: dict[str, set[_Place]] = {}
    for row in connection.execute(rivals):
        before.setdefault(row.waits, set()).add(_Place(row.order_id, row.accepted_at))
    return before


def _goes_before(other: FromClause, mine: FromClause) -> ColumnElement[bool]:
    """Return whether a lock goes before one that waits."""
    place, my_place = (tuple_(each.c.accepted_at, each.c.order_id) for each in (other, mine))
    earlier = or_(
        and_(_holds(other), not_(_holds(mine))),
        and_(or_(_holds(other), not_(_holds(mine))), place < my_place),
    )
    return and_(
        other.c.subject == mine.c.subject,
        other.c.order_id != mine.c.order_id,
        or_(other.c.state == _State.GRANTED.value, and_(other.c.state.in_(_WAITING), earlier)),
    )


def _holds(lock: FromClause) -> ColumnElement[Any]:
    """Return whether anything is, or was, granted to the order of a lock."""
    held = locks.alias()
    return exists().where(held.c.order_id == lock.c.order_id, held.c.state.in_(_HELD)).correlate(lock)


def _waiting(mine: FromClause) -> FromClause:
    """Return the locks that started orders wait for, found by the orders' states."""
    waits = orders.alias("waits")
    may_wait = and_(_is_started(waits, mine), waits.c.state.in_(_WHILE_WAITING))
    return mine.join(waits, and_(may_wait, mine.c.state.in_(_WAITING)))


def _is_started(order: FromClause, lock: FromClause) -> ColumnElement[bool]:
    """Return whether a row of `orders` is that of a lock's order, and its workflow is known to have been started."""
    its = and_(order.c.kind.in_([kind.value for kind in OrderKind]), order.c.id == lock.c.order_id)
    return and_(its, order.c.started.is_(true()))


def _grant(connection: Connection, order_id: str) -> None:
    """Grant an order all it waits for; what others hold of that is theirs no more: they wait for this very order."""
    own = select(locks.c.subject).where(locks.c.order_id == order_id, locks.c.state != _State.RELEASED.value)
    others = and_(locks.c.subject.in_(own), locks.c.order_id != order_id, locks.c.state == _State.GRANTED.value)
    connection.execute(update(locks).where(others).values(state=_State.TAKEN.value))
    waiting = and_(locks.c.order_id == order_id, locks.c.state.in_(_WAITING))
    connection.execute(update(locks).where(waiting).values(state=_State.GRANTED.value))
