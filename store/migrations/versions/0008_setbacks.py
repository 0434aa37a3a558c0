"""What is tried again and again, and what goes wrong with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "setbacks",
        sa.Column("work", _text, nullable=False),
        sa.Column("id", _text, nullable=False),
        sa.Column("what", _text, nullable=False),
        sa.Column("order_id", _text),
        sa.Column("workflow_id", _text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("since", _text, nullable=False),
        sa.Column("at", _text, nullable=False),
        sa.Column("next_at", _text, nullable=False),
        sa.Column("error", _text, nullable=False),
        sa.PrimaryKeyConstraint("work", "id", name="pk_setbacks"),
    )
    op.create_index("ix_setbacks_next_at", "setbacks", ["next_at"])


def downgrade() -> None:
    op.drop_index("ix_setbacks_next_at", "setbacks")
    op.drop_table("setbacks")
