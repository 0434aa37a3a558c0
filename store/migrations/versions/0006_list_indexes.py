"""What lists of orders are found and counted by: references and counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

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
_references = sa.table(
    "order_references", *(sa.column(name, _text) for name in ("kind", "order_id", "name", "key", "order_date"))
)
_TEXTS = {"state": "state", "external_id": "externalId", "category": "category", "priority": "priority"}
_REFERENCES = {
    "relatedParty.id": "relatedParty",
    "productOrderItem.product.id": "product",
    "productOrderItem.productOffering.id": "productOffering",
    "serviceOrderItem.service.id": "service",
    "orderItem.resource.id": "resource",
    "orderRelationship.id": "orderRelationship",
}
_LONGEST_KEY = 1000
_VALUES = ("category", "priority")
_DATES = ("requested_start_date", "requested_completion_date", "expected_completion_date", "completion_date")
_COUNTED = ("kind", "attribute", "value", "state", "day")

_COUNTS = """
    SELECT {row}.kind, counted.attribute, counted.value, {row}.state, substr({row}.order_date, 1, 10), {number}
    FROM (
        SELECT '' AS attribute, '' AS value
        UNION ALL SELECT 'category', {row}.category
        UNION ALL SELECT 'priority', {row}.priority
        UNION ALL SELECT name, key FROM order_references
            WHERE kind = {row}.kind AND order_id = {row}.id AND name = 'productOffering'
    ) AS counted
    WHERE counted.value IS NOT NULL
"""
"""What a row of `orders` adds to the counts, or takes from them."""
_ADD = _COUNTS.format(row="NEW", number=1)
_TAKE = _COUNTS.format(row="OLD", number=-1)

# Of an order that is not there any more, all has been taken with it.
_COUNTS_OF_REFERENCE = """
    SELECT kind, {row}.name, {row}.key, state, substr(order_date, 1, 10), {number} FROM orders
    WHERE kind = {row}.kind AND id = {row}.order_id
"""
"""What a row of `order_references` adds to the counts, or takes from them, where it names an offering."""
_ADD_REFERENCE = _COUNTS_OF_REFERENCE.format(row="NEW", number=1)
_TAKE_REFERENCE = _COUNTS_OF_REFERENCE.format(row="OLD", number=-1)

_ON_SQLITE = """
    INSERT INTO order_counts {counts} ON CONFLICT (kind, attribute, value, state, day)
    DO UPDATE SET number = number + excluded.number;
"""
_TRIGGERS_ON_SQLITE = {
    "count_orders_on_insert": "AFTER INSERT ON orders BEGIN {add} END",
    "count_orders_on_update": """AFTER UPDATE OF state, category, priority ON orders
        WHEN OLD.state <> NEW.state OR OLD.category IS NOT NEW.category OR OLD.priority IS NOT NEW.priority
        BEGIN {take} {add} END""",
    "count_orders_on_delete": "BEFORE DELETE ON orders BEGIN {take} END",
    "count_references_on_insert": """AFTER INSERT ON order_references WHEN NEW.name = 'productOffering'
        BEGIN {add_reference} END""",
    "count_references_on_delete": """AFTER DELETE ON order_references WHEN OLD.name = 'productOffering'
        BEGIN {take_reference} END""",
}

# Writers only ever add rows, so that none waits for another's; now and then one of them sums up what it finds.
_COUNTING_ON_POSTGRESQL = f"""
CREATE FUNCTION count_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO order_count_changes {_TAKE};
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO order_count_changes {_ADD};
    END IF;
    IF random() < 0.002 AND pg_try_advisory_xact_lock(hashtext('order_counts')) THEN
        PERFORM sum_up_order_counts();
    END IF;
    RETURN coalesce(NEW, OLD);
END $$
"""
_COUNTING_REFERENCES_ON_POSTGRESQL = f"""
CREATE FUNCTION count_references() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO order_count_changes {_ADD_REFERENCE};
    ELSE
        INSERT INTO order_count_changes {_TAKE_REFERENCE};
    END IF;
    RETURN NULL;
END $$
"""
_SUMMING_UP_ON_POSTGRESQL = """
CREATE FUNCTION sum_up_order_counts() RETURNS void LANGUAGE sql AS $$
    WITH changes AS (DELETE FROM order_count_changes RETURNING *)
    INSERT INTO order_counts SELECT kind, attribute, value, state, day, sum(number) FROM changes
    GROUP BY kind, attribute, value, state, day
    ON CONFLICT (kind, attribute, value, state, day) DO UPDATE SET number = order_counts.number + excluded.number
$$
"""
_TRIGGERS_ON_POSTGRESQL = {
    "count_orders_on_insert": "AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION count_orders()",
    "count_orders_on_update": """AFTER UPDATE OF state, category, priority ON orders FOR EACH ROW
        WHEN ((OLD.state, OLD.category, OLD.priority) IS DISTINCT FROM (NEW.state, NEW.category, NEW.priority))
        EXECUTE FUNCTION count_orders()""",
    "count_orders_on_delete": "BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION count_orders()",
    "count_references_on_insert": """AFTER INSERT ON order_references FOR EACH ROW
        WHEN (NEW.name = 'productOffering') EXECUTE FUNCTION count_references()""",
    "count_references_on_delete": """AFTER DELETE ON order_references FOR EACH ROW
        WHEN (OLD.name = 'productOffering') EXECUTE FUNCTION count_references()""",
}

# `tmf.query.values.as_instant` is the same for SQLite and for documents at hand.
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
    if _on_postgresql():
        for column in _DATES:
            # With its usual statistics a week weighs as much as a month, and all orders are gone through by their date.
            op.execute(f"ALTER TABLE orders ALTER COLUMN {column} SET STATISTICS 1000")
        _execute(_INSTANT_ON_POSTGRESQL)


def downgrade() -> None:
    for name in _TRIGGERS_ON_POSTGRESQL:
        table = "orders" if name.startswith("count_orders") else "order_references"
        op.execute(f"DROP TRIGGER {name}" + (f" ON {table}" if _on_postgresql() else ""))
    if _on_postgresql():
        for function in ("count_orders()", "count_references()", "sum_up_order_counts()", "order_instant(text)"):
            op.execute(f"DROP FUNCTION {function}")
        for column in _DATES:
            op.execute(f"ALTER TABLE orders ALTER COLUMN {column} SET STATISTICS -1")
    op.drop_table("order_count_changes")
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
        *(sa.Column(name, _text, nullable=False) for name in ("kind", "order_id", "name", "key", "order_date")),
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
            {"kind": row.kind, "order_id": row.id, "name": name, "key": key, "order_date": row.order_date}
            for row in found
            for name, key in _named(row.document)
        ]
        if rows:
            op.get_bind().execute(sa.insert(_references), rows)
        last = (found[-1].kind, found[-1].id)
    op.create_index(
        "ix_order_references_kind_name_key_order_date_order_id",
        "order_references",
        ["kind", "name", "key", "order_date", "order_id"],
    )
    op.drop_table("order_parties")


def _next_orders(last: tuple[str, str]) -> Sequence[sa.Row[Any]]:
    key = sa.tuple_(_orders.c.kind, _orders.c.id)
    after = sa.select(_orders).where(key > sa.tuple_(*map(sa.literal, last)))
    return op.get_bind().execute(after.order_by(_orders.c.kind, _orders.c.id).limit(_BATCH)).all()


def _named(document: Any) -> set[tuple[str, str]]:
    """Return what an order refers to: its name in `_REFERENCES`, and its key."""
    found = ((name, _key(value)) for path, name in _REFERENCES.items() for value in _at(document, path.split(".")))
    return {(name, key) for name, key in found if key is not None}


def _at(node: Any, names: Sequence[str]) -> Iterator[Any]:
    for each in node if isinstance(node, list) else [node]:
        if not names:
            yield from each if isinstance(each, list) else [each]
        elif isinstance(each, dict) and names[0] in each:
            yield from _at(each[names[0]], names[1:])


def _key(value: Any) -> str | None:
    """Return a JSON scalar as it stands in an indexed column: one that is too long for an index ends in its digest."""
    if not isinstance(value, str | int | float):
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    raw = text.encode()
    return text if len(raw) <= _LONGEST_KEY else f"{text[:100]}#{hashlib.sha256(raw).hexdigest()}"


def _shorten(row: sa.Row[Any]) -> None:
    """Shorten the texts of an order that are too long for an index."""
    columns = {column: _key(row.document.get(name)) for column, name in _TEXTS.items()}
    shortened = {column: key for column, key in columns.items() if key != getattr(row, column)}
    if shortened:
        is_it = sa.and_(_orders.c.kind == row.kind, _orders.c.id == row.id)
        op.get_bind().execute(sa.update(_orders).where(is_it).values(**shortened))


def _create_counts() -> None:
    op.create_table("order_counts", *_count_columns(), sa.PrimaryKeyConstraint(*_COUNTED, name="pk_order_counts"))
    op.create_table("order_count_changes", *_count_columns())
    for attribute, value in (("", "''"), *zip(_VALUES, _VALUES, strict=True)):
        op.execute(f"""
            INSERT INTO order_counts
            SELECT kind, '{attribute}', {value}, state, substr(order_date, 1, 10), count(*) FROM orders
            WHERE {value} IS NOT NULL GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        """)
    op.execute("""
        INSERT INTO order_counts
        SELECT orders.kind, name, key, state, substr(orders.order_date, 1, 10), count(*)
        FROM order_references JOIN orders ON orders.kind = order_references.kind AND orders.id = order_id
        WHERE name = 'productOffering' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    """)
    if _on_postgresql():
        for function in (_SUMMING_UP_ON_POSTGRESQL, _COUNTING_ON_POSTGRESQL, _COUNTING_REFERENCES_ON_POSTGRESQL):
            _execute(function)
        for name, body in _TRIGGERS_ON_POSTGRESQL.items():
            op.execute(f"CREATE TRIGGER {name} {body}")
        return
    changes = {"add": _ADD, "take": _TAKE, "add_reference": _ADD_REFERENCE, "take_reference": _TAKE_REFERENCE}
    statements = {name: _ON_SQLITE.format(counts=counts) for name, counts in changes.items()}
    for name, body in _TRIGGERS_ON_SQLITE.items():
        op.execute(f"CREATE TRIGGER {name} {body.format(**statements)}")


def _count_columns() -> list[sa.Column[Any]]:
    texts = (sa.Column(name, _text, nullable=False) for name in _COUNTED)
    return [*texts, sa.Column("number", sa.Integer(), nullable=False)]


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
