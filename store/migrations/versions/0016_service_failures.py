"""Services that have failed, and the orders that are to mend them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "service_failures",
        sa.Column("id", _text, nullable=False),
        sa.Column("service_id", _text, nullable=False),
        sa.Column("reason", _text, nullable=False),
        sa.Column("at", _text, nullable=False),
        sa.Column("state", _text, nullable=False),
        sa.Column("action", _text),
        sa.Column("order_id", _text),
        sa.Column("ordered_at", _text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("outcome", _text),
        sa.Column("ended_at", _text),
        sa.PrimaryKeyConstraint("id", name="pk_service_failures"),
    )
    op.create_index("ix_service_failures_state_at_id", "service_failures", ["state", "at", "id"])
    op.create_index("ix_service_failures_service_id_state", "service_failures", ["service_id", "state"])


def downgrade() -> None:
    op.drop_table("service_failures")
