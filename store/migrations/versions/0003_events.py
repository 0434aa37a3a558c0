"""The outbox of events, and the listeners that are registered for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_sequence = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_events()
    _create_subscriptions()


def downgrade() -> None:
    op.drop_table("subscriptions")
    op.drop_table("events")


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("sequence", _sequence, autoincrement=True, nullable=False),
        sa.Column("position", sa.BigInteger()),
        sa.Column("id", _text, nullable=False),
        sa.Column("api", _text, nullable=False),
        sa.Column("root_id", _text, nullable=False),
        sa.Column("at", _text, nullable=False),
        sa.Column("event", _document, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_api_position", "events", ["api", "position"])
    op.create_index("ix_events_root_id_position", "events", ["root_id", "position"])
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_position", "events", ["position"], unique=True)
    unnumbered = sa.text("position IS NULL")
    op.create_index(
        "ix_events_unnumbered", "events", ["sequence"], sqlite_where=unnumbered, postgresql_where=unnumbered
    )


def _create_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", _text, nullable=False),
        sa.Column("api", _text, nullable=False),
        sa.Column("callback", _text, nullable=False),
        sa.Column("query", _text, nullable=False),
        sa.Column("digest", _text, nullable=False),
        sa.Column("secret", _text, nullable=False),
        sa.Column("client_id", _text),
        sa.Column("state", _text, nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("backlog", sa.Integer(), nullable=False),
        sa.Column("given_up", sa.Integer(), nullable=False),
        sa.Column("error", _text),
        sa.Column("created_at", _text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
    )
    op.create_index("ix_subscriptions_api_created_at_id", "subscriptions", ["api", "created_at", "id"])
    listening = sa.text("state != 'ended'")
    op.create_index(
        "ix_subscriptions_listener",
        "subscriptions",
        ["api", "digest"],
        unique=True,
        sqlite_where=listening,
        postgresql_where=listening,
    )
