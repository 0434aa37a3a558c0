"""Orders that wait for one whose workflow is gone are let go on by the sweep, and no others are disturbed."""

from __future__ import annotations

import pytest

from api.engine import EngineUnavailableError
from api.turns import YOUR_TURN, Turns
from orders.lifecycle import OrderKind
from store.claims import ClaimStore
from tests.api.conftest import Bench

pytestmark = pytest.mark.anyio

PRODUCT = "product:1"
TIMES = [f"2026-11-23T09:00:0{second}.000Z" for second in range(5)]


@pytest.fixture
def claims(bench: Bench) -> ClaimStore:
    return ClaimStore(bench.database)


@pytest.fixture
def turns(bench: Bench, claims: ClaimStore) -> Turns:
    return Turns(claims, bench.engine)


async def queue(bench: Bench, claims: ClaimStore, length: int) -> list[str]:
    """Place orders that all claim the same; the first has it."""
    order_ids = [await bench.ordered() for _ in range(length)]
    for order_id, at in zip(order_ids, TIMES, strict=False):
        await claims.claim(order_id, at, [PRODUCT])
    return order_ids


def told(bench: Bench) -> list[str]:
    """Return the orders that were told of their turn, since this was last asked."""
    assert {name for _, name in bench.engine.signals} <= {YOUR_TURN}
    order_ids = [workflow_id.removeprefix("po:") for workflow_id, _ in bench.engine.signals]
    bench.engine.signals.clear()
    return order_ids


async def test_orders_that_wait_for_one_that_is_gone_are_told_once(
    bench: Bench, claims: ClaimStore, turns: Turns
) -> None:
    first, second, third = await queue(bench, claims, 3)
    bench.engine.end(first)
    assert await turns.sweep() > 0
    assert set(told(bench)) == {second, third}
    assert await claims.claim(second, TIMES[1], [PRODUCT]) == []
    assert await turns.sweep() == 0
    assert told(bench) == []


async def test_orders_that_run_keep_what_they_claim(bench: Bench, claims: ClaimStore, turns: Turns) -> None:
    first, second = await queue(bench, claims, 2)
    assert await turns.sweep() == 0
    assert told(bench) == []
    assert await claims.claim(second, TIMES[1], [PRODUCT]) == [first]


async def test_the_engine_is_not_asked_where_nobody_waits(bench: Bench, claims: ClaimStore, turns: Turns) -> None:
    [first] = await queue(bench, claims, 1)
    bench.engine.end(first)
    assert await turns.sweep() == 0
    assert (bench.engine.looked_for, told(bench)) == ([], [])


async def test_an_order_that_is_still_to_be_started_is_not_gone(bench: Bench, claims: ClaimStore, turns: Turns) -> None:
    bench.engine.away = True
    first = await bench.ordered()
    bench.engine.away = False
    bench.clock.now += 5
    second = await bench.ordered()
    await claims.claim(first, TIMES[0], [PRODUCT])
    await claims.claim(second, TIMES[1], [PRODUCT])
    assert await turns.sweep() == 0
    assert await claims.claim(second, TIMES[1], [PRODUCT]) == [first]


async def test_an_order_that_is_gone_while_it_waited_keeps_none_behind_it(
    bench: Bench, claims: ClaimStore, turns: Turns
) -> None:
    first, second, third = await queue(bench, claims, 3)
    bench.engine.end(second)
    await turns.sweep()
    assert third in told(bench)
    assert await claims.claim(third, TIMES[2], [PRODUCT]) == [first]
    await claims.release(first)
    assert await claims.claim(third, TIMES[2], [PRODUCT]) == []


async def test_an_order_that_was_not_told_when_the_one_before_it_was_released_is_told_by_the_next_sweep(
    bench: Bench, claims: ClaimStore, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await queue(bench, claims, 2)
    bench.engine.end(first)

    async def fail(*_: object) -> bool:
        raise EngineUnavailableError("gone")

    monkeypatch.setattr(bench.engine, "signal", fail)
    with pytest.raises(EngineUnavailableError):
        await turns.sweep()
    monkeypatch.undo()
    # As well by another process: the first may have ended just then.
    for gateway in (turns, Turns(claims, bench.engine)):
        assert [await gateway.sweep() for _ in range(3)] == [1, 0, 0]
        assert told(bench) == [second]


async def test_an_order_whose_turn_it_is_and_that_is_gone_does_not_keep_it(
    bench: Bench, claims: ClaimStore, turns: Turns
) -> None:
    first, second = await queue(bench, claims, 2)
    await claims.release(first)
    bench.engine.end(second)
    await turns.sweep()
    assert await claims.overdue() == []


async def test_while_the_engine_is_away_nothing_is_released(bench: Bench, claims: ClaimStore, turns: Turns) -> None:
    first, second = await queue(bench, claims, 2)
    bench.engine.end(first)
    bench.engine.away = True
    with pytest.raises(EngineUnavailableError):
        await turns.sweep()
    assert await claims.claim(second, TIMES[1], [PRODUCT]) == [first]


async def test_orders_behind_many_that_run_come_to_be_looked_at(bench: Bench, claims: ClaimStore) -> None:
    order_ids = await queue(bench, claims, 4)
    await claims.claim(order_ids[-1], TIMES[3], ["product:2"])
    last = max(order_ids[:3])
    bench.engine.end(last)
    turns = Turns(claims, bench.engine, at_once=1)
    for _ in range(3):
        await turns.sweep()
    assert last not in await claims.blocking()
    assert await bench.orders.get(OrderKind.PRODUCT, last) is not None
