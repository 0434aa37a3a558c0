"""Databases: URLs, migrations, transactions, and what happens when there is none."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Index, insert, inspect, text

import store.migrations
from orders.lifecycle import OrderKind, OrderState
from store.database import Database, migrate, open_database
from store.errors import StoreUnavailableError, UnsupportedDatabaseError
from store.orders import OrderStore, Recorded
from store.plans import PlanStore
from store.query import ListQuery, parse_list_query
from store.tables import metadata, orders, plans
from tests.store.samples import accepted, change, product_order

pytestmark = pytest.mark.anyio

LONG = "x" * 1500
"""More than an index holds of a text."""
PLAN = {"orderId": "o1", "catalog": {"digest": "d", "label": "l"}}


def differences(connection: Connection) -> list[object]:
    def belongs(item: object, *_: object) -> bool:
        gin = isinstance(item, Index) and item.dialect_options["postgresql"]["using"] == "gin"
        return connection.dialect.name == "postgresql" or not gin

    opts = {"compare_type": True, "compare_server_default": True, "include_object": belongs}
    context = MigrationContext.configure(connection, opts=opts)
    return list(compare_metadata(context, metadata))


def downgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(store.migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


async def test_migrations_lead_from_nothing_to_the_tables_of_this_release(empty_url: str) -> None:
    await migrate(empty_url)
    database = open_database(empty_url)
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
        names = await connection.run_sync(lambda plain: inspect(plain).get_table_names())
    await database.close()
    assert set(names) == {*metadata.tables, "alembic_version"}


async def test_migrating_again_keeps_what_is_there(empty_url: str) -> None:
    await migrate(empty_url)
    database = open_database(empty_url)
    await OrderStore(database).accept(accepted("o1"))
    await migrate(empty_url)
    assert await OrderStore(database).get(OrderKind.PRODUCT, "o1") is not None
    await database.close()


async def test_database_of_the_first_release_is_brought_up_with_what_it_holds(empty_url: str) -> None:
    await migrate(empty_url)
    database = open_database(empty_url)
    async with database.write() as connection:
        await connection.run_sync(downgrade, "0001")
    row = {"order_id": "o1", "revision": 1, "catalog_digest": "d", "catalog_label": "l", "created_at": "now"}
    async with database.write() as connection:
        columns = await connection.run_sync(lambda plain: inspect(plain).get_columns("plans"))
        await connection.execute(insert(plans).values(graph={}, document=PLAN, **row))
    assert "installed" not in {column["name"] for column in columns}
    await migrate(empty_url)
    assert await PlanStore(database).load("o1") is not None
    assert await PlanStore(database).installed("o1") is None
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_orders_of_a_release_without_references_and_counts_are_found_and_counted(empty_url: str) -> None:
    await migrate(empty_url)
    database = open_database(empty_url)
    async with database.write() as connection:
        await connection.run_sync(downgrade, "0005")
        names = await connection.run_sync(lambda plain: inspect(plain).get_table_names())
        await connection.execute(insert(orders), [_row_before_references(number) for number in range(1201)])
    assert not {"order_references", "order_counts", "order_count_changes"} & set(names)
    await migrate(empty_url)
    store = OrderStore(database)
    for params, total in (
        ({}, 1201),
        ({"state": "held"}, 241),
        ({"state.ne": "held", "orderDate.gte": "2026-03-03"}, 720),
        ({"relatedParty.id": "customer-3"}, 172),
        ({"productOrderItem.product.id": "product-700"}, 1),
        ({"category": LONG}, 1),
        ({"category": "fibre", "state.ne": "held"}, 960),
        ({"productOrderItem.productOffering.id": "offering-1", "state": "held"}, 120),
    ):
        page = await store.find(OrderKind.PRODUCT, parse_list_query([*params.items(), ("limit", "1")]))
        assert (page.total, len(page.documents)) == (total, 1), params
    await store.record([change("o0001", 1, OrderState.HELD)])
    assert (await store.find(OrderKind.PRODUCT, parse_list_query([("state", "held"), ("limit", "1")]))).total == 242
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


async def test_orders_are_kept_on_the_way_down_and_up_again(empty_url: str) -> None:
    await migrate(empty_url)
    database = open_database(empty_url)
    store = OrderStore(database)
    for name in ("a", "b"):
        await store.accept(accepted(name, relatedParty=[{"id": f"customer-{name}"}]))
    async with database.write() as connection:
        await connection.run_sync(downgrade, "0005")
        parties = (await connection.execute(text("SELECT order_id, party_id FROM order_parties ORDER BY 1"))).all()
    assert [tuple(each) for each in parties] == [("a", "customer-a"), ("b", "customer-b")]
    await migrate(empty_url)
    page = await store.find(OrderKind.PRODUCT, parse_list_query([("relatedParty.id", "customer-b")]))
    assert [each["id"] for each in page.documents] == ["b"]
    await database.close()


def _row_before_references(number: int) -> dict[str, Any]:
    """Return an order's row as releases wrote it that kept references nowhere, and texts of any length as they are."""
    order_id, state = f"o{number:04}", "acknowledged" if number % 5 else "held"
    document = product_order(
        order_id,
        state=state,
        category=LONG if number == 600 else "fibre",
        orderDate=f"2026-03-0{number % 5 + 1}T10:00:00.000Z",
        relatedParty=[{"id": f"customer-{number % 7}"}],
        productOrderItem=[
            {"id": "1", "product": {"id": f"product-{number}"}, "productOffering": {"id": f"offering-{number % 2}"}}
        ],
    )
    columns = {"state": document["state"], "category": document["category"], "order_date": document["orderDate"]}
    others = {"kind": "productOrder", "id": order_id, "root_id": order_id, "revision": 1, "version": 0}
    return columns | others | {"started": True, "document": document, "updated_at": "2026-03-01T10:00:00.000Z"}


async def test_several_may_migrate_at_once(empty_url: str) -> None:
    await asyncio.gather(*(migrate(empty_url) for _ in range(6)))
    database = open_database(empty_url)
    await database.ping()
    await database.close()


async def test_database_without_the_tables_is_not_ready(empty_url: str) -> None:
    database = open_database(empty_url)
    with pytest.raises(StoreUnavailableError, match="orders"):
        await database.ping()
    await database.close()


async def test_failed_transaction_leaves_nothing(database: Database) -> None:
    row = {"order_id": "o", "revision": 1, "catalog_digest": "d", "catalog_label": "l", "created_at": "now"}

    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(insert(plans).values(graph={}, document={}, **row))
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        await fail()
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM plans"))).scalar_one() == 0


async def test_reads_go_on_while_another_writes(database: Database, store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    async with database.write() as connection:
        await connection.execute(text("UPDATE orders SET state = 'held'"))
        page = await store.find(OrderKind.PRODUCT, ListQuery())
    assert [document["state"] for document in page.documents] == ["acknowledged"]


async def test_cancelled_writer_gives_way_to_the_next(database: Database, store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    holding = asyncio.Event()

    async def hold() -> None:
        async with database.write() as connection:
            await connection.execute(text("UPDATE orders SET state = 'held'"))
            holding.set()
            await asyncio.Event().wait()

    holder = asyncio.create_task(hold())
    await holding.wait()
    holder.cancel()
    assert await store.record([change("o1", 1)]) == [Recorded.APPLIED]
    with pytest.raises(asyncio.CancelledError):
        await holder


async def test_server_that_ends_a_connection_is_unavailable_once_and_then_reached_again(
    backend: str, database: Database, store: OrderStore
) -> None:
    if backend == "sqlite":
        pytest.skip("a file has no server that could end a connection")
    await store.accept(accepted("o1"))

    async def lose_the_connection() -> None:
        async with database.write() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(StoreUnavailableError):
        await lose_the_connection()
    assert await store.get(OrderKind.PRODUCT, "o1") is not None


@pytest.fixture(params=["no directory", "no database file", "no server", "no name"])
def dead_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "no directory":
            return f"sqlite:///{tmp_path / 'missing' / 'store.db'}"
        case "no database file":
            (tmp_path / "store.db").write_text("this is not a database, but long enough to be taken for one " * 100)
            return f"sqlite:///{tmp_path / 'store.db'}"
        case "no server":
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                return f"postgresql://user:secret@127.0.0.1:{free.getsockname()[1]}/ordersaga"
        case _:
            return "postgresql://user:secret@nowhere.invalid/ordersaga"


async def test_store_that_is_down_says_so_to_every_caller(dead_url: str) -> None:
    database = open_database(dead_url)
    store = OrderStore(database)
    for call in (
        database.ping(),
        store.accept(accepted("o1")),
        store.record([change("o1", 1)]),
        store.get(OrderKind.PRODUCT, "o1"),
        store.find(OrderKind.PRODUCT, ListQuery()),
        migrate(dead_url),
    ):
        with pytest.raises(StoreUnavailableError) as refused:
            await call
        assert "secret" not in str(refused.value)
    await database.close()
    for thread in threading.enumerate():
        # The driver tells the loop of each failed connection's end, whether anybody listens or not.
        if "_connection_worker_thread" in thread.name:
            thread.join()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mysql://user:secret@host/db", r"mysql://user:\*\*\*@host/db"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("orders.db", "not a database URL"),
    ],
)
def test_other_databases_are_refused_without_telling_passwords(url: str, complaint: str) -> None:
    with pytest.raises(UnsupportedDatabaseError, match=complaint):
        open_database(url)
