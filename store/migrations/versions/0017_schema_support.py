"""The oldest release that can work with the tables: an older process than the one that migrated goes by it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    table = op.create_table(
        "schema_support",
        sa.Column("oldest", _text, nullable=False),
        sa.PrimaryKeyConstraint("oldest", name="pk_schema_support"),
    )
    op.bulk_insert(table, [{"oldest": revision}])


def downgrade() -> None:
    op.drop_table("schema_support")
