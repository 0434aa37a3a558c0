"""Time limits of the order store on PostgreSQL: what never answers, or is never let go, is given up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import asyncpg  # type: ignore[import-untyped]  # has no annotations
import pytest
from sqlalchemy import text

from store.errors import StoreUnavailableError
from store.resource_locks import _ADVISORY_LOCK, ResourceLocks
from store.sql.database import Database
from store.sql.engines import Patience, transactions

pytestmark = pytest.mark.anyio

FIRST = "2026-03-01T10:00:00.000Z"
HELD = f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"


@pytest.fixture
async def opened(backend: str, migrated_url: str) -> AsyncIterator[Callable[[Patience], Database]]:
    """Opens the migrated database with other time limits."""
    if backend == "sqlite":
        pytest.skip("a file has no server that waits, and one lock with a time limit of its own")
    databases: list[Database] = []

    def open_with(patience: Patience) -> Database:
        databases.append(Database(transactions(migrated_url, patience)))
        return databases[-1]

    yield open_with
    for each in databases:
        await each.close()


async def test_who_waits_for_a_lock_that_is_never_let_go_is_told_that_the_store_cannot_serve(
    opened: Callable[[Patience], Database], migrated_url: str
) -> None:
    dead = await asyncpg.connect(migrated_url)
    async with dead.transaction():
        await dead.execute(HELD)
        locks = ResourceLocks(opened(Patience(lock=0.2)))
        with pytest.raises(StoreUnavailableError, match="lock timeout"):
            await locks.acquire("a", FIRST, ["product:1"])
    assert await locks.acquire("a", FIRST, ["product:1"]) == []
    await dead.close()


async def test_what_a_process_that_says_nothing_any_more_has_locked_is_let_go(
    opened: Callable[[Patience], Database], migrated_url: str
) -> None:
    dead = await asyncpg.connect(migrated_url, **Patience(idle=0.2).of_driver())
    await dead.transaction().start()
    await dead.execute(HELD)
    assert await ResourceLocks(opened(Patience())).acquire("b", FIRST, ["product:2"]) == []
    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresError)):
        await dead.execute(HELD)
    await dead.close()


async def test_a_statement_that_takes_too_long_is_given_up_and_the_next_is_served(
    opened: Callable[[Patience], Database],
) -> None:
    database = opened(Patience(statement=0.2))
    with pytest.raises(StoreUnavailableError, match="statement timeout"):
        await database.write(lambda connection: connection.execute(text("SELECT pg_sleep(600)")))
    assert await database.read(lambda connection: connection.scalar(text("SELECT 1"))) == 1
    await database.ping()
