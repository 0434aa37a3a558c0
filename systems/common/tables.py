"""Tables every reference system has: answers, the effect log, fault rules, documents with their index, and events."""

from sqlalchemy import JSON, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

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
    Index("document_by_kind", "kind", "sequence"),
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

# Who listens at the hub of which API; `key` is the Idempotency-Key of the registration.
subscription = Table(
    "subscription",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("hub", String(100), nullable=False, index=True),
    Column("key", String(500)),
    Column("callback", Text, nullable=False),
    Column("query", Text),
    Column("secret", String(300)),
)

# Events on their way: those of one lane, a resource, go to a listener one after the other.
# `due` is when the next attempt is, in seconds since 1970; while one is under way, when it has surely ended.
delivery = Table(
    "delivery",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("subscription", String(40), nullable=False),
    Column("lane", String(250), nullable=False),
    Column("event_id", String(40), nullable=False),
    Column("event_type", String(100), nullable=False),
    Column("body", Text, nullable=False),
    Column("made", Float, nullable=False),
    Column("due", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Index("delivery_by_lane", "subscription", "lane", "sequence"),
    Index("delivery_by_due", "due"),
)
