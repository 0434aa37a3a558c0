"""Pages of lists are bounded in bytes: both databases end them alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from orders.lifecycle.states import OrderKind
from store.orders import OrderStore
from store.sql.database import Database, open_database
from store.sql.tables import orders
from tests.store.samples import accepted
from tmf.query.query import parse_list_query


@pytest.fixture
async def narrow(backend: str, migrated_url: str, store: OrderStore, tmp_path: Path) -> AsyncIterator[OrderStore]:
    """The same orders by pages of 10 kB."""
    url = migrated_url if backend == "postgresql" else f"sqlite:///{tmp_path / 'store.db'}"
    opened = open_database(url, list_timeout=timedelta(minutes=1), page_bytes=10_000)
    yield OrderStore(opened)
    await opened.close()


@pytest.mark.parametrize("measured", [True, False])
async def test_a_page_ends_before_its_documents_are_too_large(
    store: OrderStore, narrow: OrderStore, database: Database, measured: bool
) -> None:
    for number, size in enumerate([2000, 30_000, 4000, 4000, 4000, 10]):
        await store.accept(accepted(f"o{number}", description="x" * size))
    if not measured:
        await database.write(lambda connection: connection.execute(update(orders).values(size=None)))

    async def page(*params: tuple[str, str]) -> tuple[list[str], int]:
        found = await narrow.find(OrderKind.PRODUCT, parse_list_query([*params, ("sort", "id")]))
        return [each["id"] for each in found.documents], found.total

    assert await page() == (["o0"], 6)
    assert await page(("offset", "1")) == (["o1"], 6), "one is given however large it is"
    assert await page(("offset", "2")) == (["o2", "o3"], 6)
    assert await page(("offset", "2"), ("description.regex", "x"), ("limit", "3")) == (["o2", "o3"], 6)
    assert await page(("offset", "4")) == (["o4", "o5"], 6)


async def test_of_what_fields_leave_more_fits_on_a_page(store: OrderStore, narrow: OrderStore) -> None:
    for number in range(5):
        await store.accept(accepted(f"o{number}", description="x" * 9000, externalId="y" * (4000 if number else 1)))
    for fields, fitting in (("state", 5), ("externalId", 3)):
        page = await narrow.find(OrderKind.PRODUCT, parse_list_query([("fields", fields), ("sort", "id")]))
        assert len(page.documents) == fitting
        assert page.total == 5


async def test_orders_that_wait_for_their_start_are_read_by_pages(store: OrderStore, narrow: OrderStore) -> None:
    for number, size in enumerate([2000, 4000, 30_000]):
        await store.accept(accepted(f"o{number}", description="x" * size))

    assert [each.id for each in await narrow.unstarted()] == ["o0", "o1"]
    await narrow.mark_started([(OrderKind.PRODUCT, "o0"), (OrderKind.PRODUCT, "o1")])
    assert [each.id for each in await narrow.unstarted()] == ["o2"]
