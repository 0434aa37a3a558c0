"""Entries of large orders' lists in rows of their own: nested items, milestones, alerts and notes as well as items.

Milestones, alerts and notes that are there stay in the documents of their orders, which get rows for them when they
change as a whole.
"""

from __future__ import annotations

import hashlib
import json
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
_AT_ONCE = 1000


def _table(name: str, *texts: str) -> sa.TableClause:
    numbers = (sa.column("position", sa.Integer), sa.column("depth", sa.Integer))
    return sa.table(name, *(sa.column(each, _text) for each in texts), *numbers, sa.column("document", _document))


_items = _table("order_items", "kind", "order_id", "item_id")
_parts = _table("order_item_parts", "kind", "order_id", "part_id", "item_id")
_entries = _table("order_entries", "kind", "order_id", "name", "entry_id", "parent_id")
_orders = sa.table(
    "orders",
    *(sa.column(name, _text) for name in ("kind", "id")),
    *(sa.column(name, sa.BigInteger) for name in ("size", "entries_size")),
    sa.column("document", _document),
)


def upgrade() -> None:
    op.create_table(
        "order_entries",
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "order_id", "name", "entry_id")),
        sa.Column("parent_id", _text),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("document", _document, nullable=False),
        sa.PrimaryKeyConstraint("kind", "order_id", "name", "entry_id", name="pk_order_entries"),
        _of_order("fk_order_entries_orders"),
    )
    op.create_index("ix_order_entries_kind_order_id_position", "order_entries", ["kind", "order_id", "position"])
    for kind, order_id in _with_rows(_items):
        own = _items.c.kind == kind, _items.c.order_id == order_id
        documents = sa.select(_items.c.document).where(*own).order_by(_items.c.position)
        apart = _apart(op.get_bind().scalars(documents).all(), _ITEM_LISTS[kind])
        of = {"kind": kind, "order_id": order_id, "name": _ITEM_LISTS[kind]}
        _insert(_entries, [{**of, "position": position, **entry} for position, entry in enumerate(apart)])
    op.drop_table("order_item_parts")
    op.drop_table("order_items")
    op.execute("ALTER TABLE orders RENAME COLUMN items_size TO entries_size")
    _index("order_entries")


def downgrade() -> None:
    op.create_table(
        "order_items",
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "order_id", "item_id")),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("document", _document, nullable=False),
        sa.PrimaryKeyConstraint("kind", "order_id", "item_id", name="pk_order_items"),
        _of_order("fk_order_items_orders"),
    )
    op.create_table(
        "order_item_parts",
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "order_id", "part_id", "item_id")),
        sa.PrimaryKeyConstraint("kind", "order_id", "part_id", name="pk_order_item_parts"),
        _of_order("fk_order_item_parts_orders"),
    )
    for kind, order_id in _with_rows(_entries):
        _put_back(kind, order_id)
    op.drop_table("order_entries")
    op.execute("ALTER TABLE orders RENAME COLUMN entries_size TO items_size")
    _index("order_items")


def _put_back(kind: str, order_id: str) -> None:
    """Put nested items into those that they are nested in, and other entries into the order's document."""
    connection, of, name = op.get_bind(), {"kind": kind, "order_id": order_id}, _ITEM_LISTS[kind]
    own = _entries.c.kind == kind, _entries.c.order_id == order_id
    rows = connection.execute(sa.select(_entries).where(*own).order_by(_entries.c.position)).all()
    items = {row.entry_id: dict(row.document) for row in rows if row.name == name}
    outermost: dict[str, str] = {}
    others: dict[str, list[Any]] = {}
    for row in rows:
        if row.name != name:
            others.setdefault(row.name, []).append(row.document)
        elif row.parent_id is None:
            outermost[row.entry_id] = row.entry_id
        else:
            outermost[row.entry_id] = outermost[row.parent_id]
            items[row.parent_id].setdefault(name, []).append(items[row.entry_id])
    whole = [key for key, around in outermost.items() if key == around]
    _insert(
        _items,
        [{**of, "item_id": key, "position": place, "document": items[key]} for place, key in enumerate(whole)],
    )
    parts = [{**of, "part_id": key, "item_id": around} for key, around in outermost.items() if key != around]
    _insert(_parts, parts)
    if others:
        this = _orders.c.kind == kind, _orders.c.id == order_id
        header = connection.execute(sa.select(_orders.c.document).where(*this)).scalar_one()
        size = sum(len(json.dumps(items[key], separators=(",", ":"), ensure_ascii=False).encode()) for key in whole)
        values = {"document": {**header, **others}, "size": None, "entries_size": size}
        connection.execute(sa.update(_orders).where(*this).values(values))


def _with_rows(table: sa.TableClause) -> list[tuple[str, str]]:
    """Return the kind and id of each order that has rows."""
    found = op.get_bind().execute(sa.select(table.c.kind, table.c.order_id).distinct())
    return [(row.kind, row.order_id) for row in found]


def _insert(table: sa.TableClause, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        op.get_bind().execute(sa.insert(table), rows[start : start + _AT_ONCE])


def _apart(
    items: Iterable[dict[str, Any]], name: str, parent_id: str | None = None, depth: int = 0
) -> Iterator[dict[str, Any]]:
    """Yield each item, before those that are nested in it."""
    for item in items:
        entry_id, nested = _as_key(str(item["id"])), item.get(name)
        document = {key: value for key, value in item.items() if key != name} if nested else item
        yield {"entry_id": entry_id, "parent_id": parent_id, "depth": depth, "document": document}
        yield from _apart(nested or [], name, entry_id, depth + 1)


def _as_key(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= _LONGEST_KEY else f"{text[:100]}#{hashlib.sha256(raw).hexdigest()}"


def _of_order(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["kind", "order_id"], ["orders.kind", "orders.id"], name=name, ondelete="CASCADE")


def _index(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            f"ix_{table}_document",
            table,
            ["document"],
            postgresql_using="gin",
            postgresql_ops={"document": "jsonb_path_ops"},
        )
