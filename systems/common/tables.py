"""Tables every reference system has: stored answers, the effect log, fault rules, and documents with their index."""

from sqlalchemy import JSON, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

stored_answer = Table(
    "stored_answer",
    metadata,
    Column("key", String(500), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer),
    Column("headers", JSON),
    Column("body", JSON),
    Column("target", String(500)),
)

effect_log = Table(
    "effect_log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("time", String(30), nullable=False),
    Column("key", String(500), nullable=False, index=True),
    Column("operation", String(50), nullable=False),
    Column("target", String(500), nullable=False, index=True),
    Column("outcome", String(20), nullable=False),
    Column("status", Integer, nullable=False),
    Column("reason", Text),
)

fault = Table(
    "fault",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("rule", JSON, nullable=False),
    Column("remaining", Integer),
)

document = Table(
    "document",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(30), nullable=False),
    Column("id", String(200), nullable=False),
    Column("body", JSON, nullable=False),
    UniqueConstraint("kind", "id"),
)

document_index = Table(
    "document_index",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(30), nullable=False),
    Column("id", String(200), nullable=False),
    Column("path", String(60), nullable=False),
    Column("value", String(500), nullable=False),
    Index("document_index_by_value", "kind", "path", "value"),
    Index("document_index_by_document", "kind", "id"),
)
