"""Pending and finished changes, and settings; what is configured in the network are documents."""

from sqlalchemy import JSON, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

# `due` is when an accepted change will be done, in seconds since 1970.
monitor = Table(
    "monitor",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("kind", String(30), nullable=False),
    Column("target", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("operation", String(50), nullable=False),
    Column("method", String(10), nullable=False),
    Column("body", JSON, nullable=False),
    Column("key", String(500), nullable=False),
    Column("due", Float, nullable=False),
    Column("failure", Text),
    Column("response", JSON),
    Index("monitor_by_due", "state", "due"),
    Index("monitor_by_target", "kind", "target", "state"),
)

# By what address a change was asked for: the events of its end have it in their hrefs.
monitor_address = Table(
    "monitor_address",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("address", Text, nullable=False),
)

# Which fault concerns how the end of a change is told, where one does.
monitor_fault = Table(
    "monitor_fault",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(30), nullable=False),
)

# One row for each specification with settings of its own; the row "" is for all others.
setting = Table(
    "setting",
    metadata,
    Column("specification", String(100), primary_key=True),
    Column("latency_ms", Integer),
    Column("mode", String(10)),
)
