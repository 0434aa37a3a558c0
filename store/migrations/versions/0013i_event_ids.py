"""Events are found by their ids: an index alone, so that events are written while it is made."""

from __future__ import annotations

from alembic import op

from store.migrations.online import create_index

revision = "0013i"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("ix_events_id", "events", ["id"])


def downgrade() -> None:
    op.drop_index("ix_events_id", "events")
