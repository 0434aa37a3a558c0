"""Product orders to measure with: two years of them, as a provider of some size has them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # has no annotations

from orders.tmf import timestamp
from store.documents import indexed_columns, references, write_json

FIRST = datetime(2024, 12, 1, tzinfo=UTC)
SPAN = timedelta(days=730)
STATES = {"completed": 88, "cancelled": 5, "failed": 1, "partial": 1, "inProgress": 3, "held": 1, "acknowledged": 1}
CATEGORIES = {"fibre": 45, "mobile": 40, "business": 10, "wholesale": 5}
OFFERINGS = {f"offering-{number}": 400 // (number + 4) for number in range(60)}
ORDERS_OF_A_CUSTOMER = 5
_BATCH = 20_000
_FOREIGN_KEY = "fk_order_references_orders"
_COLUMNS = (
    "kind",
    "id",
    "root_id",
    "revision",
    "version",
    "state",
    "external_id",
    "category",
    "priority",
    "client_id",
    "order_date",
    "requested_start_date",
    "requested_completion_date",
    "expected_completion_date",
    "completion_date",
    "digest",
    "started",
    "document",
    "updated_at",
)

Json = dict[str, Any]


def documents(number: int, seed: int = 622) -> Iterator[Json]:
    """Yield product orders, the oldest first: the same ones for the same seed."""
    draw = random.Random(seed)
    step = SPAN / number
    states, categories, offerings = (_drawer(draw, each, number) for each in (STATES, CATEGORIES, OFFERINGS))
    for index in range(number):
        ordered = FIRST + step * index
        state = next(states)
        document: Json = {
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


def _item(draw: random.Random, index: int, item_id: str, state: str, offering: str) -> Json:
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


async def fill(connection: asyncpg.Connection, number: int) -> None:
    """Fill a store's empty tables with product orders; their indexes and keys are made at the end, all at once."""
    tables = ("orders", "order_references")
    indexes = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY($1) AND indexname NOT LIKE 'pk%'", tables
    )
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    await connection.execute("ALTER TABLE orders DISABLE TRIGGER USER")
    await connection.execute(f"ALTER TABLE order_references DROP CONSTRAINT {_FOREIGN_KEY}")
    rows: list[tuple[Any, ...]] = []
    referred: list[tuple[str, str, str, str]] = []
    for document in documents(number):
        rows.append(_row(document))
        referred += (("productOrder", document["id"], *each) for each in references(document))
        if len(rows) == _BATCH:
            await _copy(connection, rows, referred)
    await _copy(connection, rows, referred)
    for index in indexes:
        await connection.execute(index["indexdef"])
    await connection.execute("ALTER TABLE orders ENABLE TRIGGER USER")
    await connection.execute(
        f"ALTER TABLE order_references ADD CONSTRAINT {_FOREIGN_KEY} "
        "FOREIGN KEY (kind, order_id) REFERENCES orders (kind, id) ON DELETE CASCADE"
    )
    await connection.execute(
        "INSERT INTO order_counts SELECT kind, state, left(order_date, 10), count(*) FROM orders GROUP BY 1, 2, 3"
    )
    await connection.execute("VACUUM ANALYZE orders")
    await connection.execute("VACUUM ANALYZE order_references")
    await connection.execute("VACUUM ANALYZE order_counts")


def _row(document: Json) -> tuple[Any, ...]:
    others = {"kind": "productOrder", "id": document["id"], "root_id": document["id"], "revision": 1, "version": 1}
    row = indexed_columns(document) | others | {"client_id": "crm", "digest": "digest", "started": True}
    row |= {"document": write_json(document), "updated_at": document["orderDate"]}
    return tuple(row[name] for name in _COLUMNS)


async def _copy(
    connection: asyncpg.Connection, rows: list[tuple[Any, ...]], referred: list[tuple[str, str, str, str]]
) -> None:
    await connection.copy_records_to_table("orders", records=rows, columns=_COLUMNS)
    await connection.copy_records_to_table(
        "order_references", records=referred, columns=("kind", "order_id", "name", "key")
    )
    rows.clear()
    referred.clear()
