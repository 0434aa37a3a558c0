"""Downstream systems that are away, or paused by operators."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_OPTIONAL = (
    *("away_since", "error", "probe_at", "back_at"),
    *("paused_since", "paused_until", "pause_reason", "paused_by"),
)


def upgrade() -> None:
    op.create_table(
        "systems",
        sa.Column("name", _text, nullable=False),
        sa.Column("probes", sa.Integer, nullable=False),
        *(sa.Column(name, _text) for name in _OPTIONAL),
        sa.PrimaryKeyConstraint("name", name="pk_systems"),
    )


def downgrade() -> None:
    op.drop_table("systems")
