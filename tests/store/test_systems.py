"""How systems stand: away is noted once, one caller tries, a pause has an end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from store.sql.database import Database
from store.systems import Pause, SystemState, SystemStates

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)


@pytest.fixture
def clock() -> list[datetime]:
    """The time, which a test moves."""
    return [NOW]


@pytest.fixture
def states(database: Database, clock: list[datetime]) -> SystemStates:
    return SystemStates(database, lambda: clock[0])


async def test_a_system_that_was_never_away_has_no_state(states: SystemStates) -> None:
    assert await states.all() == {}
    assert not await states.back("billing")
    assert not await states.take_probe("billing", LATER)


async def test_that_a_system_is_away_is_news_once_and_so_is_its_return(states: SystemStates) -> None:
    news = await asyncio.gather(*(states.away("billing", f"no answer {number}", LATER) for number in range(5)))
    assert sorted(news) == [False] * 4 + [True]
    state = (await states.all())["billing"]
    assert (state.away_since, state.probe_at, state.probes) == (NOW, LATER, 0)
    assert [await states.back("billing") for _ in range(2)] == [True, False]
    assert await states.all() == {"billing": SystemState("billing", back_at=NOW)}


async def test_one_caller_tries_a_system_that_is_away_at_a_time(states: SystemStates, clock: list[datetime]) -> None:
    await states.away("billing", "no answer", LATER)
    assert not await states.take_probe("billing", LATER), "it is not due yet"
    clock[0] = LATER
    taken = await asyncio.gather(*(states.take_probe("billing", LATER + timedelta(seconds=9)) for _ in range(5)))
    assert sorted(taken) == [False] * 4 + [True]
    assert (await states.all())["billing"].probes == 1
    await states.away("billing", "still no answer", LATER)
    state = (await states.all())["billing"]
    assert (state.away_since, state.error, state.probes) == (NOW, "still no answer", 1)


async def test_a_pause_holds_until_its_end_and_outlasts_an_outage(states: SystemStates, clock: list[datetime]) -> None:
    await states.away("billing", "no answer", LATER)
    paused = await states.pause("billing", LATER, "a new release", "ada")
    assert paused.pause == Pause(NOW, LATER, "a new release", "ada")
    await states.back("billing")
    state = (await states.all())["billing"]
    assert state.paused(NOW) == paused.pause
    assert state.paused(LATER) is None


async def test_a_system_that_is_resumed_is_neither_paused_nor_away(states: SystemStates) -> None:
    await states.away("billing", "no answer", LATER)
    await states.pause("billing", None, None, None)
    assert await states.resume("billing") == SystemState("billing", back_at=NOW)
    assert await states.all() == {"billing": SystemState("billing", back_at=NOW)}
