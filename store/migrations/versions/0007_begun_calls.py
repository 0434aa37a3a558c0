"""The effects that workflow tasks were about to have by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006i"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_KEY = ("root_id", "workflow_id", "key")


def upgrade() -> None:
    op.create_table(
        "begun_calls",
        *(sa.Column(name, _text, nullable=False) for name in _KEY),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_begun_calls"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("begun_calls")
