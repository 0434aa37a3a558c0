"""The order store's repository of orders: what the gateway reads, and what the workflows record.

Workflows own the truth; a row is their projection. Each change has a version that rises with each change of one order:
a late or repeated one is ignored, so a change that matters must be recorded before the next one is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from orders import events
from orders.change import OrderEntries, OrderUpdate
from orders.events import Event
from orders.instants import timestamp
from orders.lifecycle import OrderKind
from store.database import Database
from store.documents import (
    Json,
    apply_change,
    apply_entries,
    indexed_columns,
    is_storable,
    references,
    storable,
    unstorable_paths,
)
from store.errors import DeletedOrderError, IdempotencyConflictError, UnstorableDocumentError
from store.listing import ORDERS, find_page
from store.outbox import append, forget_tree
from store.query import ListQuery, Page
from store.removal import RemovedOrder, remove_tree
from store.tables import deleted_orders, order_references, orders


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """An order as the gateway takes it in: its document has id, href, orderDate and state already.

    `digest` is that of the request body: it tells a repeated request from another one with the same id.
    """

    kind: OrderKind
    id: str
    document: Json
    client_id: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class UnstartedOrder:
    """An accepted order whose workflow is still to be started."""

    kind: OrderKind
    id: str
    document: Json


class Recorded(Enum):
    """What became of a change that was told."""

    APPLIED = "applied"
    OUTDATED = "outdated"
    """A later one was told before, or this very one."""
    UNKNOWN = "unknown"
    """The store does not hold the order."""


class OrderStore:
    """Orders of all three kinds, with their documents in TM Forum's shape."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, order: AcceptedOrder) -> tuple[Json, bool]:
        """Keep a new order; return its document, and whether it is new rather than the repeat of a request.

        Raises:
            IdempotencyConflictError: when the id is taken by an order made from another body, or was by a deleted one.
            UnstorableDocumentError: when the document holds what no database keeps.
            StoreUnavailableError: when the database cannot serve; nothing is kept then.
        """
        for path in unstorable_paths(order.document):
            raise UnstorableDocumentError(path)
        row = {
            "root_id": order.id,
            "revision": 1,
            "client_id": order.client_id,
            "digest": order.digest,
            "started": False,
        }
        async with self._database.write() as connection:
            if await self._insert(connection, order.kind, order.id, order.document, row):
                await _check_not_deleted(connection, order.kind, order.id)
                await append(connection, [events.created(order.kind, order.document, order.id, datetime.now(UTC))])
                return order.document, True
            stored = (await connection.execute(select(orders).where(_is(order.kind.value, order.id)))).one()
        if stored.digest != order.digest:
            raise IdempotencyConflictError(order.kind, order.id)
        return stored.document, False

    async def open(
        self,
        kind: OrderKind,
        order_id: str,
        document: Json,
        parent_id: str,
        root_id: str,
        revision: int,
        changes: Sequence[OrderUpdate] = (),
    ) -> list[Recorded]:
        """Keep an order that a running order has made; where the id is known already, nothing changes.

        Args:
            changes: what is told of this and of other orders by then: recorded in the same transaction, after it.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        row = {"parent_id": parent_id, "root_id": root_id, "revision": revision, "started": True}
        kept = storable(document)
        async with self._database.write() as connection:
            if await self._insert(connection, kind, order_id, kept, row):
                await append(connection, [events.created(kind, kept, root_id, datetime.now(UTC))])
            return await _record(connection, changes)

    async def record(self, changes: Sequence[OrderUpdate]) -> list[Recorded]:
        """Apply what is told of any orders, one after another in one transaction; return what became of each.

        A change is applied when its version is above the stored one. Where one is not, the others are all the same.

        Raises:
            StoreUnavailableError: when the database cannot serve; none is applied then.
        """
        if not changes:
            return []
        async with self._database.write() as connection:
            return await _record(connection, changes)

    async def remove(self, kind: OrderKind, order_id: str) -> list[RemovedOrder]:
        """Delete a closed order with all that it has made, in one transaction; return what was deleted, parents first.

        Raises:
            UnknownOrderError: when the store does not hold the order.
            OwnedOrderError: when another order has made it.
            OrderNotClosedError: when it may still change.
            StoreUnavailableError: when the database cannot serve; nothing is deleted then.
        """
        now = datetime.now(UTC)
        async with self._database.write() as connection:
            removed = await remove_tree(connection, kind, order_id, timestamp(now))
            await forget_tree(connection, order_id)
            await append(connection, [events.deleted(each.kind, each.document, order_id, now) for each in removed])
        return removed

    async def get(self, kind: OrderKind, order_id: str) -> Json | None:
        """Return an order's document; None where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(order_id):
            return None
        async with self._database.read() as connection:
            found: Json | None = await connection.scalar(select(orders.c.document).where(_is(kind.value, order_id)))
        return found

    async def find(self, kind: OrderKind, query: ListQuery) -> Page:
        """Return the part of the list that the query asks for, with the count of all that match.

        Raises:
            QueryError: when too many documents would have to be read for it.
            StoreUnavailableError: when the database cannot serve.
        """
        return await find_page(self._database, ORDERS, kind, query)

    async def children(self, kind: OrderKind, parent_id: str) -> list[str]:
        """Return the ids of the orders of `kind` that an order has made, oldest first.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        wanted = and_(orders.c.parent_id == parent_id, orders.c.kind == kind.value)
        async with self._database.read() as connection:
            found = await connection.scalars(
                select(orders.c.id).where(wanted).order_by(orders.c.order_date, orders.c.id)
            )
            return list(found)

    async def unstarted(self, skip: int = 0, limit: int = 100) -> list[UnstartedOrder]:
        """Return accepted orders whose workflow is still to be started, oldest first, behind `skip` of them.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        waiting = (
            select(orders.c.kind, orders.c.id, orders.c.document)
            .where(orders.c.started.is_(false()))
            .order_by(orders.c.order_date, orders.c.id)
            .offset(skip)
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = await connection.execute(waiting)
            return [UnstartedOrder(OrderKind(row.kind), row.id, row.document) for row in rows]

    async def mark_started(self, started: Collection[tuple[OrderKind, str]]) -> None:
        """Note that the workflows of orders, each by kind and id, have been started; noting it again changes nothing.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        keys = sorted((kind.value, order_id) for kind, order_id in started)
        these = tuple_(orders.c.kind, orders.c.id).in_(keys)
        async with self._database.write() as connection:
            await connection.execute(update(orders).where(these).values(started=True))

    async def _insert(
        self, connection: AsyncConnection, kind: OrderKind, order_id: str, document: Json, row: dict[str, Any]
    ) -> bool:
        now = timestamp(datetime.now(UTC))
        columns = indexed_columns(document)
        order_date = columns.pop("order_date") or now
        values = {"kind": kind.value, "id": order_id, "version": 0, "document": document, "updated_at": now}
        values["order_date"] = order_date
        result = await connection.execute(self._database.insert_if_absent(orders).values(**columns, **values, **row))
        if result.rowcount == 0:
            return False
        await _insert_references(connection, (kind.value, order_id), document, order_date)
        return True


async def _check_not_deleted(connection: AsyncConnection, kind: OrderKind, order_id: str) -> None:
    known = and_(deleted_orders.c.kind == kind.value, deleted_orders.c.id == order_id)
    if await connection.scalar(select(deleted_orders.c.id).where(known)):
        raise DeletedOrderError(kind, order_id)


_Key = tuple[str, str]
"""Kind and id."""


@dataclass(frozen=True, slots=True)
class _Row:
    root_id: str
    version: int
    revision: int
    order_date: str
    document: Json


async def _locked(connection: AsyncConnection, keys: set[_Key]) -> dict[_Key, _Row]:
    """Return what is stored of each order, which no other writer changes until this transaction ends.

    Locks are taken in the order of the keys, so that two batches never wait for each other.
    """
    kept = (orders.c[field.name] for field in fields(_Row))
    rows = await connection.execute(
        select(orders.c.kind, orders.c.id, *kept)
        .where(tuple_(orders.c.kind, orders.c.id).in_(sorted(keys)))
        .order_by(orders.c.kind, orders.c.id)
        .with_for_update()
    )
    return {(kind, order_id): _Row(*row) for kind, order_id, *row in rows}


async def _record(connection: AsyncConnection, changes: Sequence[OrderUpdate]) -> list[Recorded]:
    if not changes:
        return []
    stored = await _locked(connection, {_key(change) for change in changes})
    rows, now = dict(stored), datetime.now(UTC)
    made: list[Event] = []
    outcomes = [_applied(rows, change, made, now) for change in changes]
    for key in sorted(rows):
        if rows[key] is not stored[key]:
            await _update(connection, key, rows[key])
            if references(rows[key].document) != references(stored[key].document):
                await _replace_references(connection, key, rows[key])
    await append(connection, made)
    return outcomes


def _applied(rows: dict[_Key, _Row], change: OrderUpdate, made: list[Event], now: datetime) -> Recorded:
    """Apply what is told to its row, where it is new, and add the events that it makes."""
    row = rows.get(_key(change))
    if row is None:
        return Recorded.UNKNOWN
    if isinstance(change, OrderEntries):
        document = apply_entries(row.document, change)
        if document is row.document:
            return Recorded.OUTDATED
        rows[_key(change)] = replace(row, document=document)
        made += events.extended(change, row.document, document, row.root_id, now)
        return Recorded.APPLIED
    if change.version <= row.version:
        return Recorded.OUTDATED
    revision = row.revision if change.revision is None else change.revision
    document = apply_change(row.document, change)
    rows[_key(change)] = replace(row, version=change.version, revision=revision, document=document)
    made += events.changed(change, row.document, document, row.root_id, now)
    return Recorded.APPLIED


def _key(change: OrderUpdate) -> _Key:
    return change.kind.value, change.order_id


async def _update(connection: AsyncConnection, key: _Key, row: _Row) -> None:
    columns = indexed_columns(row.document)
    del columns["order_date"]
    values = {"version": row.version, "revision": row.revision, "document": row.document}
    now = timestamp(datetime.now(UTC))
    await connection.execute(update(orders).where(_is(*key)).values(**values, updated_at=now, **columns))


def _is(kind: str, order_id: str) -> ColumnElement[bool]:
    return and_(orders.c.kind == kind, orders.c.id == order_id)


async def _replace_references(connection: AsyncConnection, key: _Key, row: _Row) -> None:
    kind, order_id = key
    referring = and_(order_references.c.kind == kind, order_references.c.order_id == order_id)
    await connection.execute(delete(order_references).where(referring))
    await _insert_references(connection, key, row.document, row.order_date)


async def _insert_references(connection: AsyncConnection, key: _Key, document: Json, order_date: str) -> None:
    kind, order_id = key
    order = {"kind": kind, "order_id": order_id, "order_date": order_date}
    rows = [{**order, "name": name, "key": value} for name, value in sorted(references(document))]
    if rows:
        await connection.execute(insert(order_references), rows)
