"""Databases: URLs, migrations, transactions, and what happens when there is none."""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Index, insert, inspect, text
from sqlalchemy.exc import DBAPIError

import store.migrations
from orders.lifecycle.states import OrderKind, OrderState
from store.errors import StoreUnavailableError, UnsupportedDatabaseError
from store.orders import OrderStore
from store.plans import PlanStore
from store.recording import Recorded
from store.sql.database import Database, open_database
from store.sql.migration import migrate
from store.sql.tables import metadata, orders, plans
from tests.store.samples import accepted, change, product_order
from tests.store.transactions import writing
from tmf.query.query import ListQuery, parse_list_query

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
    assert await database.read(differences) == []
    names = await database.read(lambda connection: inspect(connection).get_table_names())
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
    await database.write(partial(downgrade, revision="0001"))
    row = {"order_id": "o1", "revision": 1, "catalog_digest": "d", "catalog_label": "l", "created_at": "now"}
    columns = await database.read(lambda connection: inspect(connection).get_columns("plans"))
    await database.write(lambda connection: connection.execute(insert(plans).values(graph={}, document=PLAN, **row)))
    assert "installed" not in {column["name"] for column in columns}
    await migrate(empty_url)
    assert await PlanStore(database).load("o1") is not None
    assert await PlanStore(database).installed("o1") is None
    assert await database.read(differences) == []
    await database.close()


async def test_orders_of_a_release_without_references_and_counts_are_found_and_counted(empty_url: str) -> None:
    await migrate(empty_url)
    database = open_database(empty_url)
    rows = [_row_before_references(number) for number in range(1201)]
    await database.write(partial(downgrade, revision="0005"))
    names = await database.read(lambda connection: inspect(connection).get_table_names())
    await database.write(lambda connection: connection.execute(insert(orders), rows))
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
    assert await database.read(differences) == []
    await database.close()


async def test_orders_are_kept_on_the_way_down_and_up_again(empty_url: str) -> None:
    await migrate(empty_url)
    database = open_database(empty_url)
    store = OrderStore(database)
    for name in ("a", "b"):
        await store.accept(accepted(name, relatedParty=[{"id": f"customer-{name}"}]))
    await database.write(partial(downgrade, revision="0005"))
    kept = text("SELECT order_id, party_id FROM order_parties ORDER BY 1")
    parties = await database.read(lambda connection: connection.execute(kept).all())
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


@pytest.mark.parametrize("statement", ["SELECT newer FROM plans", "INSERT INTO plans (newer) VALUES (1)"])
async def test_database_without_a_column_of_this_release_is_not_migrated_yet(
    database: Database, statement: str
) -> None:
    with pytest.raises(StoreUnavailableError, match="newer"):
        await database.write(lambda connection: connection.execute(text(statement)))


async def test_failed_transaction_leaves_nothing(database: Database) -> None:
    row = {"order_id": "o", "revision": 1, "catalog_digest": "d", "catalog_label": "l", "created_at": "now"}

    def fail(connection: Connection) -> None:
        connection.execute(insert(plans).values(graph={}, document={}, **row))
        raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        await database.write(fail)
    assert await database.read(lambda connection: connection.scalar(text("SELECT count(*) FROM plans"))) == 0


async def test_what_need_not_outlast_a_power_cut_is_not_waited_for_on_disk(backend: str, database: Database) -> None:
    if backend != "sqlite":
        pytest.skip("PostgreSQL is set up by who runs it")

    async def synchronous(durable: bool) -> int | None:
        pragma = text("PRAGMA synchronous")
        return await database.write(lambda connection: connection.scalar(pragma), durable=durable)

    full, normal = 2, 1
    assert [await synchronous(durable) for durable in (False, True, False)] == [normal, full, normal]


async def test_a_write_that_fails_leaves_those_that_came_with_it(database: Database, store: OrderStore) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(text("UPDATE orders SET state = 'held'"))
        connection.execute(text("SELECT nonsense()"))

    await store.accept(accepted("o1"))
    async with writing(database, lambda connection: connection.execute(text("SELECT 1"))):
        recording = asyncio.create_task(store.record([change("o1", 1, OrderState.PENDING)]))
        failing = asyncio.create_task(database.write(fail))
        accepting = asyncio.create_task(store.accept(accepted("o2")))
    assert await recording == [Recorded.APPLIED]
    with pytest.raises(DBAPIError):
        await failing
    assert (await accepting)[1]
    found = [await store.get(OrderKind.PRODUCT, order_id) for order_id in ("o1", "o2")]
    assert [document and document["state"] for document in found] == ["pending", "acknowledged"]


async def test_reads_go_on_while_another_writes(database: Database, store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    async with writing(database, lambda connection: connection.execute(text("UPDATE orders SET state = 'held'"))):
        page = await store.find(OrderKind.PRODUCT, ListQuery())
    assert [document["state"] for document in page.documents] == ["acknowledged"]


async def test_who_stops_waiting_for_a_write_leaves_the_next_one_its_turn(
    database: Database, store: OrderStore
) -> None:
    await store.accept(accepted("o1"))
    async with writing(database, lambda connection: connection.execute(text("SELECT 1"))):
        impatient = asyncio.create_task(database.write(lambda connection: connection.execute(text("SELECT 1"))))
        recording = asyncio.create_task(store.record([change("o1", 1)]))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
    assert await recording == [Recorded.APPLIED]


async def test_server_that_ends_a_connection_is_unavailable_once_and_then_reached_again(
    backend: str, database: Database, store: OrderStore
) -> None:
    if backend == "sqlite":
        pytest.skip("a file has no server that could end a connection")
    await store.accept(accepted("o1"))

    lose_the_connection = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(StoreUnavailableError):
        await database.write(lambda connection: connection.execute(lose_the_connection))
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
