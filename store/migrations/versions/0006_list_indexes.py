"""What lists of orders are found and counted by: references, counts, and indexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from store.documents import indexed_columns, references

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BATCH = 500

_text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_orders = sa.table(
    "orders",
    *(sa.column(name, _text) for name in ("kind", "id", "state", "external_id", "category", "priority", "order_date")),
    sa.column("document", _document),
)
_references = sa.table("order_references", *(sa.column(name, _text) for name in ("kind", "order_id", "name", "key")))
_TEXTS = ("state", "external_id", "category", "priority")

_TRIGGERS_ON_SQLITE = {
    "insert": "AFTER INSERT ON orders BEGIN {add} END",
    "update": "AFTER UPDATE OF state ON orders WHEN OLD.state <> NEW.state BEGIN {take} {add} END",
    "delete": "AFTER DELETE ON orders BEGIN {take} END",
}
_ADD = """
    UPDATE order_counts SET number = number + 1
    WHERE kind = NEW.kind AND state = NEW.state AND day = substr(NEW.order_date, 1, 10);
    INSERT INTO order_counts SELECT NEW.kind, NEW.state, substr(NEW.order_date, 1, 10), 1 WHERE changes() = 0;
"""
_TAKE = """
    UPDATE order_counts SET number = number - 1
    WHERE kind = OLD.kind AND state = OLD.state AND day = substr(OLD.order_date, 1, 10);
"""

# Writers only ever add rows, so that none waits for another's; now and then one of them sums up what it finds.
_COUNTING_ON_POSTGRESQL = """
CREATE FUNCTION count_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO order_counts VALUES (OLD.kind, OLD.state, left(OLD.order_date, 10), -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO order_counts VALUES (NEW.kind, NEW.state, left(NEW.order_date, 10), 1);
    END IF;
    IF random() < 0.002 AND pg_try_advisory_xact_lock(hashtext('order_counts')) THEN
        PERFORM sum_up_order_counts();
    END IF;
    RETURN NULL;
END $$
"""
_SUMMING_UP_ON_POSTGRESQL = """
CREATE FUNCTION sum_up_order_counts() RETURNS void LANGUAGE sql AS $$
    WITH several AS (
        SELECT kind, state, day FROM order_counts GROUP BY kind, state, day HAVING count(*) > 1
    ), gone AS (
        DELETE FROM order_counts USING several
        WHERE (order_counts.kind, order_counts.state, order_counts.day) = (several.kind, several.state, several.day)
        RETURNING order_counts.*
    )
    INSERT INTO order_counts SELECT kind, state, day, sum(number) FROM gone GROUP BY kind, state, day
    HAVING sum(number) <> 0
$$
"""
_TRIGGERS_ON_POSTGRESQL = {
    "insert": "AFTER INSERT ON orders FOR EACH ROW",
    "update": "AFTER UPDATE OF state ON orders FOR EACH ROW WHEN (OLD.state <> NEW.state)",
    "delete": "AFTER DELETE ON orders FOR EACH ROW",
}

# `store.documents.as_instant` is the same for SQLite and for documents at hand.
_INSTANT_ON_POSTGRESQL = r"""
CREATE FUNCTION order_instant(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    part text[] := regexp_match(value, '^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T((?:[01][0-9]|2[0-3]):[0-5][0-9])'
        '(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?(Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])?)?$');
    moment timestamp;
BEGIN
    IF part IS NULL THEN
        RETURN NULL;
    END IF;
    moment := (part[1] || ' ' || coalesce(part[2], '00:00') || ':' || coalesce(part[3], '00')
        || replace(coalesce(part[5], 'Z'), 'Z', '+00'))::timestamptz AT TIME ZONE 'UTC';
    IF extract(year FROM moment) NOT BETWEEN 1 AND 9999 THEN
        RETURN NULL;
    END IF;
    RETURN to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS.') || rpad(left(coalesce(part[4], ''), 3), 3, '0') || 'Z';
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    _create_references()
    _create_counts()
    op.create_index("ix_orders_kind_category_order_date_id", "orders", ["kind", "category", "order_date", "id"])
    op.create_index("ix_orders_kind_priority_order_date_id", "orders", ["kind", "priority", "order_date", "id"])
    by_start = ["kind", "requested_start_date", "order_date", "id"]
    op.create_index("ix_orders_kind_requested_start_date_order_date_id", "orders", by_start)
    if _on_postgresql():
        # With its usual statistics a week weighs as much as a month, and all orders are gone through by their date.
        op.execute("ALTER TABLE orders ALTER COLUMN requested_start_date SET STATISTICS 1000")
        _execute(_INSTANT_ON_POSTGRESQL)
        op.create_index(
            "ix_orders_document",
            "orders",
            ["document"],
            postgresql_using="gin",
            postgresql_ops={"document": "jsonb_path_ops"},
        )


def downgrade() -> None:
    for name in _TRIGGERS_ON_POSTGRESQL:
        op.execute(f"DROP TRIGGER count_orders_on_{name}" + (" ON orders" if _on_postgresql() else ""))
    if _on_postgresql():
        for function in ("count_orders()", "sum_up_order_counts()", "order_instant(text)"):
            op.execute(f"DROP FUNCTION {function}")
        op.drop_index("ix_orders_document", "orders")
        op.execute("ALTER TABLE orders ALTER COLUMN requested_start_date SET STATISTICS -1")
    for column in ("category", "priority", "requested_start_date"):
        op.drop_index(f"ix_orders_kind_{column}_order_date_id", "orders")
    op.drop_table("order_counts")
    _restore_parties()
    op.drop_table("order_references")


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _execute(statement: str) -> None:
    """Execute a statement as it stands: its colons are no parameters."""
    op.get_bind().exec_driver_sql(statement)


def _create_references() -> None:
    op.create_table(
        "order_references",
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "order_id", "name", "key")),
        sa.PrimaryKeyConstraint("kind", "order_id", "name", "key", name="pk_order_references"),
        sa.ForeignKeyConstraint(
            ["kind", "order_id"], ["orders.kind", "orders.id"], name="fk_order_references_orders", ondelete="CASCADE"
        ),
    )
    last = ("", "")
    while found := _next_orders(last):
        for row in found:
            _shorten(row)
        rows = [
            {"kind": row.kind, "order_id": row.id, "name": name, "key": key}
            for row in found
            for name, key in references(row.document)
        ]
        if rows:
            op.get_bind().execute(sa.insert(_references), rows)
        last = (found[-1].kind, found[-1].id)
    op.create_index(
        "ix_order_references_kind_name_key_order_id", "order_references", ["kind", "name", "key", "order_id"]
    )
    op.drop_table("order_parties")


def _next_orders(last: tuple[str, str]) -> Sequence[sa.Row[Any]]:
    key = sa.tuple_(_orders.c.kind, _orders.c.id)
    after = sa.select(_orders).where(key > sa.tuple_(*map(sa.literal, last)))
    return op.get_bind().execute(after.order_by(_orders.c.kind, _orders.c.id).limit(_BATCH)).all()


def _shorten(row: sa.Row[Any]) -> None:
    """Shorten the texts of an order that are too long for an index."""
    columns = indexed_columns(row.document)
    shortened = {name: columns[name] for name in _TEXTS if columns[name] != getattr(row, name)}
    if shortened:
        is_it = sa.and_(_orders.c.kind == row.kind, _orders.c.id == row.id)
        op.get_bind().execute(sa.update(_orders).where(is_it).values(**shortened))


def _create_counts() -> None:
    op.create_table(
        "order_counts",
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "state", "day")),
        sa.Column("number", sa.Integer(), nullable=False),
    )
    op.create_index("ix_order_counts_kind_state_day", "order_counts", ["kind", "state", "day"])
    day = "substr(order_date, 1, 10)"
    op.execute(f"INSERT INTO order_counts SELECT kind, state, {day}, count(*) FROM orders GROUP BY kind, state, {day}")
    if _on_postgresql():
        _execute(_SUMMING_UP_ON_POSTGRESQL)
        _execute(_COUNTING_ON_POSTGRESQL)
        for name, when in _TRIGGERS_ON_POSTGRESQL.items():
            op.execute(f"CREATE TRIGGER count_orders_on_{name} {when} EXECUTE FUNCTION count_orders()")
    else:
        for name, body in _TRIGGERS_ON_SQLITE.items():
            op.execute(f"CREATE TRIGGER count_orders_on_{name} {body.format(add=_ADD, take=_TAKE)}")


def _restore_parties() -> None:
    op.create_table(
        "order_parties",
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "order_id", "party_id")),
        sa.PrimaryKeyConstraint("kind", "order_id", "party_id", name="pk_order_parties"),
        sa.ForeignKeyConstraint(
            ["kind", "order_id"], ["orders.kind", "orders.id"], name="fk_order_parties_orders", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_order_parties_party_id_kind", "order_parties", ["party_id", "kind"])
    op.execute("INSERT INTO order_parties SELECT kind, order_id, key FROM order_references WHERE name = 'relatedParty'")
