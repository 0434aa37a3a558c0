"""Accepted orders are started at once where Temporal is there, else by the sweep; never lost, never twice."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from api.engine import EngineUnavailableError
from api.sweeps.starter import Starter
from api.sweeps.sweep import sweep_for_ever
from orders.lifecycle.states import OrderKind
from orders.model.posted import PostedOrder
from store.errors import StoreUnavailableError
from store.orders import AcceptedOrder
from store.setbacks import Setbacks, Tried, Work
from tests.api.conftest import MINIMAL, PRODUCT_ORDERS, Bench

pytestmark = pytest.mark.anyio


async def test_an_order_is_accepted_while_the_engine_is_away_and_started_when_it_returns(bench: Bench) -> None:
    bench.engine.away = True
    answer = await bench.post(MINIMAL)
    assert answer.status_code == 201
    assert bench.engine.running == []

    bench.engine.away = False
    assert await bench.starter.sweep() == 1
    assert bench.engine.running == [answer.json()["id"]]
    assert await bench.starter.sweep() == 0
    assert await bench.orders.unstarted() == []


async def test_after_a_failure_orders_are_left_to_the_sweep_for_a_while(bench: Bench) -> None:
    bench.engine.away = True
    await bench.post(MINIMAL)
    await bench.post(MINIMAL)
    assert len(bench.engine.attempts) == 1

    bench.clock.now += 5
    await bench.post(MINIMAL)
    assert len(bench.engine.attempts) == 2


async def test_a_sweep_that_succeeds_ends_the_rest(bench: Bench) -> None:
    bench.engine.away = True
    await bench.post(MINIMAL)
    bench.engine.away = False
    await bench.starter.sweep()
    order = (await bench.post(MINIMAL)).json()
    assert bench.engine.running[-1] == order["id"]


async def test_the_sweep_starts_the_oldest_first_and_more_than_one_page(bench: Bench) -> None:
    bench.engine.away = True
    ids = [(await bench.post(MINIMAL)).json()["id"] for _ in range(120)]
    bench.engine.away = False
    assert await bench.starter.sweep() == 120
    dates = [(await bench.orders.get(OrderKind.PRODUCT, each) or {})["orderDate"] for each in bench.engine.running]
    assert sorted(bench.engine.running) == sorted(ids)
    assert dates == sorted(dates)


async def test_an_order_that_the_engine_refuses_holds_up_no_other(bench: Bench) -> None:
    bench.engine.refused = {"bad"}
    refused = await bench.post({**MINIMAL, "externalId": "bad"})
    assert refused.status_code == 201
    bench.engine.away = True
    bench.clock.now += 5
    other = (await bench.post(MINIMAL)).json()["id"]
    bench.engine.away = False
    assert await bench.starter.sweep() == 1
    assert bench.engine.running == [other]
    assert await late(bench) == [refused.json()["id"]]


@pytest.mark.parametrize("trouble", ["refused", "stalling"])
async def test_many_that_cannot_be_started_hold_up_none_behind_them(bench: Bench, trouble: str) -> None:
    bench.engine.away = True
    names = [f"bad-{number}" for number in range(120)]
    good = []
    for number, name in enumerate(names):
        await bench.post({**MINIMAL, "externalId": name})
        if number % 4 == 3:
            good.append((await bench.post(MINIMAL)).json()["id"])
    setattr(bench.engine, trouble, set(names))
    bench.engine.away = False
    assert await bench.starter.sweep() == len(good)
    assert bench.engine.running == good
    assert len(bench.engine.attempts) == 1 + len(names) + len(good)


async def test_an_order_that_cannot_be_started_rests_while_others_are_started(bench: Bench) -> None:
    bench.engine.refused = {"bad"}
    await bench.post({**MINIMAL, "externalId": "bad"})
    for _ in range(3):
        assert await bench.starter.sweep() == 0
    assert len(bench.engine.attempts) == 2
    assert (await bench.post(MINIMAL)).json()["id"] in bench.engine.running


async def test_an_order_is_started_when_it_has_rested_and_nothing_more_is_told_of_it(bench: Bench) -> None:
    order_id = await refused_since(bench, timedelta(minutes=5), timedelta(minutes=4))
    bench.engine.refused.clear()
    assert await bench.starter.sweep() == 1
    assert bench.engine.running == [order_id]
    assert await bench.setbacks.of(Work.START, [order_id]) == {}


async def test_an_order_that_is_refused_for_an_hour_is_rejected_with_what_temporal_says(bench: Bench) -> None:
    order_id = await refused_since(bench, timedelta(minutes=70), timedelta(minutes=9))
    await bench.starter.sweep()
    shown = (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}")).json()
    assert (shown["state"], shown["productOrderItem"][0]["state"]) == ("rejected", "rejected")
    [told] = shown["productOrderErrorMessage"]
    assert told["code"] == "notStartable"
    assert "Temporal answered INVALID_ARGUMENT" in told["reason"]
    assert await late(bench) == []


async def test_an_order_that_is_refused_for_less_than_an_hour_waits(bench: Bench) -> None:
    order_id = await refused_since(bench, timedelta(minutes=60), timedelta(minutes=9))
    assert await bench.starter.sweep() == 0
    assert (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}")).json()["state"] == "acknowledged"


async def test_an_order_that_no_temporal_takes_is_rejected_at_once(bench: Bench) -> None:
    bench.engine.too_large = {"huge"}
    answer = await bench.post({**MINIMAL, "externalId": "huge"})
    assert answer.status_code == 201
    shown = (await bench.client.get(f"{PRODUCT_ORDERS}/{answer.json()['id']}")).json()
    assert shown["state"] == "rejected"
    assert "split it into several orders" in shown["productOrderErrorMessage"][0]["reason"]
    assert (await bench.post(MINIMAL)).json()["id"] in bench.engine.running, "Temporal is not away"


async def test_an_answer_that_does_not_come_for_one_order_lets_others_be_started_at_once(bench: Bench) -> None:
    bench.engine.stalling = {"bad"}
    await bench.post({**MINIMAL, "externalId": "bad"})
    assert bench.engine.running == [(await bench.post(MINIMAL)).json()["id"]]


async def test_a_sweep_is_broken_off_where_no_answer_comes_at_all(bench: Bench) -> None:
    bench.engine.away = True
    bench.engine.stalling = {f"bad-{number}" for number in range(20)}
    for name in sorted(bench.engine.stalling):
        await bench.post({**MINIMAL, "externalId": name})
    bench.engine.away = False
    before = len(bench.engine.attempts)
    with pytest.raises(EngineUnavailableError):
        await bench.starter.sweep()
    assert len(bench.engine.attempts) == before + 5


async def late(bench: Bench) -> list[str]:
    """Return the orders that are accepted and not started, whether they rest or not."""
    found, total = await bench.orders.late_to_start(datetime.now(UTC) + timedelta(minutes=1), 1000)
    assert total == len(found)
    return [each.id for each in found]


async def refused_since(bench: Bench, *ago: timedelta) -> str:
    """Place an order that Temporal refuses, and has refused at times that are so long ago; return its id."""
    bench.engine.refused = {"bad"}
    order_id = str((await bench.post({**MINIMAL, "externalId": "bad"})).json()["id"])
    for each in ago:
        at = datetime.now(UTC) - each
        await Setbacks(bench.database, itertools.repeat(at).__next__).note(
            Tried(Work.START, order_id, "start the order", order_id), "refused"
        )
    return order_id


async def test_an_order_that_cannot_be_read_is_rejected_with_the_reason_and_holds_up_no_other(bench: Bench) -> None:
    bench.engine.away = True
    parts = [{"id": "1.a", "action": "add"}]
    document = {
        "id": "abcdefghij",
        "state": "acknowledged",
        "requestedStartDate": "20261224",
        "orderDate": "2026-11-23T09:00:00.000Z",
        "productOrderItem": [{"id": "1", "action": "add", "state": "acknowledged", "productOrderItem": parts}],
    }
    await bench.orders.accept(AcceptedOrder(OrderKind.PRODUCT, "abcdefghij", document, "shop", "digest"))
    other = (await bench.post(MINIMAL)).json()["id"]
    bench.engine.away = False
    assert await bench.starter.sweep() == 2
    assert bench.engine.running == [other]
    shown = (await bench.client.get(f"{PRODUCT_ORDERS}/abcdefghij")).json()
    assert shown["state"] == "rejected"
    [item] = shown["productOrderItem"]
    assert (item["state"], item["productOrderItem"][0]["state"]) == ("rejected", "rejected")
    [told] = shown["productOrderErrorMessage"]
    assert "requestedStartDate: «20261224» is no date and time" in told["reason"]
    assert await bench.orders.unstarted() == []


async def test_an_order_that_runs_already_is_noted_as_started(bench: Bench) -> None:
    bench.engine.away = True
    order = (await bench.post(MINIMAL)).json()
    bench.engine.away = False
    bench.engine.running.append(order["id"])
    assert await bench.starter.sweep() == 1
    assert bench.engine.running == [order["id"]]
    assert await bench.orders.unstarted() == []


async def test_what_was_started_is_noted_together(bench: Bench) -> None:
    ids = {(await bench.post(MINIMAL)).json()["id"] for _ in range(3)}
    assert {order.id for order in await bench.orders.unstarted()} == ids
    await bench.starter.note()
    assert await bench.orders.unstarted() == []


async def test_what_was_started_is_noted_a_moment_later_without_a_sweep(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: asyncio.Queue[list[str]] = asyncio.Queue()

    async def note(started: Collection[tuple[OrderKind, str]]) -> None:
        noted.put_nowait([order_id for _, order_id in started])

    monkeypatch.setattr(bench.orders, "mark_started", note)
    noting = asyncio.create_task(bench.starter.note_for_ever())
    for _ in range(2):
        order_id = (await bench.post(MINIMAL)).json()["id"]
        assert await noted.get() == [order_id]
    noting.cancel()
    await asyncio.gather(noting, return_exceptions=True)


async def test_a_start_that_a_crash_kept_from_being_noted_is_found_by_the_next_gateway(bench: Bench) -> None:
    order_id = (await bench.post(MINIMAL)).json()["id"]
    after_the_crash = Starter(bench.orders, bench.setbacks, bench.engine, timedelta(seconds=5))
    assert await after_the_crash.sweep() == 1
    assert bench.engine.running == [order_id]
    assert await bench.orders.unstarted() == []


async def test_starts_that_could_not_be_noted_are_with_the_sweep(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(started: Collection[tuple[OrderKind, str]]) -> None:
        raise StoreUnavailableError("gone")

    await bench.post(MINIMAL)
    monkeypatch.setattr(bench.orders, "mark_started", fail)
    with pytest.raises(StoreUnavailableError):
        await bench.starter.sweep()
    monkeypatch.undo()
    assert await bench.starter.sweep() == 0
    assert await bench.orders.unstarted() == []
    assert len(bench.engine.attempts) == 1


async def test_the_sweep_goes_on_whatever_happens(bench: Bench) -> None:
    seen: list[str] = []
    over = asyncio.Event()

    class Trouble:
        async def start(self, order: PostedOrder) -> bool:
            seen.append(order.id or "")
            if len(seen) < 3:
                raise [StoreUnavailableError("gone"), KeyError("bug")][len(seen) - 1]
            over.set()
            return True

        listen = bench.engine.listen
        signal = bench.engine.signal
        request = bench.engine.request
        progress = bench.engine.progress
        look = bench.engine.look
        reconcile = bench.engine.reconcile
        terminated_orders = bench.engine.terminated_orders
        cancel_children = bench.engine.cancel_children
        check = bench.engine.check
        missing_search_attributes = bench.engine.missing_search_attributes
        troubled = bench.engine.troubled
        unserved = bench.engine.unserved

    bench.engine.away = True
    await bench.post(MINIMAL)
    pause = timedelta(milliseconds=1)
    starter = Starter(bench.orders, bench.setbacks, Trouble(), pause)
    sweeping = asyncio.create_task(sweep_for_ever({"orders": starter.sweep}, pause))
    async with asyncio.timeout(60):
        await over.wait()
    sweeping.cancel()
    # A connection that is given up in the middle of its work must be back before the store is closed.
    await asyncio.gather(sweeping, return_exceptions=True)
    assert len(seen) == 3
