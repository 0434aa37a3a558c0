"""The order store's repository of revisions: the versions of an order, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, select, update

from orders.lifecycle.states import ITEM_LISTS, OrderKind
from orders.model.order_ids import root_kind
from orders.model.product_orders import Action
from orders.model.revision import Revision, RevisionState
from orders.model.server_set import as_sent
from store.documents import storable
from store.errors import UnknownOrderError
from store.order_entries import whole
from store.sql.database import Database
from store.sql.tables import orders, revisions
from tmf.bodies import Document, is_storable
from tmf.instants import as_utc


class RevisionStore:
    """The revisions of orders; the first one is the order as it came in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def propose(self, order_id: str, document: Document, author: str | None, at: datetime) -> Revision:
        """Keep a new version of an order under the next number, for its workflow to decide on.

        Raises:
            UnknownOrderError: when the store does not hold the order.
            StoreUnavailableError: when the database cannot serve; nothing is kept then.
        """

        def proposed(connection: Connection) -> Revision:
            # The order's row is locked, so that two proposals never take the same number.
            order = connection.execute(_order(order_id).with_for_update()).one_or_none()
            if order is None:
                raise UnknownOrderError(root_kind(order_id), order_id)
            connection.execute(self._database.insert_if_absent(revisions).values(**_row(_first(connection, order))))
            last = select(func.max(revisions.c.number)).where(revisions.c.order_id == order_id)
            number = connection.execute(last).scalar_one() + 1
            revision = Revision(
                order_id=order_id, number=number, author=author, requested_at=as_utc(at), document=storable(document)
            )
            connection.execute(revisions.insert().values(**_row(revision)))
            return revision

        return await self._database.write(proposed)

    async def get(self, order_id: str, number: int) -> Revision | None:
        """Return a revision; None where there is none.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(order_id):
            return None
        kept = select(revisions.c.document).where(revisions.c.order_id == order_id)

        def found(connection: Connection) -> Revision | None:
            if (document := connection.scalar(kept.where(revisions.c.number == number))) is not None:
                return Revision.model_validate(document)
            if number != 1 or connection.execute(kept.with_only_columns(revisions.c.number).limit(1)).first():
                return None
            order = connection.execute(_order(order_id)).one_or_none()
            return None if order is None else _first(connection, order)

        return await self._database.read(found)

    async def list(self, order_id: str) -> list[Revision]:
        """Return the revisions of an order, the first one first; none where there is no such order.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        if not is_storable(order_id):
            return []
        kept = select(revisions.c.document).where(revisions.c.order_id == order_id).order_by(revisions.c.number)

        def found(connection: Connection) -> list[Revision]:
            if revised := [Revision.model_validate(document) for document in connection.scalars(kept)]:
                return revised
            order = connection.execute(_order(order_id)).one_or_none()
            return [] if order is None else [_first(connection, order)]

        return await self._database.read(found)

    async def revise(self, order_id: str, number: int, document: Document) -> bool:
        """Replace what a proposal sets, as long as nobody has decided on it; return whether it was replaced.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        return await self._change(order_id, number, {"document": storable(document)})

    async def settle(self, revision: Revision) -> bool:
        """Apply or refuse a proposal, with what it did or why not; return whether it was undecided until then.

        What was proposed, when and by whom stays as it was.

        Raises:
            StoreUnavailableError: when the database cannot serve.
        """
        decided = revision.model_dump(mode="json", include={"state", "decided_at", "changes", "refusals"})
        return await self._change(revision.order_id, revision.number, storable(decided))

    async def _change(self, order_id: str, number: int, attributes: dict[str, Any]) -> bool:
        proposal = and_(
            revisions.c.order_id == order_id,
            revisions.c.number == number,
            revisions.c.state == RevisionState.PROPOSED.value,
        )

        def changed(connection: Connection) -> bool:
            kept = connection.scalar(select(revisions.c.document).where(proposal).with_for_update())
            if kept is None:
                return False
            revision = Revision.model_validate({**kept, **attributes})
            connection.execute(update(revisions).where(proposal).values(**_row(revision)))
            return True

        return await self._database.write(changed)


def _order(order_id: str) -> Select[Any]:
    return select(orders).where(orders.c.kind == root_kind(order_id).value, orders.c.id == order_id)


def _first(connection: Connection, order: Row[Any]) -> Revision:
    """Return the revision that an order is which has not been amended yet."""
    document = whole(connection, order.kind, order.id, order.document, order.entries_size)
    return Revision(
        order_id=order.id,
        number=1,
        state=RevisionState.APPLIED,
        author=order.client_id,
        requested_at=order.order_date,
        decided_at=order.order_date,
        document=_as_it_came(root_kind(order.id), document),
    )


def _as_it_came(kind: OrderKind, document: Document) -> Document:
    """Return an order as it was sent: without what only the orchestrator writes, and the products made since."""
    sent, items = as_sent(kind, document), ITEM_LISTS[kind]
    return sent | {items: [_unmade(item, items) for item in sent.get(items) or []]}


def _unmade(item: Document, name: str) -> Document:
    product, parts = item.get("product"), item.get(name)
    if item.get("action") == Action.ADD and isinstance(product, dict):
        item = {**item, "product": {attribute: value for attribute, value in product.items() if attribute != "id"}}
    return {**item, name: [_unmade(each, name) for each in parts]} if parts else item


def _row(revision: Revision) -> dict[str, Any]:
    return {
        "order_id": revision.order_id,
        "number": revision.number,
        "state": revision.state.value,
        "document": revision.model_dump(mode="json"),
    }
