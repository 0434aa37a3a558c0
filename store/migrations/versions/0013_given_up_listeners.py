"""Listeners that are given up, and whose secrets are renewed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_TEXTS = (
    *("old_secrets_until", "state_since", "state_reason", "missed_from", "missed_event_id"),
    *("failing_since", "failed_at"),
)


def upgrade() -> None:
    # All without a value: those of listeners that are there are not known.
    op.add_column("subscriptions", sa.Column("old_secrets", _document))
    op.add_column("subscriptions", sa.Column("is_given_up", sa.Boolean()))
    for name in _TEXTS:
        op.add_column("subscriptions", sa.Column(name, _text))


def downgrade() -> None:
    for name in ("old_secrets", "is_given_up", *_TEXTS):
        op.drop_column("subscriptions", name)
