"""The removal of an order: the orders that it has made go too, and all that is kept beside any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, tuple_

from orders.lifecycle.states import TERMINAL, OrderKind
from store.errors import OrderNotClosedError, OwnedOrderError, UnknownOrderError
from store.order_entries import whole
from store.sql.tables import (
    begun_calls,
    cancellations,
    deleted_orders,
    differences,
    orders,
    plans,
    resource_locks,
    revisions,
    saga_log,
    setbacks,
    tasks,
)
from tmf.bodies import Document

_AT_ONCE = 500
"""How many orders one statement names."""


@dataclass(frozen=True, slots=True)
class RemovedOrder:
    """An order that is no more, as it was last."""

    kind: OrderKind
    id: str
    document: Document


def remove_tree(connection: Connection, kind: OrderKind, order_id: str, at: str) -> list[RemovedOrder]:
    """Delete a closed order with all below it, and return what was deleted, parents first.

    Raises:
        UnknownOrderError: when the store does not hold the order.
        OwnedOrderError: when another order has made it: it goes with that one.
        OrderNotClosedError: when it may still change.
    """
    chosen = select(orders).where(orders.c.kind == kind.value, orders.c.id == order_id).with_for_update()
    row = connection.execute(chosen).one_or_none()
    if row is None:
        raise UnknownOrderError(kind, order_id)
    if row.parent_id is not None:
        raise OwnedOrderError(kind, order_id, row.root_id)
    if row.state not in TERMINAL:
        raise OrderNotClosedError(kind, order_id, row.state)
    document = whole(connection, row.kind, row.id, row.document, row.entries_size)
    tree = [RemovedOrder(kind, order_id, document), *_below(connection, [order_id])]
    for start in range(0, len(tree), _AT_ONCE):
        _remove(connection, tree[start : start + _AT_ONCE])
    # A product order's plan, tasks and revisions are kept by its own id, and so are those of what it has made.
    by_root = (
        plans.c.order_id,
        revisions.c.order_id,
        resource_locks.c.order_id,
        tasks.c.root_id,
        begun_calls.c.root_id,
        setbacks.c.order_id,
        differences.c.order_id,
        saga_log.c.order_id,
    )
    for column in by_root:
        connection.execute(delete(column.table).where(column == order_id))
    connection.execute(deleted_orders.insert().values(kind=kind.value, id=order_id, deleted_at=at))
    return tree


def _below(connection: Connection, parents: Sequence[str]) -> list[RemovedOrder]:
    """Return the orders that these have made, and those that they have, and so on."""
    found: list[RemovedOrder] = []
    while parents:
        level = []
        for start in range(0, len(parents), _AT_ONCE):
            # Looked for by their parents, which are indexed; by their root they are not.
            of_these = orders.c.parent_id.in_(parents[start : start + _AT_ONCE])
            columns = orders.c.kind, orders.c.id, orders.c.document, orders.c.entries_size
            made = connection.execute(select(*columns).where(of_these)).all()
            level += [RemovedOrder(OrderKind(row.kind), row.id, whole(connection, *row)) for row in made]
        found += level
        parents = [each.id for each in level]
    return found


def _remove(connection: Connection, removed: Sequence[RemovedOrder]) -> None:
    keys = [(each.kind.value, each.id) for each in removed]
    of_these = tuple_(cancellations.c.kind, cancellations.c.order_id).in_(keys)
    connection.execute(delete(cancellations).where(of_these))
    connection.execute(delete(orders).where(tuple_(orders.c.kind, orders.c.id).in_(keys)))
