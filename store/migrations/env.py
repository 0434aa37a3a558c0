"""Alembic's entry: runs the migrations on the connection that `store.sql.database.migrate` hands over."""

from __future__ import annotations

from alembic import context, op
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import update

from store.sql.tables import metadata, schema_support

connection = context.config.attributes["connection"]


def note_support(ctx: MigrationContext, step: MigrationInfo, heads: object, run_args: object) -> None:
    """Keep which release is the oldest that can work with the tables: the one that knows of the last contraction."""
    module = getattr(step.up_revision, "module", None)
    if step.is_upgrade and getattr(module, "contracts", False):
        op.execute(update(schema_support).values(oldest=step.up_revision_id))


context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite can alter next to nothing of a table in place; batch mode makes the table anew.
    render_as_batch=connection.dialect.name == "sqlite",
    # A lock that one migration needs is not kept while the next one works; SQLite has one writer in any case.
    transaction_per_migration=connection.dialect.name == "postgresql",
    on_version_apply=note_support,
)
with context.begin_transaction():
    context.run_migrations()
