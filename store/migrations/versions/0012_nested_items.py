"""Nested items of large orders in rows of their own, as those that they are nested in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_LONGEST_KEY = 1000
_ITEM_LISTS = {"productOrder": "productOrderItem", "serviceOrder": "serviceOrderItem", "resourceOrder": "orderItem"}
_items = sa.table(
    "order_items",
    *(sa.column(name, _text) for name in ("kind", "order_id", "item_id", "parent_id")),
    *(sa.column(name, sa.Integer) for name in ("position", "depth")),
    sa.column("document", _document),
)
_parts = sa.table("order_item_parts", *(sa.column(name, _text) for name in ("kind", "order_id", "part_id", "item_id")))


def upgrade() -> None:
    op.add_column("order_items", sa.Column("parent_id", _text))
    op.add_column("order_items", sa.Column("depth", sa.Integer, nullable=False, server_default="0"))
    for kind, order_id, rows in _orders():
        name = _ITEM_LISTS[kind]
        apart = _apart([row.document for row in rows], name)
        op.get_bind().execute(
            sa.insert(_items),
            [{"kind": kind, "order_id": order_id, "position": position, **item} for position, item in enumerate(apart)],
        )
    op.drop_table("order_item_parts")


def downgrade() -> None:
    op.create_table(
        "order_item_parts",
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "order_id", "part_id", "item_id")),
        sa.PrimaryKeyConstraint("kind", "order_id", "part_id", name="pk_order_item_parts"),
        sa.ForeignKeyConstraint(
            ["kind", "order_id"], ["orders.kind", "orders.id"], name="fk_order_item_parts_orders", ondelete="CASCADE"
        ),
    )
    for kind, order_id, rows in _orders():
        name, this = _ITEM_LISTS[kind], {"kind": kind, "order_id": order_id}
        documents = {row.item_id: dict(row.document) for row in rows}
        outermost = {row.item_id: row.item_id for row in rows if row.parent_id is None}
        for row in rows:
            if row.parent_id is not None:
                documents[row.parent_id].setdefault(name, []).append(documents[row.item_id])
                outermost[row.item_id] = outermost[row.parent_id]
        whole = [
            {**this, "item_id": row.item_id, "position": row.position, "document": documents[row.item_id], "depth": 0}
            for row in rows
            if row.parent_id is None
        ]
        op.get_bind().execute(sa.insert(_items), whole)
        parts = [{**this, "part_id": part, "item_id": item} for part, item in outermost.items() if part != item]
        if parts:
            op.get_bind().execute(sa.insert(_parts), parts)
    op.drop_column("order_items", "depth")
    op.drop_column("order_items", "parent_id")


def _orders() -> Iterator[tuple[str, str, list[Any]]]:
    """Yield each order that has rows of items, with them as they were: they are removed."""
    connection = op.get_bind()
    of = _items.c
    for kind, order_id in connection.execute(sa.select(of.kind, of.order_id).distinct()).all():
        this = of.kind == kind, of.order_id == order_id
        columns = of.item_id, of.parent_id, of.position, of.document
        rows = connection.execute(sa.select(*columns).where(*this).order_by(of.position)).all()
        connection.execute(sa.delete(_items).where(*this))
        yield kind, order_id, list(rows)


def _apart(
    items: Iterable[dict[str, Any]], name: str, parent_id: str | None = None, depth: int = 0
) -> Iterator[dict[str, Any]]:
    for item in items:
        item_id, nested = _as_key(str(item["id"])), item.get(name)
        document = {key: value for key, value in item.items() if key != name} if nested else item
        yield {"item_id": item_id, "parent_id": parent_id, "depth": depth, "document": document}
        yield from _apart(nested or [], name, item_id, depth + 1)


def _as_key(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= _LONGEST_KEY else f"{text[:100]}#{hashlib.sha256(raw).hexdigest()}"
