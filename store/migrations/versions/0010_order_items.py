"""Items of large orders in rows of their own.

Orders that are there stay as they are: a large one gets rows for its items when it changes next.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_items = sa.table("order_items", sa.column("kind"), sa.column("order_id"), sa.column("position"))
_item_document = sa.column("document", _document)
_ITEM_LISTS = {"productOrder": "productOrderItem", "serviceOrder": "serviceOrderItem", "resourceOrder": "orderItem"}
_orders = sa.table("orders", sa.column("kind"), sa.column("id"), sa.column("document", _document))


def _of_order(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["kind", "order_id"], ["orders.kind", "orders.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.add_column("orders", sa.Column("items_size", sa.BigInteger().with_variant(sa.Integer, "sqlite")))
    op.create_table(
        "order_items",
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "order_id", "item_id")),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("document", _document, nullable=False),
        sa.PrimaryKeyConstraint("kind", "order_id", "item_id", name="pk_order_items"),
        sa.ForeignKeyConstraint(
            ["kind", "order_id"], ["orders.kind", "orders.id"], name="fk_order_items_orders", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "order_item_parts",
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "order_id", "part_id", "item_id")),
        sa.PrimaryKeyConstraint("kind", "order_id", "part_id", name="pk_order_item_parts"),
        sa.ForeignKeyConstraint(
            ["kind", "order_id"], ["orders.kind", "orders.id"], name="fk_order_item_parts_orders", ondelete="CASCADE"
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_order_items_document",
            "order_items",
            ["document"],
            postgresql_using="gin",
            postgresql_ops={"document": "jsonb_path_ops"},
        )


def downgrade() -> None:
    connection = op.get_bind()
    items: dict[tuple[str, str], list[Any]] = defaultdict(list)
    rows = sa.select(_items.c.kind, _items.c.order_id, _item_document).select_from(_items).order_by(_items.c.position)
    for kind, order_id, document in connection.execute(rows):
        items[kind, order_id].append(document)
    for (kind, order_id), documents in items.items():
        this = _orders.c.kind == kind, _orders.c.id == order_id
        header = connection.execute(sa.select(_orders.c.document).where(*this)).scalar_one()
        whole = {**header, _ITEM_LISTS[kind]: documents}
        connection.execute(sa.update(_orders).where(*this).values(document=whole))
    op.drop_table("order_item_parts")
    op.drop_table("order_items")
    op.drop_column("orders", "items_size")
