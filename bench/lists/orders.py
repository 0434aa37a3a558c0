"""Product orders to measure with: two years of them, as a provider of some size has them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

import asyncpg  # type: ignore[import-untyped]  # has no annotations
from sqlalchemy import Connection, insert

from store.documents import indexed_columns, references, write_json
from store.sql.database import Database
from store.sql.tables import order_references, orders
from tmf.bodies import Document
from tmf.instants import timestamp

FIRST = datetime(2024, 12, 1, tzinfo=UTC)
SPAN = timedelta(days=730)
STATES = {"completed": 88, "cancelled": 5, "failed": 1, "partial": 1, "inProgress": 3, "held": 1, "acknowledged": 1}
CATEGORIES = {"fibre": 45, "mobile": 40, "business": 10, "wholesale": 5}
OFFERINGS = {f"offering-{number}": 400 // (number + 4) for number in range(60)}
ORDERS_OF_A_CUSTOMER = 5
_BATCH = 20_000
_TABLES = ("orders", "order_references")
_FOREIGN_KEY = "fk_order_references_orders"
_COUNTS = """
    SELECT orders.kind, attribute, value, state, left(orders.order_date, 10), count(*) FROM orders, LATERAL (
        VALUES ('', ''), ('category', category), ('priority', priority)
        UNION ALL SELECT name, key FROM order_references
            WHERE kind = orders.kind AND order_id = orders.id AND name = 'productOffering'
    ) AS counted (attribute, value)
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""


def documents(number: int, seed: int = 622) -> Iterator[Document]:
    """Yield product orders, the oldest first: the same ones for the same seed."""
    draw = random.Random(seed)
    step = SPAN / number
    states, categories, offerings = (_drawer(draw, each, number) for each in (STATES, CATEGORIES, OFFERINGS))
    for index in range(number):
        ordered = FIRST + step * index
        state = next(states)
        document: Document = {
            "id": f"order{index:08d}",
            "externalId": f"CRM-{index:08d}",
            "@type": "ProductOrder",
            "category": next(categories),
            "priority": str(draw.randrange(5)),
            "description": "Fibre Home with a router, as agreed by telephone",
            "orderDate": timestamp(ordered),
            "requestedStartDate": timestamp(ordered + timedelta(days=draw.randrange(1, 30))),
            "state": state,
            "channel": [{"id": "web", "name": "Web shop", "role": "sales"}],
            "relatedParty": [
                {"id": f"customer-{draw.randrange(max(1, number // ORDERS_OF_A_CUSTOMER))}", "role": "customer"},
                {"id": f"agent-{draw.randrange(500)}", "role": "seller"},
            ],
            "billingAccount": {"id": f"account-{draw.randrange(number)}"},
            "productOrderItem": [
                _item(draw, index, str(each), state, next(offerings)) for each in range(1, draw.randrange(2, 5))
            ],
        }
        if state == "completed":
            document["completionDate"] = timestamp(ordered + timedelta(days=draw.randrange(1, 20)))
        yield document


def _drawer(draw: random.Random, weights: dict[str, int], number: int) -> Iterator[str]:
    names, shares = list(weights), list(weights.values())
    while True:
        yield from draw.choices(names, shares, k=min(number, 10_000))


def _item(draw: random.Random, index: int, item_id: str, state: str, offering: str) -> Document:
    return {
        "id": item_id,
        "action": "add",
        "state": state,
        "quantity": 1,
        "productOffering": {"id": offering, "name": f"The offering {offering}"},
        "product": {
            "id": f"product-{index}-{item_id}",
            "place": [{"id": f"site-{draw.randrange(200_000)}", "role": "installation"}],
            "productCharacteristic": [
                {"name": "downloadSpeed", "value": draw.choice((100, 250, 1000))},
                {"name": "serialNumber", "value": f"SN-{index}-{item_id}"},
            ],
        },
        "itemPrice": [{"priceType": "recurring", "price": {"dutyFreeAmount": {"unit": "EUR", "value": 29.9}}}],
    }


def rows(document: Document) -> tuple[Document, list[Document]]:
    """Return the row that the store keeps of an order, and the rows of what it refers to."""
    order_id = document["id"]
    others = {"kind": "productOrder", "id": order_id, "root_id": order_id, "revision": 1, "version": 1}
    row = indexed_columns(document) | others | {"client_id": "crm", "digest": "digest", "started": True}
    row |= {"document": document, "updated_at": document["orderDate"]}
    referring = {"kind": "productOrder", "order_id": order_id, "order_date": row["order_date"]}
    return row, [referring | {"name": name, "key": key} for name, key in references(document)]


async def fill(connection: asyncpg.Connection, number: int) -> None:
    """Fill a store's empty tables with product orders; their indexes and keys are made at the end, all at once."""
    indexes = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY($1) AND indexname NOT LIKE 'pk%'",
        _TABLES,
    )
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    for table in _TABLES:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await connection.execute(f"ALTER TABLE order_references DROP CONSTRAINT {_FOREIGN_KEY}")
    for kept in _batches(number):
        await _copy(connection, "orders", [row | {"document": write_json(row["document"])} for row, _ in kept])
        await _copy(connection, "order_references", [each for _, referring in kept for each in referring])
    for index in indexes:
        await connection.execute(index["indexdef"])
    for table in _TABLES:
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await connection.execute(
        f"ALTER TABLE order_references ADD CONSTRAINT {_FOREIGN_KEY} "
        "FOREIGN KEY (kind, order_id) REFERENCES orders (kind, id) ON DELETE CASCADE"
    )
    await connection.execute(f"INSERT INTO order_counts {_COUNTS}")
    for table in (*_TABLES, "order_counts"):
        await connection.execute(f"VACUUM ANALYZE {table}")


async def fill_sqlite(database: Database, number: int) -> None:
    """Fill a store's empty file with product orders."""
    for kept in _batches(number):
        await database.write(partial(_insert_all, kept))


def _insert_all(kept: list[tuple[Document, list[Document]]], connection: Connection) -> None:
    connection.execute(insert(orders), [row for row, _ in kept])
    connection.execute(insert(order_references), [each for _, referring in kept for each in referring])


def _batches(number: int) -> Iterator[list[tuple[Document, list[Document]]]]:
    made = map(rows, documents(number))
    while batch := list(islice(made, _BATCH)):
        yield batch


async def _copy(connection: asyncpg.Connection, table: str, records: list[Document]) -> None:
    columns = list(records[0])
    await connection.copy_records_to_table(
        table, records=[tuple(record.values()) for record in records], columns=columns
    )
