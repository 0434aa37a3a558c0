"""Orders, the parties they relate to, and their plans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _create_orders()
    _create_plans()


def downgrade() -> None:
    for table in ("plan_nodes", "plans", "order_parties", "orders"):
        op.drop_table(table)


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("kind", _text, nullable=False),
        sa.Column("id", _text, nullable=False),
        sa.Column("parent_id", _text),
        sa.Column("root_id", _text, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", _text, nullable=False),
        sa.Column("external_id", _text),
        sa.Column("category", _text),
        sa.Column("priority", _text),
        sa.Column("client_id", _text),
        sa.Column("order_date", _text, nullable=False),
        sa.Column("requested_start_date", _text),
        sa.Column("requested_completion_date", _text),
        sa.Column("expected_completion_date", _text),
        sa.Column("completion_date", _text),
        sa.Column("digest", _text),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("document", _document, nullable=False),
        sa.Column("updated_at", _text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_orders"),
    )
    op.create_index("ix_orders_kind_order_date_id", "orders", ["kind", "order_date", "id"])
    op.create_index("ix_orders_kind_state_order_date_id", "orders", ["kind", "state", "order_date", "id"])
    op.create_index("ix_orders_kind_external_id_order_date_id", "orders", ["kind", "external_id", "order_date", "id"])
    op.create_index("ix_orders_parent_id", "orders", ["parent_id"])
    unstarted = sa.column("started", sa.Boolean()).is_(sa.false())
    op.create_index(
        "ix_orders_unstarted", "orders", ["order_date", "id"], sqlite_where=unstarted, postgresql_where=unstarted
    )
    op.create_table(
        "order_parties",
        sa.Column("kind", _text, nullable=False),
        sa.Column("order_id", _text, nullable=False),
        sa.Column("party_id", _text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "order_id", "party_id", name="pk_order_parties"),
        sa.ForeignKeyConstraint(
            ["kind", "order_id"], ["orders.kind", "orders.id"], name="fk_order_parties_orders", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_order_parties_party_id_kind", "order_parties", ["party_id", "kind"])


def _create_plans() -> None:
    op.create_table(
        "plans",
        sa.Column("order_id", _text, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("catalog_digest", _text, nullable=False),
        sa.Column("catalog_label", _text, nullable=False),
        sa.Column("graph", _document, nullable=False),
        sa.Column("document", _document, nullable=False),
        sa.Column("created_at", _text, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "revision", name="pk_plans"),
    )
    op.create_table(
        "plan_nodes",
        sa.Column("order_id", _text, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", _text, nullable=False),
        sa.Column("kind", _text, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("document", _document, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "revision", "key", name="pk_plan_nodes"),
        sa.ForeignKeyConstraint(
            ["order_id", "revision"],
            ["plans.order_id", "plans.revision"],
            name="fk_plan_nodes_plans",
            ondelete="CASCADE",
        ),
    )
