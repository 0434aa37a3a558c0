"""Accepted orders are started at once where Temporal is there, else by the sweep; never lost, never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

import pytest

from api.starter import Starter
from api.sweep import sweep_for_ever
from orders.lifecycle import OrderKind
from orders.posted import PostedOrder
from store.errors import StoreUnavailableError
from store.orders import AcceptedOrder
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
    assert [order.id for order in await bench.orders.unstarted()] == [refused.json()["id"]]


async def test_many_that_the_engine_refuses_hold_up_none_behind_them(bench: Bench) -> None:
    bench.engine.away = True
    bench.engine.refused = {f"bad-{number}" for number in range(120)}
    for name in sorted(bench.engine.refused):
        await bench.post({**MINIMAL, "externalId": name})
    other = (await bench.post(MINIMAL)).json()["id"]
    bench.engine.away = False
    assert await bench.starter.sweep() == 1
    assert bench.engine.running == [other]
    assert len(bench.engine.attempts) == 1 + 121


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
    after_the_crash = Starter(bench.orders, bench.engine, timedelta(seconds=5))
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
        is_running = bench.engine.is_running
        check = bench.engine.check
        missing_search_attributes = bench.engine.missing_search_attributes

    bench.engine.away = True
    await bench.post(MINIMAL)
    pause = timedelta(milliseconds=1)
    starter = Starter(bench.orders, Trouble(), pause)
    sweeping = asyncio.create_task(sweep_for_ever({"orders": starter.sweep}, pause))
    async with asyncio.timeout(10):
        await over.wait()
    sweeping.cancel()
    # A connection that is given up in the middle of its work must be back before the store is closed.
    await asyncio.gather(sweeping, return_exceptions=True)
    assert len(seen) == 3
