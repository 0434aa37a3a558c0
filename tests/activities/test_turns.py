"""Which order's call is made first, where several call from one process."""

from __future__ import annotations

import asyncio

import pytest

from activities import turns
from activities.turns import Turns

pytestmark = pytest.mark.anyio

MANY, FEW = 300, 3


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock that goes on as those who wait look at it."""
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        await _next_turn_of_the_loop()

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return clock


async def _next_turn_of_the_loop() -> None:
    await asyncio.get_running_loop().run_in_executor(None, int)


async def calls(of: Turns, order: str, number: int) -> None:
    for _ in range(number):
        async with of.turn(order):
            pass


async def waited(of: Turns, clock: Clock, order: str) -> float:
    """Return how long the next call of an order waits."""
    began = clock.now
    async with of.turn(order):
        return clock.now - began


async def test_a_large_order_lets_a_small_one_go_first_until_that_pauses(clock: Clock) -> None:
    fair = Turns(clock)
    await calls(fair, "large", MANY)
    await calls(fair, "small", FEW)

    assert 0 < await waited(fair, clock, "large") < turns._LONGEST_SECONDS
    assert await waited(fair, clock, "large") == 0, "the small one has paused"


async def test_a_small_order_that_is_being_planned_goes_first_as_well(clock: Clock) -> None:
    fair = Turns(clock)
    await calls(fair, "large", MANY)
    fair.note("small")

    assert await waited(fair, clock, "large") > 0


async def test_no_call_waits_for_long_however_many_small_orders_there_are(clock: Clock) -> None:
    fair = Turns(clock)
    await calls(fair, "large", MANY)

    async def small_ones() -> None:
        number = 0
        while True:
            number += 1
            await calls(fair, f"small-{number}", FEW)
            await _next_turn_of_the_loop()

    others = asyncio.create_task(small_ones())
    await _next_turn_of_the_loop()
    seconds = await waited(fair, clock, "large")
    others.cancel()

    assert turns._LONGEST_SECONDS <= seconds < turns._LONGEST_SECONDS + 1


async def test_a_small_order_waits_for_nobody(clock: Clock) -> None:
    fair = Turns(clock)
    await calls(fair, "large", MANY)
    await calls(fair, "other", FEW)

    assert await waited(fair, clock, "small") == 0


async def test_large_orders_do_not_wait_for_each_other(clock: Clock) -> None:
    fair = Turns(clock)
    await calls(fair, "large", MANY)
    await calls(fair, "another", MANY)

    assert await waited(fair, clock, "large") == 0


async def test_what_was_called_long_ago_does_not_count(clock: Clock) -> None:
    fair = Turns(clock)
    await calls(fair, "large", MANY)
    clock.now += 50
    await calls(fair, "small", FEW)

    assert await waited(fair, clock, "large") == 0
