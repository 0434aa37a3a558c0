"""The tables of the order store, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKeyConstraint, Index, Integer, Table, false

from store.sql.failures import service_failures as service_failures
from store.sql.metadata import Json as Json
from store.sql.metadata import Text as Text
from store.sql.metadata import metadata as metadata
from store.sql.operation_tables import differences as differences
from store.sql.operation_tables import reconciliations as reconciliations
from store.sql.operation_tables import recovery as recovery
from store.sql.operation_tables import setbacks as setbacks

orders = Table(
    "orders",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("parent_id", Text),
    Column("root_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("version", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("state", Text, nullable=False),
    Column("external_id", Text),
    Column("category", Text),
    Column("priority", Text),
    Column("client_id", Text),
    Column("order_date", Text, nullable=False),
    Column("requested_start_date", Text),
    Column("requested_completion_date", Text),
    Column("expected_completion_date", Text),
    Column("completion_date", Text),
    Column("digest", Text),
    Column("started", Boolean, nullable=False),
    Column("document", Json, nullable=False),
    Column("size", Integer),
    Column("entries_size", BigInteger().with_variant(Integer, "sqlite")),
    Column("updated_at", Text, nullable=False),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Index(None, "kind", "order_date", "id"),
    Index(None, "kind", "state", "order_date", "id"),
    Index(None, "kind", "external_id", "order_date", "id"),
    Index(None, "kind", "category", "order_date", "id"),
    Index(None, "kind", "priority", "order_date", "id"),
    Index(None, "kind", "requested_start_date", "order_date", "id"),
    Index(None, "kind", "requested_completion_date", "order_date", "id"),
    Index(None, "kind", "expected_completion_date", "order_date", "id"),
    Index(None, "kind", "completion_date", "order_date", "id"),
    Index(None, "parent_id"),
)
"""`size` is how many bytes the document has in JSON; empty where it was last written before that was kept.

`entries_size` is how many the entries of its lists have that are not in the document but in `order_entries`.
`epoch` is that of `recovery` in which the order was last written: versions count within one."""

Index(
    "ix_orders_unstarted",
    orders.c.order_date,
    orders.c.id,
    sqlite_where=orders.c.started.is_(false()),
    postgresql_where=orders.c.started.is_(false()),
)

# SQLite has nothing like it, and would index whole documents: migrations make it on PostgreSQL alone.
Index(
    "ix_orders_document",
    orders.c.document,
    postgresql_using="gin",
    postgresql_ops={"document": "jsonb_path_ops"},
).ddl_if(dialect="postgresql")

order_entries = Table(
    "order_entries",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("entry_id", Text, primary_key=True),
    Column("parent_id", Text),
    Column("depth", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("document", Json, nullable=False),
    ForeignKeyConstraint(["kind", "order_id"], ["orders.kind", "orders.id"], ondelete="CASCADE"),
    Index(None, "kind", "order_id", "position"),
)
"""The entries of large orders' lists, by name (`store.order_entries`), by their places; nested items have a parent."""

Index(
    "ix_order_entries_document",
    order_entries.c.document,
    postgresql_using="gin",
    postgresql_ops={"document": "jsonb_path_ops"},
).ddl_if(dialect="postgresql")

order_references = Table(
    "order_references",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("order_date", Text, nullable=False),
    ForeignKeyConstraint(["kind", "order_id"], ["orders.kind", "orders.id"], ondelete="CASCADE"),
    Index(None, "kind", "name", "key", "order_date", "order_id"),
)
"""What orders refer to (`store.documents.REFERENCES`), so that a customer's are found among millions.

An order's date never changes, so it stands here too: a page, and how many there are, are read off the index."""

order_counts = Table(
    "order_counts",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("attribute", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("number", Integer, nullable=False),
)
"""How many orders there are by kind, state and day of their date, which triggers of `orders` keep.

Each is counted once for itself, where `attribute` and `value` are empty, and once for each of `COUNTED` that it has."""

order_count_changes = Table(
    "order_count_changes",
    metadata,
    *(Column(column.name, Text, nullable=False) for column in order_counts.primary_key),
    Column("number", Integer, nullable=False),
)
"""What is still to be added to `order_counts`: on PostgreSQL writers add rows here, so that none waits for another."""

COUNTED = {
    "category": "category",
    "priority": "priority",
    "productOrderItem.productOffering.id": "productOffering",
}
"""The paths by whose values orders are counted → `attribute`: a column of `orders`, or a name in `order_references`."""

plans = Table(
    "plans",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("catalog_digest", Text, nullable=False),
    Column("catalog_label", Text, nullable=False),
    Column("graph", Json, nullable=False),
    Column("document", Json, nullable=False),
    Column("installed", Json),
    Column("created_at", Text, nullable=False),
)
"""One row a revision: the graph, of the plan itself all but its nodes, and the installed base it was made against."""

plan_nodes = Table(
    "plan_nodes",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("document", Json, nullable=False),
    ForeignKeyConstraint(["order_id", "revision"], ["plans.order_id", "plans.revision"], ondelete="CASCADE"),
)
"""One row a node, so that whoever runs it loads its own slice and no more."""

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("root_id", Text, nullable=False),
    Column("item", Text),
    Column("step", Text, nullable=False),
    Column("system", Text),
    Column("error_code", Text),
    Column("error", Text),
    Column("created_at", Text, nullable=False),
    Column("document", Json, nullable=False),
    Index(None, "created_at", "id"),
    Index(None, "kind", "state", "created_at", "id"),
    Index(None, "state", "created_at", "id"),
    Index(None, "order_id", "created_at", "id"),
    Index(None, "root_id", "created_at", "id"),
    Index(None, "system", "created_at", "id"),
    Index(None, "step", "created_at", "id"),
    Index(None, "error_code", "created_at", "id"),
)
"""What people are asked to do or to decide."""

cancellations = Table(
    "cancellations",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sent", Boolean, nullable=False),
    Column("document", Json, nullable=False),
    Column("created_at", Text, nullable=False),
    Index(None, "kind", "created_at", "id"),
    Index(None, "kind", "state", "created_at", "id"),
    Index(None, "kind", "order_id", "created_at", "id"),
)
"""The requests to cancel an order; `kind` is that of the order."""

Index(
    "ix_cancellations_unsent",
    cancellations.c.created_at,
    cancellations.c.id,
    sqlite_where=cancellations.c.sent.is_(false()),
    postgresql_where=cancellations.c.sent.is_(false()),
)

revisions = Table(
    "revisions",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("document", Json, nullable=False),
)
"""The versions of a product order. An order that was never amended has no row here."""

resource_locks = Table(
    "claims",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("accepted_at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Index(None, "order_id", "state"),
)
"""Which orders want, have or had which installed product or resource for themselves: resource locks."""

Index(
    "ix_claims_granted",
    resource_locks.c.subject,
    unique=True,
    sqlite_where=resource_locks.c.state == "granted",
    postgresql_where=resource_locks.c.state == "granted",
)

begun_calls = Table(
    "begun_calls",
    metadata,
    *(Column(name, Text, primary_key=True) for name in ("root_id", "workflow_id", "key")),
    sqlite_with_rowid=False,
)
"""Which effects the workflows of orders were about to have by local calls; the root first, by which they go."""

saga_log = Table(
    "saga_log",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("steps", Json, nullable=False),
)
"""What nodes of an order's plan did in runs of its workflow that are over. Most orders have one run, and no row."""

events = Table(
    "events",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("position", BigInteger),
    Column("id", Text, nullable=False),
    Column("api", Text, nullable=False),
    Column("root_id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("event", Json, nullable=False),
    Index(None, "api", "position"),
    Index(None, "root_id", "position"),
    Index(None, "at"),
    Index(None, "id"),
    sqlite_autoincrement=True,
)
"""What is to be told to listeners. `position` numbers what is committed: who reads by it misses nothing."""

Index("ix_events_position", events.c.position, unique=True)
Index(
    "ix_events_unnumbered",
    events.c.sequence,
    sqlite_where=events.c.position.is_(None),
    postgresql_where=events.c.position.is_(None),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("api", Text, nullable=False),
    Column("callback", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("client_id", Text),
    Column("state", Text, nullable=False),
    Column("started", Boolean, nullable=False),
    Column("stopped", Boolean, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("backlog", Integer, nullable=False),
    Column("given_up", Integer, nullable=False),
    Column("error", Text),
    Column("created_at", Text, nullable=False),
    Column("old_secrets", Json),
    Column("old_secrets_until", Text),
    Column("state_since", Text),
    Column("is_given_up", Boolean),
    Column("state_reason", Text),
    Column("missed_from", Text),
    Column("missed_event_id", Text),
    Column("failing_since", Text),
    Column("failed_at", Text),
    Index(None, "api", "created_at", "id"),
)
"""The listeners that are registered at the hubs; `digest` is that of callback and query, which no index takes whole.

`stopped` says of one that was taken off that its workflow knows, `is_given_up` of a paused one that nothing is kept for
it any more."""

Index(
    "ix_subscriptions_listener",
    subscriptions.c.api,
    subscriptions.c.digest,
    unique=True,
    sqlite_where=subscriptions.c.state != "ended",
    postgresql_where=subscriptions.c.state != "ended",
)

qualifications = Table(
    "qualifications",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("claimed_until", Text),
    Column("created_at", Text, nullable=False),
    Column("document", Json, nullable=False),
    Index(None, "kind", "created_at", "id"),
    Index(None, "kind", "state", "created_at", "id"),
    Index(None, "created_at", "id"),
)
"""What customers asked whether they can have it. Until `claimed_until` a gateway works on the answer."""

Index(
    "ix_qualifications_unfinished",
    qualifications.c.created_at,
    qualifications.c.id,
    sqlite_where=qualifications.c.finished.is_(false()),
    postgresql_where=qualifications.c.finished.is_(false()),
)

deleted_orders = Table(
    "deleted_orders",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("deleted_at", Text, nullable=False),
)
"""What is left of a deleted order: its id, which is not given to another, since systems know it."""

schema_support = Table("schema_support", metadata, Column("oldest", Text, primary_key=True))
"""The revision of the oldest release that can work with the tables: one row, for processes older than the tables."""
