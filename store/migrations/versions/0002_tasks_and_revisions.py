"""Tasks of people, requests to cancel, revisions, claims, and the installed base beside a plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("plans", sa.Column("installed", _document))
    _create_tasks()
    _create_cancellations()
    _create_revisions()
    _create_claims()


def downgrade() -> None:
    for table in ("claims", "revisions", "cancellations", "tasks"):
        op.drop_table(table)
    with op.batch_alter_table("plans") as plans:
        plans.drop_column("installed")


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", _text, nullable=False),
        sa.Column("kind", _text, nullable=False),
        sa.Column("state", _text, nullable=False),
        sa.Column("order_id", _text, nullable=False),
        sa.Column("root_id", _text, nullable=False),
        sa.Column("item", _text),
        sa.Column("step", _text, nullable=False),
        sa.Column("system", _text),
        sa.Column("error_code", _text),
        sa.Column("error", _text),
        sa.Column("created_at", _text, nullable=False),
        sa.Column("document", _document, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
    )
    op.create_index("ix_tasks_created_at_id", "tasks", ["created_at", "id"])
    op.create_index("ix_tasks_kind_state_created_at_id", "tasks", ["kind", "state", "created_at", "id"])
    for column in ("state", "order_id", "root_id", "system", "step", "error_code"):
        op.create_index(f"ix_tasks_{column}_created_at_id", "tasks", [column, "created_at", "id"])


def _create_cancellations() -> None:
    op.create_table(
        "cancellations",
        sa.Column("kind", _text, nullable=False),
        sa.Column("id", _text, nullable=False),
        sa.Column("order_id", _text, nullable=False),
        sa.Column("state", _text, nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("document", _document, nullable=False),
        sa.Column("created_at", _text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_cancellations"),
    )
    op.create_index("ix_cancellations_kind_created_at_id", "cancellations", ["kind", "created_at", "id"])
    for column in ("state", "order_id"):
        op.create_index(
            f"ix_cancellations_kind_{column}_created_at_id", "cancellations", ["kind", column, "created_at", "id"]
        )
    unsent = sa.column("sent", sa.Boolean()).is_(sa.false())
    op.create_index(
        "ix_cancellations_unsent", "cancellations", ["created_at", "id"], sqlite_where=unsent, postgresql_where=unsent
    )


def _create_revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("order_id", _text, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", _text, nullable=False),
        sa.Column("document", _document, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "number", name="pk_revisions"),
    )


def _create_claims() -> None:
    op.create_table(
        "claims",
        sa.Column("subject", _text, nullable=False),
        sa.Column("order_id", _text, nullable=False),
        sa.Column("accepted_at", _text, nullable=False),
        sa.Column("state", _text, nullable=False),
        sa.PrimaryKeyConstraint("subject", "order_id", name="pk_claims"),
    )
    op.create_index("ix_claims_order_id_state", "claims", ["order_id", "state"])
    granted = sa.text("state = 'granted'")
    op.create_index(
        "ix_claims_granted", "claims", ["subject"], unique=True, sqlite_where=granted, postgresql_where=granted
    )
