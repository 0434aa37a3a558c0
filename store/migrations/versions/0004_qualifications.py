"""Qualifications of product offerings and services."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "qualifications",
        sa.Column("kind", _text, nullable=False),
        sa.Column("id", _text, nullable=False),
        sa.Column("state", _text, nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("claimed_until", _text),
        sa.Column("created_at", _text, nullable=False),
        sa.Column("document", _document, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_qualifications"),
    )
    op.create_index("ix_qualifications_kind_created_at_id", "qualifications", ["kind", "created_at", "id"])
    by_state = ["kind", "state", "created_at", "id"]
    op.create_index("ix_qualifications_kind_state_created_at_id", "qualifications", by_state)
    op.create_index("ix_qualifications_created_at_id", "qualifications", ["created_at", "id"])
    unfinished = sa.column("finished", sa.Boolean()).is_(sa.false())
    op.create_index(
        "ix_qualifications_unfinished",
        "qualifications",
        ["created_at", "id"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )


def downgrade() -> None:
    op.drop_table("qualifications")
