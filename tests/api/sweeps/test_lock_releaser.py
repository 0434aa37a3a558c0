"""Orders that wait for one whose workflow is gone are let go on by the sweep, and no others are disturbed."""

from __future__ import annotations

from typing import Any

import pytest

from api.engine import EngineRefusedError, EngineUnavailableError
from api.sweeps.lock_releaser import YOUR_TURN, LockReleaser
from orders.lifecycle.states import OrderKind
from store.resource_locks import ResourceLocks
from tests.api.conftest import Bench

pytestmark = pytest.mark.anyio

PRODUCT = "product:1"
TIMES = [f"2026-11-23T09:00:0{second}.000Z" for second in range(5)]


@pytest.fixture
def locks(bench: Bench) -> ResourceLocks:
    return ResourceLocks(bench.database)


@pytest.fixture
def releaser(bench: Bench, locks: ResourceLocks) -> LockReleaser:
    return LockReleaser(locks, bench.engine)


async def queue(bench: Bench, locks: ResourceLocks, length: int) -> list[str]:
    """Place orders that all lock the same; the first has it."""
    order_ids = [await bench.ordered() for _ in range(length)]
    for order_id, at in zip(order_ids, TIMES, strict=False):
        await locks.acquire(order_id, at, [PRODUCT])
    await bench.starter.note()
    return order_ids


def told(bench: Bench) -> list[str]:
    """Return the orders that were told of their turn, since this was last asked."""
    assert {name for _, name in bench.engine.signals} <= {YOUR_TURN}
    order_ids = [workflow_id.removeprefix("po:") for workflow_id, _ in bench.engine.signals]
    bench.engine.signals.clear()
    return order_ids


async def test_orders_that_wait_for_one_that_is_gone_are_told_once(
    bench: Bench, locks: ResourceLocks, releaser: LockReleaser
) -> None:
    first, second, third = await queue(bench, locks, 3)
    bench.engine.end(first)
    assert await releaser.sweep() > 0
    assert set(told(bench)) == {second, third}
    assert await locks.acquire(second, TIMES[1], [PRODUCT]) == []
    assert await releaser.sweep() == 0
    assert told(bench) == []


async def test_orders_that_run_keep_what_they_lock(bench: Bench, locks: ResourceLocks, releaser: LockReleaser) -> None:
    first, second = await queue(bench, locks, 2)
    assert await releaser.sweep() == 0
    assert told(bench) == []
    assert await locks.acquire(second, TIMES[1], [PRODUCT]) == [first]


async def test_temporal_is_not_asked_where_nobody_waits(
    bench: Bench, locks: ResourceLocks, releaser: LockReleaser
) -> None:
    [first] = await queue(bench, locks, 1)
    bench.engine.end(first)
    assert await releaser.sweep() == 0
    assert (bench.engine.looked_for, told(bench)) == ([], [])


async def test_an_order_that_is_still_to_be_started_is_not_gone(
    bench: Bench, locks: ResourceLocks, releaser: LockReleaser
) -> None:
    bench.engine.away = True
    first = await bench.ordered()
    bench.engine.away = False
    bench.clock.now += 5
    second = await bench.ordered()
    await locks.acquire(first, TIMES[0], [PRODUCT])
    await locks.acquire(second, TIMES[1], [PRODUCT])
    assert await releaser.sweep() == 0
    assert await locks.acquire(second, TIMES[1], [PRODUCT]) == [first]


async def test_an_order_that_is_gone_while_it_waited_keeps_none_behind_it(
    bench: Bench, locks: ResourceLocks, releaser: LockReleaser
) -> None:
    first, second, third = await queue(bench, locks, 3)
    bench.engine.end(second)
    await releaser.sweep()
    assert third in told(bench)
    assert await locks.acquire(third, TIMES[2], [PRODUCT]) == [first]
    await locks.release(first)
    assert await locks.acquire(third, TIMES[2], [PRODUCT]) == []


async def test_an_order_that_was_not_told_when_the_one_before_it_was_released_is_told_by_the_next_sweep(
    bench: Bench, locks: ResourceLocks, releaser: LockReleaser, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await queue(bench, locks, 2)
    bench.engine.end(first)

    async def fail(*_: object) -> bool:
        raise EngineUnavailableError("gone")

    monkeypatch.setattr(bench.engine, "signal", fail)
    assert await releaser.sweep() == 0
    monkeypatch.undo()
    # As well by another process: the first may have ended just then.
    for gateway in (releaser, LockReleaser(locks, bench.engine)):
        assert [await gateway.sweep() for _ in range(3)] == [1, 0, 0]
        assert told(bench) == [second]


async def test_an_order_whose_turn_it_is_and_that_is_gone_does_not_keep_it(
    bench: Bench, locks: ResourceLocks, releaser: LockReleaser
) -> None:
    first, second = await queue(bench, locks, 2)
    await locks.release(first)
    bench.engine.end(second)
    await releaser.sweep()
    assert await locks.overdue() == []


async def test_while_temporal_is_away_nothing_is_released(
    bench: Bench, locks: ResourceLocks, releaser: LockReleaser
) -> None:
    first, second = await queue(bench, locks, 2)
    bench.engine.end(first)
    bench.engine.away = True
    with pytest.raises(EngineUnavailableError):
        await releaser.sweep()
    assert await locks.acquire(second, TIMES[1], [PRODUCT]) == [first]


async def test_orders_behind_many_that_run_come_to_be_looked_at(bench: Bench, locks: ResourceLocks) -> None:
    order_ids = await queue(bench, locks, 4)
    await locks.acquire(order_ids[-1], TIMES[3], ["product:2"])
    last = max(order_ids[:3])
    bench.engine.end(last)
    releaser = LockReleaser(locks, bench.engine, at_once=1)
    for _ in range(3):
        await releaser.sweep()
    assert last not in await locks.blocking()
    assert await bench.orders.get(OrderKind.PRODUCT, last) is not None


async def test_orders_that_temporal_cannot_tell_of_their_turn_hide_none_behind_them(
    bench: Bench, locks: ResourceLocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = [await bench.ordered() for _ in range(4)]
    await bench.starter.note()
    others.sort()
    for number, order_id in enumerate(others):
        product = f"product:{number}"
        await locks.acquire(first, TIMES[0], [product])
        await locks.acquire(order_id, TIMES[1], [product])
    await locks.release(first)
    signal = bench.engine.signal

    async def refuse(workflow_id: str, name: str, argument: Any = None) -> bool:
        if workflow_id != f"po:{others[-1]}":
            raise EngineRefusedError("too many signals")
        return await signal(workflow_id, name, argument)

    monkeypatch.setattr(bench.engine, "signal", refuse)
    releaser = LockReleaser(locks, bench.engine, at_once=1)
    assert sum([await releaser.sweep() for _ in range(3)]) == 1
    assert told(bench) == [others[-1]]


async def test_an_order_that_did_not_look_is_told_of_its_turn_again_after_an_hour(
    bench: Bench, locks: ResourceLocks
) -> None:
    first, second = await queue(bench, locks, 2)
    await locks.release(first)
    releaser = LockReleaser(locks, bench.engine, clock=bench.clock)
    assert [await releaser.sweep() for _ in range(2)] == [1, 0]
    bench.clock.now += 3600
    assert await releaser.sweep() == 1
    assert told(bench) == [second, second]
