"""Writes that come together are committed together, and fail alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import pytest
from sqlalchemy import Connection

from store.sql.writer import Writer

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Transactions:
    """Stands in for a database: what its transactions wrote, one list for each that was committed."""

    def __init__(self) -> None:
        self.committed: list[list[str]] = []
        self.durable: list[bool] = []
        self.written: list[str] = []
        self.away = False

    async def transact(self, work: Callable[[Connection], T], *, durable: bool) -> T:
        self.written = []
        await asyncio.sleep(0)
        result = work(cast(Connection, self))
        if self.away:
            raise ConnectionError("away")
        self.committed.append(self.written)
        self.durable.append(durable)
        return result


@pytest.fixture
def database() -> Transactions:
    return Transactions()


@pytest.fixture
def writer(database: Transactions) -> Writer:
    return Writer(database.transact)


def written(connection: Connection, texts: Sequence[str]) -> list[str]:
    """Write texts in one call, which says how many there were; `bad` ones fail."""
    database = cast(Transactions, connection)
    if "bad" in texts:
        raise ValueError(f"bad among {len(texts)}")
    database.written.append("+".join(texts))
    return [text.upper() for text in texts]


def other(connection: Connection, texts: Sequence[str]) -> list[str]:
    return [f"other {text}" for text in written(connection, texts)]


async def test_what_comes_while_a_transaction_runs_goes_together_into_the_next(
    database: Transactions, writer: Writer
) -> None:
    first = asyncio.create_task(writer.write(written, "a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [writer.write(written, "b"), writer.write(other, "c"), writer.write(written, "d")]
    assert await asyncio.gather(first, *rest) == ["A", "B", "other C", "D"]
    assert database.committed == [["a"], ["b+d", "c"]]


async def test_one_that_fails_fails_alone(database: Transactions, writer: Writer) -> None:
    texts = ["a", "bad", "b"]
    found = await asyncio.gather(
        *(writer.write(written, text) for text in texts), writer.write(other, "c"), return_exceptions=True
    )
    assert [found[0], *found[2:]] == ["A", "B", "other C"]
    assert str(found[1]) == "bad among 1"
    assert database.committed == [["a", "b", "c"]]


async def test_all_fail_where_the_database_is_away_and_later_ones_do_not(
    database: Transactions, writer: Writer
) -> None:
    database.away = True
    found = await asyncio.gather(writer.write(written, "a"), writer.write(other, "b"), return_exceptions=True)
    assert [type(each) for each in found] == [ConnectionError, ConnectionError]
    database.away = False
    assert await writer.write(written, "c") == "C"
    assert database.committed == [["c"]]


async def test_a_transaction_is_durable_where_one_of_its_writes_must_be(database: Transactions, writer: Writer) -> None:
    await writer.write(written, "a", durable=False)
    await asyncio.gather(writer.write(written, "b", durable=False), writer.write(written, "c"))
    assert database.durable == [False, True]


async def test_closing_waits_for_what_is_to_be_written(database: Transactions, writer: Writer) -> None:
    writing = asyncio.create_task(writer.write(written, "a"))
    await asyncio.sleep(0)
    await writer.close()
    assert database.committed == [["a"]]
    assert await writing == "A"
