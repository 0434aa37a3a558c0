"""What nodes did is kept from one run of an order's workflow to the next."""

from __future__ import annotations

import pytest

from store.saga_log import SagaLog
from store.sql.database import Database

pytestmark = pytest.mark.anyio


async def test_what_is_written_is_read_and_nothing_of_others(database: Database) -> None:
    log = SagaLog(database)
    await log.write("o1", {"1:internet": [{"revision": 1}], "1": [{"revision": 1}, {"revision": 2}]})
    await log.write("o2", {"1:internet": [{"revision": 7}]})
    assert await log.read("o1", ["1:internet", "2:internet"]) == {"1:internet": [{"revision": 1}]}
    assert await log.read("o1", ["1"]) == {"1": [{"revision": 1}, {"revision": 2}]}


async def test_what_a_node_did_since_takes_the_place_of_what_was_known(database: Database) -> None:
    log = SagaLog(database)
    await log.write("o1", {"1": [{"revision": 1}]})
    await log.write("o1", {"1": [{"revision": 1}, {"revision": 2}]})
    assert await log.read("o1", ["1"]) == {"1": [{"revision": 1}, {"revision": 2}]}


async def test_nothing_is_written_of_nothing(database: Database) -> None:
    log = SagaLog(database)
    await log.write("o1", {})
    assert await log.read("o1", ["1"]) == {}
