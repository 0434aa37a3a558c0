"""What nodes of long orders did in runs of their workflows that are over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "saga_log",
        sa.Column("order_id", _text, nullable=False),
        sa.Column("key", _text, nullable=False),
        sa.Column("steps", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "key", name="pk_saga_log"),
    )


def downgrade() -> None:
    op.drop_table("saga_log")
