"""The table of services that have failed."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from store.sql.metadata import Text, metadata

service_failures = Table(
    "service_failures",
    metadata,
    Column("id", Text, primary_key=True),
    Column("service_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("action", Text),
    Column("order_id", Text),
    Column("ordered_at", Text),
    Column("attempts", Integer, nullable=False),
    Column("outcome", Text),
    Column("ended_at", Text),
    Index(None, "state", "at", "id"),
    Index(None, "service_id", "state"),
)
"""By the event that said so. `order_id` is the last order to mend it, `attempts` how many were not for people."""
