"""While recovery is on sweeps only report, and what Temporal does not know is not taken for ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.sweeps.guard import WHO, RestoreGuard
from api.sweeps.lock_releaser import LockReleaser
from api.sweeps.orphans import OrphanSweep
from api.sweeps.recovery import RecoveryMode
from orders.lifecycle.states import OrderState
from store.posted_orders import PostedOrders
from store.recovery import RecoveryStore
from store.resource_locks import ResourceLocks
from tests.api.conftest import MINIMAL, PRODUCT_ORDERS, Bench
from tmf.bodies import Document
from workflows.contracts.ids import root_workflow

pytestmark = pytest.mark.anyio

RECOVERY = "/recovery/v1"
PRODUCT = "product:1"
TIMES = [f"2026-11-23T09:00:0{second}.000Z" for second in range(5)]


async def switch(bench: Bench, to: str) -> Document:
    answer = await bench.client.post(f"{RECOVERY}/{to}", json={"reason": "a restore", "author": "ada"})
    assert answer.status_code == 200, answer.text
    document: Document = answer.json()
    return document


async def waiting_for(bench: Bench, locks: ResourceLocks) -> tuple[str, str]:
    """Place two orders that lock the same, and return them: the first has it."""
    first, second = await bench.ordered(), await bench.ordered()
    await bench.starter.note()
    for order_id, at in zip((first, second), TIMES, strict=False):
        await locks.acquire(order_id, at, [PRODUCT])
    return first, second


@pytest.fixture
def locks(bench: Bench) -> ResourceLocks:
    return ResourceLocks(bench.database)


async def test_orders_are_taken_in_and_wait_until_recovery_is_off(bench: Bench) -> None:
    told = await switch(bench, "on")
    assert (told["on"], told["author"], told["reason"]) == (True, "ada", "a restore")
    order_id = await bench.ordered()
    assert (await bench.starter.sweep(), bench.engine.attempts) == (0, [])
    told = (await bench.client.get(RECOVERY)).json()
    assert told["withheld"] == {"start": [f"start the order: {order_id}"]}

    assert (await switch(bench, "off"))["withheld"] == {}
    assert await bench.starter.sweep() == 1
    assert bench.engine.running == [order_id]


async def test_recovery_is_seen_by_all_gateways_and_told_by_readiness(bench: Bench) -> None:
    await switch(bench, "on")
    assert await RecoveryMode(RecoveryStore(bench.database)).is_on()
    health = (await bench.client.get("/health/ready")).json()
    assert health["status"] == "degraded"
    [missing] = [each for each in health["missing"] if each.startswith("recovery:")]
    assert "by ada: a restore" in missing
    assert "`ordersaga recovery off` ends it" in missing
    await switch(bench, "off")
    assert (await bench.client.get("/health/ready")).json()["parts"]["recovery"]["status"] == "up"


async def test_a_gateway_may_be_told_by_its_settings(bench: Bench) -> None:
    assert await RecoveryMode(RecoveryStore(bench.database), forced=True).is_on()
    assert await RecoveryMode(forced=True).is_on()
    assert not await RecoveryMode().is_on()


async def test_nothing_is_passed_on_released_or_cancelled(bench: Bench, locks: ResourceLocks) -> None:
    first, second = await waiting_for(bench, locks)
    bench.engine.end(first)
    bench.engine.terminated = [root_workflow(first)]
    cancel = {"productOrder": {"id": second}}
    await switch(bench, "on")
    assert (await bench.client.post(f"{CANCEL}", json=cancel)).status_code == 201
    recovery = bench.gateway.recovery
    releaser = LockReleaser(locks, bench.engine, recovery=recovery)
    orphans = OrphanSweep(bench.engine, recovery)
    sweeps = (bench.canceller.sweep, releaser.sweep, orphans.sweep, bench.gateway.listener_starter.sweep_lost)
    assert [await sweep() for sweep in sweeps] == [0, 0, 0, 0]
    assert (bench.engine.signals, bench.engine.orphaned) == ([], [])
    assert await locks.acquire(second, TIMES[1], [PRODUCT]) == [first]
    withheld = (await bench.client.get(RECOVERY)).json()["withheld"]
    assert withheld["resource locks"] == [f"release the resource locks of {first}"]
    assert withheld["orphans"] == [f"cancel what runs below {root_workflow(first)}"]
    assert len(withheld["cancellation"]) == 1

    await switch(bench, "off")
    assert all([await sweep() for sweep in sweeps[:3]])
    assert bench.engine.orphaned == [root_workflow(first)]


async def test_an_order_that_temporal_does_not_know_keeps_what_it_has_locked(
    bench: Bench, locks: ResourceLocks
) -> None:
    first, second = await waiting_for(bench, locks)
    bench.engine.lost.add(root_workflow(first))
    releaser = LockReleaser(locks, bench.engine)
    assert await releaser.sweep() == 0
    assert await locks.acquire(second, TIMES[1], [PRODUCT]) == [first]

    await bench.become(first, OrderState.IN_PROGRESS)
    await bench.become(first, OrderState.COMPLETED)
    assert await releaser.sweep(), "it is known to have ended, and Temporal has forgotten it"
    assert await locks.acquire(second, TIMES[1], [PRODUCT]) == []


async def test_an_order_that_is_lost_is_not_begun_anew_to_be_cancelled(bench: Bench) -> None:
    order_id = await bench.ordered()
    await bench.starter.note()
    bench.engine.lost.add(root_workflow(order_id))
    attempts = list(bench.engine.attempts)
    await bench.client.post(CANCEL, json={"productOrder": {"id": order_id}})
    assert await bench.canceller.sweep() == 0
    assert bench.engine.attempts == attempts
    assert await bench.cancellations.unsent() == [], "it rests"
    [setback], _ = await bench.setbacks.standing(1, 10)
    assert "does not know the workflow" in setback.error


@pytest.mark.parametrize("ask", ["hold", "amend"])
async def test_an_order_that_is_lost_is_not_begun_anew_by_what_people_ask_of_it(bench: Bench, ask: str) -> None:
    order_id = await bench.ordered()
    await bench.starter.note()
    bench.engine.lost.add(root_workflow(order_id))
    attempts = list(bench.engine.attempts)
    path = f"{PRODUCT_ORDERS}/{order_id}"
    if ask == "hold":
        answer = await bench.client.post(f"{path}/hold", json={})
    else:
        answer = await bench.client.patch(path, json={"description": "another"})
    assert answer.status_code == 503, answer.text
    assert "Temporal does not know its workflow" in answer.text
    assert bench.engine.attempts == attempts


async def test_an_order_that_was_closed_before_its_start_is_never_started(bench: Bench) -> None:
    bench.engine.away = True
    order_id = await bench.ordered()
    bench.engine.away = False
    bench.engine.lost.add(root_workflow(order_id))
    await bench.gateway.reconciling.close(order_id, "ada", "nobody wants it any more")
    assert await bench.orders.unstarted() == []
    assert await bench.starter.sweep() == 0
    assert (await bench.client.get(f"{PRODUCT_ORDERS}/{order_id}")).json()["state"] == "failed"


class Guarded:
    """A guard over orders that were placed, of which Temporal has lost some."""

    def __init__(self, bench: Bench, hours: float = 0) -> None:
        self.bench = bench
        self.guard = RestoreGuard(
            PostedOrders(bench.database),
            bench.gateway.reconciling.differences,
            bench.engine,
            bench.gateway.recovery,
            timedelta(),
            lambda: datetime.now(UTC) + timedelta(hours=hours),
        )

    async def orders(self, known: int, lost: int) -> None:
        for index in range(known + lost):
            order_id = await self.bench.ordered({**MINIMAL, "externalId": f"{index}"})
            if index >= known:
                self.bench.engine.lost.add(root_workflow(order_id))
        await self.bench.starter.note()

    async def is_on(self) -> bool:
        await self.guard.sweep()
        return await self.bench.gateway.recovery.is_on()


async def test_many_orders_that_temporal_does_not_know_switch_recovery_on(bench: Bench) -> None:
    guarded = Guarded(bench)
    await guarded.orders(known=2, lost=3)
    assert await guarded.is_on()
    state = await bench.gateway.recovery.state()
    assert state.who == WHO
    assert "does not know 3 of the 5 newest orders that run" in state.why

    await switch(bench, "off")
    assert not await guarded.is_on(), "people know of these"


@pytest.mark.parametrize(("known", "lost"), [(3, 2), (4, 3), (0, 0), (5, 0)])
async def test_few_lost_orders_do_not(bench: Bench, known: int, lost: int) -> None:
    guarded = Guarded(bench)
    await guarded.orders(known, lost)
    assert not await guarded.is_on()


async def test_orders_that_temporal_may_have_forgotten_do_not(bench: Bench) -> None:
    guarded = Guarded(bench, hours=25)
    await guarded.orders(known=0, lost=5)
    assert not await guarded.is_on()


CANCEL = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
