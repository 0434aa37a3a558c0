"""Epochs of orders, the recovery mode, and what reconciliations have found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013i"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    # With a default of the server, so that no row is written anew and releases before this one can add orders.
    op.add_column("orders", sa.Column("epoch", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "recovery",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("compared", sa.Integer, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        *(sa.Column(name, _text, nullable=False) for name in ("since", "who", "why")),
        sa.PrimaryKeyConstraint("id", name="pk_recovery"),
    )
    op.create_table(
        "differences",
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "id")),
        *(sa.Column(name, _text) for name in ("order_id", "workflow_id")),
        *(sa.Column(name, _text, nullable=False) for name in ("error", "since", "at")),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_differences"),
    )
    op.create_index("ix_differences_since_kind_id", "differences", ["since", "kind", "id"])
    op.create_table(
        "reconciliations",
        *(sa.Column(name, _text, nullable=False) for name in ("id", "started_at")),
        sa.Column("document", _document, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliations"),
    )
    op.create_index("ix_reconciliations_started_at", "reconciliations", ["started_at"])


def downgrade() -> None:
    for table in ("reconciliations", "differences", "recovery"):
        op.drop_table(table)
    op.drop_column("orders", "epoch")
