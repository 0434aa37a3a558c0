"""The order store's repository of requests to cancel: cancelProductOrder of TMF622, and its like in 641 and 652."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, not_, select, update

from orders.events import order_events as events
from orders.lifecycle.states import OrderKind
from store.documents import storable
from store.lists.listing import Listed
from store.lists.pages import find_page
from store.outbox import append
from store.setbacks import Work, rests
from store.sql.database import Database
from store.sql.tables import cancellations, orders
from tmf.bodies import Document, is_storable
from tmf.instants import timestamp
from tmf.query.query import ListQuery, Page

_PROGRESS = {"acknowledged": 0, "accepted": 0, "inProgress": 1, "done": 2, "terminatedWithError": 2}
"""How far a request is in each of its states; TMF641 spells the first one `accepted`."""


@dataclass(frozen=True, slots=True)
class UnsentCancel:
    """A request to cancel that the order's workflow is still to be told of."""

    kind: OrderKind
    id: str
    order_id: str
    document: Document


class CancelStore:
    """Requests to cancel orders of all three kinds, with their documents in TM Forum's shape."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, kind: OrderKind, cancel_id: str, order_id: str, document: Document, at: datetime) -> None:
        """Keep a new request, in the state that its document has; where the id is known already, nothing changes.

        Raises:
            StoreUnavailableError: when the database cannot serve; nothing is kept then.
        """
        row: dict[str, Any] = {
            "kind": kind.value,
            "id": cancel_id,
            "order_id": order_id,
            "state": document["state"],
            "sent": False,
            "document": storable(document),
            "created_at": timestamp(at),
        }
        made = self._database.insert_if_absent(cancellations).values(**row)

        def kept(connection: Connection) -> None:
            if connection.execute(made).rowcount:
                root_id = _locked_root(connection, kind, order_id)
                append(connection, [events.cancellation_created(kind, row["document"], root_id, at)])

        await self._database.write(kept)

    async def get(self, kind: OrderKind, cancel_id: str) -> Document | None:
        """Return a request's document; None where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(cancel_id):
            return None
        this = select(cancellations.c.document).where(_is(kind.value, cancel_id))
        found: Document | None = await self._database.read(lambda connection: connection.scalar(this))
        return found

    async def find(self, kind: OrderKind, query: ListQuery) -> Page:
        """Return the part of the list that the query asks for, with the count of all that match.

        Raises:
            QueryError: when too many documents would have to be read for it.
            StoreUnavailableError: when the database cannot serve.
        """
        return await find_page(self._database, _listed(kind), kind, query)

    async def settle(self, kind: OrderKind, cancel_id: str, state: str, /, **attributes: Any) -> bool:
        """Bring a request to a state that is further on, and set attributes of its document; return whether it did.

        Whoever settles it knows of it: from then on it is not among the unsent.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        this = _is(kind.value, cancel_id)

        def settled(connection: Connection) -> bool:
            order_id = connection.scalar(select(cancellations.c.order_id).where(this))
            if order_id is None:
                return False
            # Whoever locks both locks the order first.
            root_id = _locked_root(connection, kind, order_id)
            row = connection.execute(select(cancellations).where(this).with_for_update()).one_or_none()
            if row is None or _PROGRESS[state] <= _PROGRESS[row.state]:
                return False
            document = {**row.document, **storable(attributes), "state": state}
            connection.execute(update(cancellations).where(this).values(state=state, sent=True, document=document))
            append(connection, [events.cancellation_changed(kind, document, root_id, datetime.now(UTC))])
            return True

        return await self._database.write(settled)

    async def unsent(self, limit: int = 100) -> list[UnsentCancel]:
        """Return requests that the order's workflow is to be told of now, oldest first: what could not be rests first.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        waiting = (
            select(cancellations)
            .where(
                cancellations.c.sent.is_(false()),
                not_(rests(Work.CANCELLATION, cancellations.c.id, datetime.now(UTC))),
            )
            .order_by(cancellations.c.created_at, cancellations.c.id)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(waiting).all())
        return [UnsentCancel(OrderKind(row.kind), row.id, row.order_id, row.document) for row in rows]

    async def mark_sent(self, kind: OrderKind, cancel_id: str) -> None:
        """Note that the order's workflow has been told of a request; noting it again changes nothing.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        sent = update(cancellations).where(_is(kind.value, cancel_id)).values(sent=True)
        await self._database.write(lambda connection: connection.execute(sent))


def _locked_root(connection: Connection, kind: OrderKind, order_id: str) -> str:
    """Return the id of the root of an order's tree.

    The order is locked, so that its events are in the sequence in which they are committed.
    """
    root = select(orders.c.root_id).where(orders.c.kind == kind.value, orders.c.id == order_id)
    return connection.scalar(root.with_for_update()) or order_id


def _listed(kind: OrderKind) -> Listed:
    own = cancellations.c
    return Listed(cancellations, {"id": own.id, "state": own.state, f"{kind.value}.id": own.order_id}, own.created_at)


def _is(kind: str, cancel_id: str) -> ColumnElement[bool]:
    return and_(cancellations.c.kind == kind, cancellations.c.id == cancel_id)
