"""How many nodes begin at a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio import workflow

from workflows.saga.window import Window

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that goes on when it is told to, and the timers on it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 28, tzinfo=UTC)
        self.timers: list[tuple[datetime, asyncio.Event]] = []

    async def sleep(self, duration: timedelta, *, summary: str) -> None:
        self.timers.append((self.now + duration, ends := asyncio.Event()))
        await ends.wait()

    async def go_on(self, duration: timedelta) -> None:
        self.now += duration
        for at, ends in self.timers:
            if at <= self.now:
                ends.set()
        await settled()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(workflow, "now", lambda: clock.now)
    monkeypatch.setattr(workflow, "sleep", clock.sleep)
    return clock


async def settled() -> None:
    """Let all go on that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def entering(window: Window, keys: str) -> list[str]:
    """Have nodes begin, each of one letter; return those that have begun, which grows."""
    begun: list[str] = []

    async def begin(key: str) -> None:
        await window.enter(key)
        begun.append(key)

    tasks.update(asyncio.create_task(begin(key)) for key in keys)
    return begun


tasks: set[asyncio.Task[None]] = set()
"""What waits still is kept, so that it is not collected."""


async def test_a_few_begin_at_a_time_first_come_first_served(clock: Clock) -> None:
    window = Window(2)
    begun = entering(window, "abcde")
    await settled()
    assert begun == ["a", "b"]

    window.leave("b")
    await settled()

    assert begun == ["a", "b", "c"]


async def test_what_ends_something_that_was_begun_goes_before_new_things(clock: Clock) -> None:
    window = Window(1)
    begun = entering(window, "a")
    await settled()
    waiting = [asyncio.create_task(window.enter(key, rank)) for key, rank in (("b", 2), ("c", 3), ("d", 1), ("e", 1))]
    await settled()
    order = []

    for key in "adeb":
        window.leave(key)
        await settled()
        order.append([task.done() for task in waiting])

    assert begun == ["a"]
    assert [sum(done) for done in order] == [1, 2, 3, 4]
    assert order[0] == [False, False, True, False]
    assert order[1] == [False, False, True, True]
    assert order[2] == [True, False, True, True]


async def test_what_has_run_for_a_minute_waits_for_others_and_lets_the_next_begin(clock: Clock) -> None:
    window = Window(2)
    begun = entering(window, "abcde")
    await settled()

    await clock.go_on(timedelta(seconds=59))
    assert begun == ["a", "b"]
    await clock.go_on(timedelta(seconds=1))

    assert begun == ["a", "b", "c", "d"]
    assert len(clock.timers) == 2, "one timer serves all that wait"


async def test_however_long_they_wait_there_are_not_too_many(clock: Clock) -> None:
    window = Window(2, most=3)
    begun = entering(window, "abcde")
    await settled()

    await clock.go_on(timedelta(minutes=5))
    assert begun == ["a", "b", "c"]
    window.leave("a")
    await settled()

    assert begun == ["a", "b", "c", "d"]


async def test_where_all_find_room_there_is_no_timer(clock: Clock) -> None:
    begun = entering(Window(5), "abcde")
    await settled()

    assert begun == [*"abcde"]
    assert not clock.timers


async def test_one_that_gives_up_waiting_does_not_hold_up_the_others(clock: Clock) -> None:
    window = Window(1)
    begun = entering(window, "a")
    await settled()
    given_up = asyncio.create_task(window.enter("b"))
    later = entering(window, "c")
    await settled()
    given_up.cancel()
    await settled()

    window.leave("a")
    await settled()

    assert (begun, later) == (["a"], ["c"])
