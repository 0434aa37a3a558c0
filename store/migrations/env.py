"""Alembic's entry: runs the migrations on the connection that `store.sql.database.migrate` hands over."""

from __future__ import annotations

from alembic import context

from store.sql.tables import metadata

connection = context.config.attributes["connection"]
# SQLite can alter next to nothing of a table in place; batch mode makes the table anew.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
