"""Resource pools and their members; products and services are documents."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

pool = Table(
    "pool",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("specification", String(100), nullable=False, index=True),
    Column("type", String(50), nullable=False),
    Column("place", String(100)),
)

# `traits` are the stocked characteristics as searchable text, `|category=gold|`;
# `given` is what orders wrote on the member, forgotten when it is released.
resource = Table(
    "resource",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("id", String(160), nullable=False, unique=True),
    Column("pool", String(120), ForeignKey("pool.id"), nullable=False),
    Column("value", String(200), nullable=False),
    Column("characteristics", JSON, nullable=False),
    Column("traits", Text, nullable=False),
    Column("resource_status", String(20), nullable=False),
    Column("usage_state", String(20), nullable=False),
    Column("administrative_state", String(20), nullable=False),
    Column("operational_state", String(20), nullable=False),
    Column("reservation_id", String(40)),
    Column("requested_by", String(500), index=True),
    Column("given", JSON, nullable=False),
    Index("resource_by_status", "pool", "resource_status"),
    Index("resource_by_value", "pool", "value", unique=True),
)

# What was said of a resource when it was recorded one by one, and is never forgotten.
recorded = Table(
    "recorded",
    metadata,
    Column("id", String(160), primary_key=True),
    Column("body", JSON, nullable=False),
)
