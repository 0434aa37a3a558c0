"""What lists are counted by follows the orders, through all that happens to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import combinations, product

import anyio
import pytest
from sqlalchemy import Connection, func, select, text

from orders.lifecycle.states import OrderKind, OrderState
from store.documents import indexed_columns, references
from store.orders import OrderStore
from store.sql.database import Database
from store.sql.tables import order_count_changes, order_counts, order_references
from tests.store.samples import accepted, change
from tests.store.transactions import writing
from tmf.bodies import Document
from tmf.query.matching import admits
from tmf.query.query import Page, parse_list_query

pytestmark = pytest.mark.anyio

OFFERING = "productOrderItem.productOffering.id"
FILTERS = [
    ("state", "held"),
    ("state.ne", "held"),
    ("category", "fibre"),
    ("category", "fibre,mobile"),
    ("category.ne", "fibre"),
    ("priority", "1"),
    ("priority.ne", "1"),
    ("relatedParty.id", "shop-7"),
    ("relatedParty.id.ne", "shop-7"),
    (OFFERING, "internet"),
    (OFFERING, "tv,internet"),
    ("orderDate.gte", "2026-03-02T12:00:00Z"),
    ("orderDate.lt", "2026-03-03T12:00:00Z"),
]


def order(number: int, category: str | None, priority: str | None, party: str, *offerings: str) -> Document:
    """Return what an order of some day has, as `accepted` takes it."""
    found = {"category": category, "priority": priority, "orderDate": f"2026-03-0{number}T1{number}:00:00.000Z"}
    return {name: value for name, value in found.items() if value is not None} | {
        "relatedParty": [{"id": party}],
        "productOrderItem": [
            {"id": str(index), "action": "add", "productOffering": {"id": each}} for index, each in enumerate(offerings)
        ],
    }


async def fill(store: OrderStore) -> None:
    for name, content in {
        "a": order(1, "fibre", "1", "shop-7", "internet", "tv"),
        "b": order(2, "fibre", None, "shop-7", "tv", "internet"),
        "c": order(2, "mobile", "2", "alice", "phone"),
        "d": order(3, None, "1", "shop-7", "internet", "internet"),
        "e": order(4, "fibre", "1", "bob", "phone"),
    }.items():
        await store.accept(accepted(name, **content))


async def accept_again(store: OrderStore) -> None:
    await store.accept(accepted("a", **order(1, "fibre", "1", "shop-7", "internet", "tv")))


async def change_states(store: OrderStore) -> None:
    await store.record([change("a", 1, OrderState.HELD), change("d", 1, OrderState.HELD)])
    await store.record([change("a", 1, OrderState.COMPLETED), change("d", 2), change("b", 1, OrderState.HELD)])


async def amend(store: OrderStore) -> None:
    amended = {"category": "mobile", "priority": None, "relatedParty": [{"id": "shop-7"}, {"id": "eve"}]}
    await store.record([change("a", 1, OrderState.ACKNOWLEDGED, amended)])
    bought = {"0": {"productOffering": {"id": "internet"}}, "9": {"productOffering": {"id": "tv"}}}
    await store.record([change("c", 1, OrderState.HELD, {"priority": "1"}, bought)])
    await store.record([change("b", 1, attributes={"category": "x" * 2000, "relatedParty": []})])


async def delete(store: OrderStore) -> None:
    for name in ("a", "d"):
        await store.record([change(name, 9, OrderState.COMPLETED)])
        await store.remove(OrderKind.PRODUCT, name)


Step = Callable[[OrderStore], Awaitable[None]]
STEPS: list[Step] = [accept_again, change_states, amend, delete]


async def whole_list(store: OrderStore) -> list[Document]:
    """Return all product orders, the newest first."""
    page = await store.find(OrderKind.PRODUCT, parse_list_query([]))
    assert page.total == len(page.documents)
    return page.documents


@pytest.mark.parametrize("step", STEPS)
async def test_pages_and_totals_of_one_and_two_filters_are_those_of_the_documents(
    store: OrderStore, step: Step
) -> None:
    await fill(store)
    await step(store)
    documents = await whole_list(store)
    for params in ([], *([each] for each in FILTERS), *map(list, combinations(FILTERS, 2))):
        query = parse_list_query([*params, ("limit", "1"), ("fields", "id")])
        found = [{"id": each["id"], "href": each["href"]} for each in documents if admits(query.filters, each)]
        assert await store.find(OrderKind.PRODUCT, query) == Page(len(found), found[:1]), params


@pytest.mark.parametrize("step", STEPS)
async def test_references_are_those_of_the_documents_with_their_dates(
    store: OrderStore, database: Database, step: Step
) -> None:
    await fill(store)
    await step(store)
    kept = select(*(order_references.c[name] for name in ("order_id", "order_date", "name", "key")))
    rows = await database.read(lambda connection: {tuple(row) for row in connection.execute(kept)})
    assert rows == {
        (each["id"], indexed_columns(each)["order_date"], *referred)
        for each in await whole_list(store)
        for referred in references(each)
    }


@pytest.mark.parametrize("step", STEPS)
async def test_counts_are_those_of_the_documents(store: OrderStore, database: Database, step: Step) -> None:
    await fill(store)
    await step(store)
    rows = await database.read(
        lambda connection: [
            *connection.execute(select(order_counts)),
            *connection.execute(select(order_count_changes)),
        ]
    )
    kept: Counter[tuple[str, ...]] = Counter()
    for *key, number in rows:
        kept[tuple(key)] += number
    assert {key: number for key, number in kept.items() if number} == Counter(
        (OrderKind.PRODUCT.value, *counted, each["state"], each["orderDate"][:10])
        for each in await whole_list(store)
        for counted in counted_values(each)
    )


def counted_values(document: Document) -> list[tuple[str, str]]:
    """Return under which attributes and values an order is counted."""
    columns = indexed_columns(document)
    values = [(name, value) for name in ("category", "priority") if (value := columns[name]) is not None]
    return [("", ""), *values, *(each for each in references(document) if each[0] == "productOffering")]


@pytest.mark.parametrize(
    ("sort", "name"), list(product(["orderDate", "-orderDate", "-id", "category,-id"], ["relatedParty.id", OFFERING]))
)
async def test_orders_that_refer_to_one_key_are_sorted_and_cut_as_any(store: OrderStore, sort: str, name: str) -> None:
    await fill(store)
    key = "shop-7" if name == "relatedParty.id" else "internet"
    params = [("sort", sort), ("fields", "id")]
    everyone = await store.find(OrderKind.PRODUCT, parse_list_query(params))
    kept = await store.find(OrderKind.PRODUCT, parse_list_query([*params, (name, key)]))
    assert kept.documents == [each for each in everyone.documents if each["id"] in "abd"]
    for offset in range(4):
        part = parse_list_query([*params, (name, key), ("offset", str(offset)), ("limit", "1")])
        assert await store.find(OrderKind.PRODUCT, part) == Page(3, kept.documents[offset : offset + 1])


def summed_up(connection: Connection) -> int | None:
    """Sum up the counts, as PostgreSQL does now and then; return how many changes are left beside them."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('order_counts'))"))
    connection.execute(text("SELECT sum_up_order_counts()"))
    return connection.scalar(select(func.count()).select_from(order_count_changes))


async def test_counts_tell_the_same_after_they_were_summed_up(
    backend: str, store: OrderStore, database: Database
) -> None:
    if backend == "sqlite":
        pytest.skip("SQLite has one writer at a time, which keeps the sums themselves")
    await fill(store)
    for step in (change_states, delete):
        await step(store)
        left = await database.write(summed_up)
        documents = await whole_list(store)
        held = await store.find(OrderKind.PRODUCT, parse_list_query([("state", "held"), ("limit", "1")]))
        assert (left, held.total) == (0, sum(each["state"] == "held" for each in documents))


async def test_nobody_waits_for_a_writer_who_sums_up(backend: str, store: OrderStore, database: Database) -> None:
    if backend == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    await fill(store)
    async with writing(database, summed_up):
        with anyio.fail_after(60):
            await store.record([change("a", 1, OrderState.HELD)])
            assert (await store.find(OrderKind.PRODUCT, parse_list_query([("state", "held")]))).total == 1
    page = await store.find(OrderKind.PRODUCT, parse_list_query([("state.ne", "held"), ("limit", "1")]))
    assert page.total == 4
