"""The order store's repository of posted orders as a reconciliation looks at them: which run, and how they stand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, select, true, update

from orders.lifecycle.change import OrderChange
from orders.lifecycle.states import TERMINAL, OrderKind, OrderState
from orders.model.order_ids import root_kind
from store.recording import Told, record
from store.recovery import EPOCH
from store.sql.database import Database
from store.sql.tables import begun_calls, deleted_orders, orders, resource_locks, tasks
from tmf.instants import read_instant, timestamp

_OPEN = [state.value for state in OrderState if state not in TERMINAL]
_KINDS = [kind.value for kind in OrderKind]
_RUNNING = and_(
    orders.c.kind.in_(_KINDS), orders.c.state.in_(_OPEN), orders.c.parent_id.is_(None), orders.c.started.is_(true())
)
_BEFORE_ALL = -1
"""An epoch in which nothing was written that counts."""
_CHILD = orders.alias("child")


@dataclass(frozen=True, slots=True)
class Standing:
    """How an order stands in the store."""

    kind: OrderKind
    id: str
    root_id: str
    state: OrderState
    revision: int
    started: bool
    changed_at: datetime

    @property
    def has_ended(self) -> bool:
        return self.state in TERMINAL


class PostedOrders:
    """How orders stand, by their ids and in parts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, limit: int, changed_since: datetime) -> list[str]:
        """Return the ids of posted orders that were started, have not ended, and changed since then, newest first.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        changed = orders.c.updated_at > timestamp(changed_since)
        found = select(orders.c.id).where(_RUNNING, changed).order_by(orders.c.order_date.desc()).limit(limit)
        return await self._database.read(lambda connection: list(connection.scalars(found)))

    async def running(self, limit: int, after: str = "") -> list[Standing]:
        """Return posted orders that were started and have not ended, by their ids, from the one behind `after` on.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        page = _standings(_RUNNING, orders.c.id > after).order_by(orders.c.id).limit(limit)
        return await self._database.read(lambda connection: [_standing(row) for row in connection.execute(page)])

    async def standings(self, ids: Collection[str]) -> dict[str, Standing]:
        """Return how those of these orders stand that the store has, made by others or posted, by their ids.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not ids:
            return {}
        these = _standings(orders.c.kind.in_(_KINDS), orders.c.id.in_(sorted(ids)))
        return await self._database.read(
            lambda connection: {row.id: _standing(row) for row in connection.execute(these)}
        )

    async def deleted(self, ids: Collection[str]) -> set[str]:
        """Return those of these orders that were deleted after they had ended.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not ids:
            return set()
        gone = deleted_orders.c.kind.in_(_KINDS), deleted_orders.c.id.in_(sorted(ids))
        these = select(deleted_orders.c.id).where(*gone)
        return await self._database.read(lambda connection: set(connection.scalars(these)))

    async def start_again(self, order_id: str) -> bool:
        """Have an order started again that has had no effect yet; return whether that is so.

        It has had none where it was being planned only: nothing is below it, no task was opened, no call begun.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        this = orders.c.kind == root_kind(order_id).value, orders.c.id == order_id
        untouched = (
            orders.c.state.in_([OrderState.ACKNOWLEDGED.value, OrderState.PENDING.value]),
            ~exists().where(_CHILD.c.parent_id == order_id),
            ~exists().where(tasks.c.root_id == order_id),
            ~exists().where(begun_calls.c.root_id == order_id),
        )
        # What its workflow tells anew counts from the beginning.
        again = update(orders).where(*this, *untouched).values(started=False, version=0, epoch=_BEFORE_ALL)
        return await self._database.write(lambda connection: connection.execute(again).rowcount > 0)

    async def follow(self, change: OrderChange) -> None:
        """Bring an order to where its workflow is, whose next change is taken by the version behind this one.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        this = orders.c.kind == change.kind.value, orders.c.id == change.order_id
        anew = update(orders).where(*this).values(epoch=_BEFORE_ALL)

        def followed(connection: Connection) -> None:
            connection.execute(anew)
            record(connection, [Told([change])])

        await self._database.write(followed)

    async def locked(self, subjects: Collection[str]) -> set[str]:
        """Return those of these subjects that an order has locked which has not ended: something is done with them.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not subjects:
            return set()
        its = and_(orders.c.kind.in_(_KINDS), orders.c.id == resource_locks.c.order_id, orders.c.state.in_(_OPEN))
        held = select(resource_locks.c.subject).where(
            resource_locks.c.subject.in_(sorted(subjects)), resource_locks.c.state != "released", exists().where(its)
        )
        return await self._database.read(lambda connection: set(connection.scalars(held)))

    async def holding_locks(self, limit: int, after: str = "", only: str | None = None) -> list[str]:
        """Return orders that have locked something though they are over, by their ids, from the one behind `after` on.

        Args:
            only: the one order that is looked at.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        its = and_(orders.c.kind.in_(_KINDS), orders.c.id == resource_locks.c.order_id, orders.c.state.in_(_OPEN))
        held: list[ColumnElement[Any]] = [resource_locks.c.state != "released", resource_locks.c.order_id > after]
        held += [resource_locks.c.order_id == only] if only else []
        found = (
            select(resource_locks.c.order_id)
            .distinct()
            .where(*held, ~exists().where(its))
            .order_by(resource_locks.c.order_id)
            .limit(limit)
        )
        return await self._database.read(lambda connection: list(connection.scalars(found)))

    async def epoch(self) -> int:
        """Return the epoch of the store.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        return await self._database.read(lambda connection: int(connection.scalar(select(EPOCH)) or 0))


def _standings(*wanted: ColumnElement[bool]) -> Any:
    columns = ("kind", "id", "root_id", "state", "revision", "started", "updated_at")
    return select(*(orders.c[name] for name in columns)).where(*wanted)


def _standing(row: Any) -> Standing:
    changed_at = read_instant(row.updated_at)
    return Standing(
        OrderKind(row.kind), row.id, row.root_id, OrderState(row.state), row.revision, row.started, changed_at
    )
