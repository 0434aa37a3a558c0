"""The tables of what operators look at: what does not get on, and what does not agree."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table

from store.sql.metadata import Json, Text, metadata

setbacks = Table(
    "setbacks",
    metadata,
    Column("work", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("what", Text, nullable=False),
    Column("order_id", Text),
    Column("workflow_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("since", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("next_at", Text, nullable=False),
    Column("error", Text, nullable=False),
    Index(None, "next_at"),
)
"""What is tried again and again: a row is there for as long as it does not succeed, and rests until `next_at`."""

recovery = Table(
    "recovery",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("compared", Integer, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("since", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
)
"""How often something was restored (`epoch`), up to which of them orders were compared with their workflows since, and
whether sweeps only report: one row, or none before it ever was."""

differences = Table(
    "differences",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("order_id", Text),
    Column("workflow_id", Text),
    Column("error", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("looks", Integer, nullable=False),
    Index(None, "since", "kind", "id"),
)
"""Where orders, workflows and systems do not agree, as the last reconciliation has found it."""

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("started_at", Text, nullable=False),
    Column("document", Json, nullable=False),
    Index(None, "started_at"),
)
"""What each reconciliation has looked at, found and mended."""

systems = Table(
    "systems",
    metadata,
    Column("name", Text, primary_key=True),
    Column("probes", Integer, nullable=False),
    Column("away_since", Text),
    Column("error", Text),
    Column("probe_at", Text),
    Column("back_at", Text),
    Column("paused_since", Text),
    Column("paused_until", Text),
    Column("pause_reason", Text),
    Column("paused_by", Text),
)
"""Downstream systems that are away or paused, or were."""
