"""Indexes by which lists of orders are found; alone, so that orders are written while they are made."""

from __future__ import annotations

from alembic import op

from store.migrations.online import create_index

revision = "0006i"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMNS = (
    "category",
    "priority",
    "requested_start_date",
    "requested_completion_date",
    "expected_completion_date",
    "completion_date",
)


def upgrade() -> None:
    for column in _COLUMNS:
        create_index(f"ix_orders_kind_{column}_order_date_id", "orders", ["kind", column, "order_date", "id"])
    if op.get_bind().dialect.name == "postgresql":
        gin = {"postgresql_using": "gin", "postgresql_ops": {"document": "jsonb_path_ops"}}
        create_index("ix_orders_document", "orders", ["document"], **gin)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_orders_document", "orders")
    for column in _COLUMNS:
        op.drop_index(f"ix_orders_kind_{column}_order_date_id", "orders")
