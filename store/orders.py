"""The order store's repository of orders: what the gateway reads, and what the workflows record.

Workflows own the truth; a row is their projection. Each change has a version that rises with each change of one order:
a late or repeated one is ignored, so a change that matters must be recorded before the next one is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, and_, bindparam, false, func, not_, select, tuple_, update

from orders.events import order_events as events
from orders.lifecycle.change import OrderUpdate
from orders.lifecycle.states import OrderKind
from store.documents import storable, unstorable_paths
from store.errors import DeletedOrderError, IdempotencyConflictError, UnstorableDocumentError
from store.lists.listing import ORDERS
from store.lists.pages import batches, find_page, read_documents, size_of
from store.order_entries import whole
from store.outbox import append, forget_tree
from store.recording import Opening, Recorded, Told, insert_orders, record, row_of
from store.removal import RemovedOrder, remove_tree
from store.setbacks import Work, rests
from store.sql.database import Database
from store.sql.tables import deleted_orders, orders
from tmf.bodies import Document, is_storable
from tmf.instants import read_instant, timestamp
from tmf.query.query import ListQuery, Page

_THIS = and_(orders.c.kind == bindparam("kind"), orders.c.id == bindparam("id"))
_ACCEPTED = select(orders.c.document, orders.c.entries_size, orders.c.digest).where(_THIS)
_DELETED = select(deleted_orders.c.kind, deleted_orders.c.id).where(
    tuple_(deleted_orders.c.kind, deleted_orders.c.id).in_(bindparam("keys", expanding=True))
)


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """An order as the gateway takes it in: its document has id, href, orderDate and state already.

    `digest` is that of the request body: it tells a repeated request from another one with the same id.
    """

    kind: OrderKind
    id: str
    document: Document
    client_id: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class UnstartedOrder:
    """An accepted order whose workflow is still to be started."""

    kind: OrderKind
    id: str
    document: Document


@dataclass(frozen=True, slots=True)
class LateOrder:
    """An accepted order that should have been started by now."""

    kind: OrderKind
    id: str
    accepted_at: datetime


class OrderStore:
    """Orders of all three kinds, with their documents in TM Forum's shape."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, order: AcceptedOrder) -> tuple[Document, bool]:
        """Keep a new order; return its document, and whether it is new rather than the repeat of a request.

        Raises:
            IdempotencyConflictError: when the id is taken by an order made from another body, or was by a deleted one.
            UnstorableDocumentError: when the document holds what no database keeps.
            StoreUnavailableError: when the database cannot serve; nothing is kept then.
        """
        for path in unstorable_paths(order.document):
            raise UnstorableDocumentError(path)
        document, digest, new = await self._database.write_together(_accept_all, order)
        if digest != order.digest:
            raise IdempotencyConflictError(order.kind, order.id)
        return document, new

    async def open(
        self,
        kind: OrderKind,
        order_id: str,
        document: Document,
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
        opening = Opening(kind, order_id, storable(document), parent_id, root_id, revision)
        return await self._database.write_together(record, Told(changes, opening), durable=False)

    async def record(self, changes: Sequence[OrderUpdate]) -> list[Recorded]:
        """Apply what is told of any orders, one after another in one transaction; return what became of each.

        A change is applied when its version is above the stored one. Where one is not, the others are all the same.

        Raises:
            StoreUnavailableError: when the database cannot serve; none is applied then.
        """
        if not changes:
            return []
        return await self._database.write_together(record, Told(changes), durable=False)

    async def remove(self, kind: OrderKind, order_id: str) -> list[RemovedOrder]:
        """Delete a closed order with all that it has made, in one transaction; return what was deleted, parents first.

        Raises:
            UnknownOrderError: when the store does not hold the order.
            OwnedOrderError: when another order has made it.
            OrderNotClosedError: when it may still change.
            StoreUnavailableError: when the database cannot serve; nothing is deleted then.
        """

        def removed(connection: Connection) -> list[RemovedOrder]:
            now = datetime.now(UTC)
            tree = remove_tree(connection, kind, order_id, timestamp(now))
            forget_tree(connection, order_id)
            append(connection, [events.deleted(each.kind, each.document, order_id, now) for each in tree])
            return tree

        return await self._database.write(removed)

    async def get(self, kind: OrderKind, order_id: str, fields: tuple[str, ...] | None = None) -> Document | None:
        """Return an order's document; None where there is none.

        Args:
            fields: the attributes that are wanted, beside `id` and `href`; all where it is None.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(order_id):
            return None

        def found(connection: Connection) -> Document | None:
            return read_documents(connection, ORDERS, kind.value, ListQuery(fields=fields), [order_id]).get(order_id)

        document = await self._database.read(found)
        return None if document is None else ListQuery(fields=fields).project(document)

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
        made = select(orders.c.id).where(wanted).order_by(orders.c.order_date, orders.c.id)
        return await self._database.read(lambda connection: list(connection.scalars(made)))

    async def unstarted(self, limit: int = 100) -> list[UnstartedOrder]:
        """Return accepted orders whose workflow is to be started now, oldest first: one that could not be rests first.

        Of large ones they are fewer than `limit`: together no more than fits on a page of a list, and one at least.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        size = size_of(ORDERS, OrderKind.PRODUCT, None, self._database.dialect)
        waiting = (
            select(orders.c.kind, orders.c.id, size.label("size"))
            .where(orders.c.started.is_(false()), not_(rests(Work.START, orders.c.id, datetime.now(UTC))))
            .order_by(orders.c.order_date, orders.c.id)
            .limit(limit)
        )

        def found(connection: Connection) -> list[UnstartedOrder]:
            some = next(batches(connection.execute(waiting).all(), self._database.page_bytes), [])
            documents = {
                kind: read_documents(
                    connection, ORDERS, kind, ListQuery(), [row.id for row in some if row.kind == kind]
                )
                for kind in {row.kind for row in some}
            }
            return [UnstartedOrder(OrderKind(row.kind), row.id, documents[row.kind][row.id]) for row in some]

        return await self._database.read(found)

    async def late_to_start(self, before: datetime, limit: int) -> tuple[list[LateOrder], int]:
        """Return orders accepted before a time that are not started yet, oldest first, and how many there are in all.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        late = orders.c.started.is_(false()), orders.c.order_date < timestamp(before)
        oldest = select(orders.c.kind, orders.c.id, orders.c.order_date).where(*late)
        page = oldest.order_by(orders.c.order_date, orders.c.id).limit(limit)
        count = select(func.count()).select_from(orders).where(*late)

        def found(connection: Connection) -> tuple[list[LateOrder], int]:
            rows = connection.execute(page).all()
            total = len(rows) if len(rows) < limit else connection.scalar(count) or 0
            return [LateOrder(OrderKind(row.kind), row.id, read_instant(row.order_date)) for row in rows], total

        return await self._database.read(found)

    async def was_started(self, kind: OrderKind, order_id: str) -> bool:
        """Return whether the workflow of an order is known to have been started.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        started = select(orders.c.started).where(orders.c.kind == kind.value, orders.c.id == order_id)
        return bool(await self._database.read(lambda connection: connection.scalar(started)))

    async def mark_started(self, started: Collection[tuple[OrderKind, str]]) -> None:
        """Note that the workflows of orders, each by kind and id, have been started; noting it again changes nothing.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        keys = sorted((kind.value, order_id) for kind, order_id in started)
        noted = update(orders).where(tuple_(orders.c.kind, orders.c.id).in_(keys)).values(started=True)
        await self._database.write(lambda connection: connection.execute(noted), durable=False)


def _accept_all(connection: Connection, accepted: Sequence[AcceptedOrder]) -> list[tuple[Document, str | None, bool]]:
    """Keep new orders; return what is kept of each, from which body it was made, and whether it is new."""
    now = datetime.now(UTC)
    new = insert_orders(
        connection,
        [
            row_of(
                order.kind,
                order.id,
                order.document,
                now,
                root_id=order.id,
                revision=1,
                client_id=order.client_id,
                digest=order.digest,
                started=False,
            )
            for order in accepted
        ],
    )
    kept = [order for order, is_new in zip(accepted, new, strict=True) if is_new]
    for kind, order_id in connection.execute(_DELETED, {"keys": [(order.kind.value, order.id) for order in kept]}):
        raise DeletedOrderError(kind, order_id)
    append(connection, [events.created(order.kind, order.document, order.id, now) for order in kept])
    return [
        (order.document, order.digest, True) if is_new else (*_kept(connection, order), False)
        for order, is_new in zip(accepted, new, strict=True)
    ]


def _kept(connection: Connection, order: AcceptedOrder) -> tuple[Document, str | None]:
    row = connection.execute(_ACCEPTED, {"kind": order.kind.value, "id": order.id}).one()
    return whole(connection, order.kind.value, order.id, row.document, row.entries_size), row.digest
