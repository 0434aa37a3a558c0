"""The size of each order's document, so that a page of a list knows how many it may hold before it reads any."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a value where it is not known, so that no row has to be written anew: documents are measured then.
    op.add_column("orders", sa.Column("size", sa.Integer))


def downgrade() -> None:
    op.drop_column("orders", "size")
