"""What is tried again and again: noted with what goes wrong, at rest until its next try, forgotten when it is over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import literal, select

from store.setbacks import Setback, Setbacks, Tried, Work, pause_after, rests
from store.sql.database import Database

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
CANCEL = Tried(Work.CANCELLATION, "c-1", "cancel the order", "o1", "po:o1")
START = Tried(Work.START, "o1", "start the order", "o1", "po:o1")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def setbacks(database: Database, clock: Clock) -> Setbacks:
    return Setbacks(database, clock)


async def test_it_is_known_since_when_how_often_and_why_something_fails(setbacks: Setbacks, clock: Clock) -> None:
    await setbacks.note(CANCEL, "first")
    clock.now += timedelta(minutes=3)
    noted = await setbacks.note(CANCEL, "second")
    assert noted == Setback(CANCEL, 2, AT, clock.now, "second")
    assert await setbacks.of(Work.CANCELLATION, ["c-1", "c-2"]) == {"c-1": noted}
    assert await setbacks.of(Work.START, ["c-1"]) == {}


async def test_pauses_grow_from_seconds_to_minutes() -> None:
    pauses = [pause_after(attempts).total_seconds() for attempts in (1, 2, 3, 4, 5, 6, 7, 8, 100_000)]
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]


async def test_something_rests_until_its_next_try(database: Database, setbacks: Setbacks) -> None:
    await setbacks.note(CANCEL, "no")

    async def is_resting(after: float) -> bool:
        question = select(rests(Work.CANCELLATION, literal("c-1"), AT + timedelta(seconds=after)))
        return bool(await database.read(lambda connection: connection.scalar(question)))

    assert [await is_resting(after) for after in (0, 4.9, 5, 60)] == [True, True, False, False]


async def test_an_error_of_any_length_and_with_any_characters_is_kept_in_short(setbacks: Setbacks) -> None:
    noted = await setbacks.note(CANCEL, "\x00\ud800" + "x" * 10_000)
    assert len(noted.error) == 2000
    [found] = (await setbacks.of(Work.CANCELLATION, ["c-1"])).values()
    assert found.error.endswith("xxx")


async def test_what_has_failed_often_is_found_the_oldest_first_and_counted(setbacks: Setbacks, clock: Clock) -> None:
    for number in range(4):
        tried = Tried(Work.ACTIVITY, f"a{number}", "record", "o1", "po:o1")
        await setbacks.note(tried, "no", attempts=10 + number)
        clock.now += timedelta(seconds=1)
    await setbacks.note(CANCEL, "no")
    await setbacks.note(START, "no", attempts=50)
    found, numbers = await setbacks.standing(11, 2)
    assert [each.tried.id for each in found] == ["a1", "a2"]
    assert numbers == {Work.ACTIVITY: 3}


async def test_what_is_over_is_forgotten(setbacks: Setbacks) -> None:
    await setbacks.note(CANCEL, "no")
    await setbacks.over(Work.START, ["c-1"])
    assert (await setbacks.standing(1, 10))[1] == {Work.CANCELLATION: 1}
    await setbacks.over(Work.CANCELLATION, ["c-1", "c-2"])
    assert await setbacks.standing(1, 10) == ([], {})


async def test_what_is_tried_no_more_is_forgotten_some_minutes_after_its_next_try_was_due(
    setbacks: Setbacks, clock: Clock
) -> None:
    await setbacks.note(CANCEL, "no", pause=timedelta(minutes=10))
    await setbacks.note(START, "no")
    clock.now += timedelta(minutes=10)
    assert await setbacks.forget_past() == 1
    clock.now += timedelta(minutes=6)
    assert await setbacks.forget_past() == 1


async def test_what_many_note_at_the_same_moment_is_one(setbacks: Setbacks) -> None:
    await asyncio.gather(*(setbacks.note(CANCEL, f"{number}") for number in range(20)))
    [found] = (await setbacks.of(Work.CANCELLATION, ["c-1"])).values()
    assert 1 <= found.attempts <= 20
