"""Events are kept with what they tell of, and whoever reads them misses none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, func, select, update
from structlog.testing import capture_logs

from orders.events.order_events import Event
from orders.lifecycle.states import OrderKind, OrderState
from store import outbox as outbox_module
from store.orders import OrderStore
from store.outbox import Outbox, WaitingEvent, append
from store.setbacks import Setbacks, Work
from store.sql.database import Database
from store.sql.tables import events
from tests.store.samples import accepted, change
from tests.store.transactions import writing

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


def event(event_id: str, root_id: str = "o1", api: str = "productOrder", at: datetime = NOW) -> Event:
    return Event(
        id=event_id,
        type="ProductOrderCreateEvent",
        api=api,
        resource=api,
        subject_id=root_id,
        root_id=root_id,
        at=at,
        title=event_id,
        document={"id": root_id},
    )


async def kept(database: Database, *found: Event) -> None:
    await database.write(lambda connection: append(connection, found))


async def read(outbox: Outbox, after: int = 0, limit: int = 100) -> list[str]:
    return [each.event.id for each in await outbox.read(after, limit)]


async def test_what_is_rolled_back_leaves_no_event(database: Database, outbox: Outbox) -> None:
    def fail(connection: Connection) -> None:
        append(connection, [event("1")])
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await database.write(fail)

    assert await read(outbox) == []
    assert await outbox.end() == 0


async def test_events_are_found_by_their_api_and_by_their_order_tree(database: Database, outbox: Outbox) -> None:
    await kept(database, event("1"), event("2", "o2"), event("3", "o1", "serviceOrder"))

    assert [each.event.id for each in await outbox.read(0, 10, api="productOrder")] == ["1", "2"]
    assert [each.event.id for each in await outbox.read(0, 10, root_id="o1")] == ["1", "3"]
    assert await outbox.is_behind(2, api="serviceOrder")
    assert not await outbox.is_behind(2, api="productOrder")
    assert await outbox.held_back({"o1": 0, "o2": 2}, 3, "productOrder") == 1


async def test_more_events_than_one_batch_numbers_are_numbered_to_their_end(
    database: Database, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "_NUMBERED_AT_ONCE", 3)
    await kept(database, *(event(str(number)) for number in range(10)))

    assert await outbox.end() == 10
    assert await read(outbox) == [str(number) for number in range(10)]


async def test_an_event_that_is_committed_late_comes_behind_those_that_were_read(
    database: Database, outbox: Outbox
) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite has one writer at a time: none commits before one that began earlier")
    async with writing(database, lambda late: append(late, [event("began first")])):
        await kept(database, event("committed first", "o2"))
        (seen,) = await outbox.read(0, 10)

    assert seen.event.id == "committed first"
    assert await read(outbox, seen.position) == ["began first"]


async def test_readers_skip_nothing_while_many_write(database: Database, outbox: Outbox) -> None:
    async def write(writer: int) -> None:
        for number in range(10):
            await kept(database, event(f"{writer}.{number}", f"o{writer}"))

    async def follow() -> list[str]:
        seen: list[str] = []
        after = 0
        while len(seen) < 50:
            for each in await outbox.read(after, 7):
                seen.append(each.event.id)
                after = each.position
        return seen

    async with asyncio.timeout(60):
        writing = asyncio.gather(*(write(writer) for writer in range(5)))
        first, second, _ = await asyncio.gather(follow(), follow(), writing)

    assert first == second
    assert sorted(first) == sorted(f"{writer}.{number}" for writer in range(5) for number in range(10))
    for writer in range(5):
        assert [each for each in first if each.startswith(f"{writer}.")] == [f"{writer}.{n}" for n in range(10)]


async def test_old_events_that_nobody_needs_are_forgotten_but_for_the_last(
    database: Database, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "_FORGOTTEN_AT_ONCE", 2)
    await kept(database, *(event(str(number)) for number in range(1, 8)))

    assert await outbox.prune(NOW + timedelta(days=1), needed_after={"productOrder": 3}) == 3
    assert await read(outbox) == ["4", "5", "6", "7"]
    assert await outbox.prune(NOW) == 0
    assert await outbox.prune(NOW + timedelta(days=1)) == 3
    await kept(database, event("8"))
    assert [each.position for each in await outbox.read(0, 10)] == [7, 8]


async def test_the_position_before_a_time_is_that_behind_which_all_of_it_come(
    database: Database, outbox: Outbox
) -> None:
    await kept(database, *(event(str(hour), at=NOW + timedelta(hours=hour)) for hour in range(3)))

    assert await outbox.position_before(NOW + timedelta(hours=1)) == 1
    assert await outbox.position_before(NOW + timedelta(hours=9)) == 3
    assert await outbox.position_before(NOW - timedelta(hours=9)) == 0


async def test_events_are_kept_for_listeners_of_their_own_api_alone(database: Database, outbox: Outbox) -> None:
    await kept(database, *(event(str(each), api="serviceOrder" if each % 2 else "productOrder") for each in range(6)))

    assert await outbox.prune(NOW + timedelta(days=1), needed_after={"productOrder": 1}) == 3
    assert await read(outbox) == ["2", "4", "5"]


async def test_the_first_event_that_waits_is_known_and_whether_there_are_more_than_so_many(
    database: Database, outbox: Outbox
) -> None:
    assert await outbox.kept() == 0
    await kept(database, *(event(str(each), api="serviceOrder" if each % 2 else "productOrder") for each in range(6)))
    assert await outbox.end() == 6

    assert await outbox.first_after(1, "productOrder") == WaitingEvent("2", NOW)
    assert await outbox.first_after(1, "productOrder", skipping=1) == WaitingEvent("4", NOW)
    assert await outbox.first_after(1, "productOrder", skipping=2) is None
    assert await outbox.first_after(6, "serviceOrder") is None
    assert await outbox.kept() == 6


async def test_by_clocks_that_are_minutes_apart_nothing_is_missed(database: Database, outbox: Outbox) -> None:
    """A gateway whose clock is three minutes behind wrote the second event, after the first one."""
    await kept(database, event("before", at=NOW - timedelta(hours=1)))
    await kept(database, event("1", at=NOW), event("behind", "o2", at=NOW - timedelta(minutes=3)))

    after = await outbox.position_before(NOW)
    assert await read(outbox, after) == ["1", "behind"]


async def test_the_time_is_that_of_the_database(database: Database, outbox: Outbox) -> None:
    own = datetime.now(UTC)
    assert abs(await outbox.now() - own) < timedelta(minutes=1)


def spoilt(connection: Connection, event_id: str) -> None:
    """Make a row of which this release can read nothing."""
    connection.execute(update(events).where(events.c.id == event_id).values(event={"of": "of another release"}))


async def test_an_event_that_cannot_be_read_is_set_aside_and_holds_up_none_behind_it(database: Database) -> None:
    counted = list[int]()
    outbox = Outbox(database, lambda: counted.append(1))
    await kept(database, *(event(str(number)) for number in range(1, 8)))
    for event_id in ("2", "3", "7"):
        await database.write(partial(spoilt, event_id=event_id))

    with capture_logs() as logs:
        assert await read(outbox, limit=3) == ["1", "4", "5"]
        assert await read(outbox, after=5) == ["6"]
        assert await read(outbox) == ["1", "4", "5", "6"]

    assert [each["id"] for each in logs] == ["2", "3", "7"], "each is logged once"
    assert len(counted) == 3
    told, numbers = await Setbacks(database).standing(at_least=3, limit=10)
    assert [(each.tried.id, each.tried.order_id) for each in told] == [("2", "o1"), ("3", "o1"), ("7", "o1")]
    assert numbers == {Work.EVENT: 3}
    assert "subjectId is missing" in told[0].error
    assert "of another release" not in told[0].error, "nothing of what is in the row"


async def test_an_event_is_found_by_its_id_until_it_is_forgotten(database: Database, outbox: Outbox) -> None:
    await kept(database, event("1"), event("2"), event("3"))
    await database.write(partial(spoilt, event_id="2"))

    found = await outbox.find("1")
    assert found is not None
    assert (found.position, found.event) == (1, event("1"))
    assert await outbox.find("2") is None
    assert await outbox.find("no\0such") is None
    await outbox.prune(NOW + timedelta(days=1))
    assert await outbox.find("1") is None


async def test_an_order_whose_last_event_cannot_be_read_can_be_deleted(database: Database, store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    await store.record([change("o1", 1, OrderState.COMPLETED)])
    await Outbox(database).end()
    last = select(events.c.id).order_by(events.c.position.desc()).limit(1)
    last_id = await database.read(lambda connection: connection.scalars(last).one())
    await database.write(partial(spoilt, event_id=last_id))

    assert await store.remove(OrderKind.PRODUCT, "o1")


async def test_of_a_deleted_order_only_its_end_is_told(database: Database, store: OrderStore, outbox: Outbox) -> None:
    await store.accept(accepted("o1"))
    await store.record([change("o1", 1, OrderState.COMPLETED)])
    end = await outbox.end()

    await store.remove(OrderKind.PRODUCT, "o1")
    found = await outbox.read(0, 10)

    assert found[0].event.document == {"id": "o1", "state": "completed"}
    assert found[1].event.document.keys() == {"id", "state", "productOrderItem"}
    assert found[-1].event.type == "ProductOrderDeleteEvent"
    assert found[-1].position > end, "no position is given twice"


async def test_an_order_that_changes_makes_its_events_once(database: Database, store: OrderStore) -> None:
    await store.accept(accepted("o1"))
    await store.accept(accepted("o1"))
    await store.record([change("o1", 1)])
    await store.record([change("o1", 1)])

    number = select(func.count()).select_from(events)
    assert await database.read(lambda connection: connection.scalar(number)) == 2
