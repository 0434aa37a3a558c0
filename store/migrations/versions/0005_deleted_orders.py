"""The ids of orders that were deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "deleted_orders",
        sa.Column("kind", _text, nullable=False),
        sa.Column("id", _text, nullable=False),
        sa.Column("deleted_at", _text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_deleted_orders"),
    )


def downgrade() -> None:
    op.drop_table("deleted_orders")
