"""Resource locks: orders that touch the same run one after the other, and none waits for ever."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from orders.lifecycle.states import OrderKind, OrderState
from store.orders import OrderStore
from store.resource_locks import ResourceLocks
from store.sql.database import Database
from store.sql.tables import resource_locks as table
from tests.store.samples import accepted, change

pytestmark = pytest.mark.anyio

FIRST, SECOND, THIRD = (f"2026-03-01T10:00:0{second}.000Z" for second in (1, 2, 3))
NUMBER = "resource:msisdn:+4915020100000"


async def test_subjects_that_nobody_else_wants_are_granted(locks: ResourceLocks) -> None:
    assert await locks.acquire("a", FIRST, ["product:1", NUMBER]) == []
    assert await locks.acquire("b", SECOND, ["product:2"]) == []
    assert await locks.acquire("c", THIRD, []) == []


async def test_a_subject_may_be_longer_than_any_index_takes(locks: ResourceLocks) -> None:
    long, other = f"product:{'光' * 3000}", f"product:{'光' * 2999}x"
    assert await locks.acquire("a", FIRST, [long]) == []
    assert await locks.acquire("b", SECOND, [other]) == []
    assert await locks.acquire("c", THIRD, [long, other]) == ["a", "b"]
    await locks.reduce("a", [long])
    assert await locks.acquire("c", THIRD, [long, other]) == ["a", "b"]
    await locks.reduce("a", [])
    await locks.release("b")
    assert await locks.acquire("c", THIRD, [long, other]) == []


async def test_orders_that_lock_the_same_are_granted_it_in_order_of_acceptance(locks: ResourceLocks) -> None:
    assert await locks.acquire("a", FIRST, ["product:1"]) == []
    assert await locks.acquire("c", THIRD, ["product:1"]) == ["a"]
    assert await locks.acquire("b", SECOND, ["product:1", "product:2"]) == ["a"]
    assert await locks.release("a") == ["b", "c"]
    assert await locks.acquire("c", THIRD, ["product:1"]) == ["b"]
    assert await locks.acquire("b", SECOND, ["product:1", "product:2"]) == []
    assert await locks.release("b") == ["c"]
    assert await locks.acquire("c", THIRD, ["product:1"]) == []
    assert await locks.release("c") == []


async def test_order_accepted_earlier_does_not_take_what_is_granted_already(locks: ResourceLocks) -> None:
    assert await locks.acquire("b", SECOND, ["product:1"]) == []
    assert await locks.acquire("a", FIRST, ["product:1"]) == ["b"]


async def test_orders_accepted_at_the_same_moment_go_by_their_ids(locks: ResourceLocks) -> None:
    await locks.acquire("x", FIRST, ["product:1"])
    for order_id in ("b", "a"):
        await locks.acquire(order_id, SECOND, ["product:1"])
    await locks.release("x")
    assert await locks.acquire("b", SECOND, ["product:1"]) == ["a"]
    assert await locks.acquire("a", SECOND, ["product:1"]) == []


async def test_order_that_waits_holds_nothing_of_what_it_asked_for(locks: ResourceLocks) -> None:
    await locks.acquire("a", FIRST, ["product:1"])
    assert await locks.acquire("b", SECOND, ["product:1", "product:2"]) == ["a"]
    assert await locks.acquire("c", THIRD, ["product:2"]) == ["b"]
    assert await locks.acquire("z", "2026-03-01T09:00:00.000Z", ["product:2"]) == []


async def test_acquiring_and_releasing_again_gives_the_same_answers(locks: ResourceLocks) -> None:
    for _ in range(2):
        assert await locks.acquire("a", FIRST, ["product:1", "product:1"]) == []
    for _ in range(2):
        assert await locks.acquire("b", SECOND, ["product:1"]) == ["a"]
    for _ in range(3):
        assert await locks.release("a") == ["b"]
    assert await locks.release("nobody") == []


async def test_what_was_released_can_be_locked_anew(locks: ResourceLocks) -> None:
    await locks.acquire("a", FIRST, ["product:1"])
    await locks.release("a")
    assert await locks.acquire("b", SECOND, ["product:1"]) == []
    assert await locks.acquire("a", FIRST, ["product:1"]) == ["b"]


async def test_lock_that_an_order_adds_later_waits_for_who_holds_it(locks: ResourceLocks) -> None:
    await locks.acquire("a", FIRST, ["product:1"])
    await locks.acquire("b", SECOND, [NUMBER])
    assert await locks.acquire("a", FIRST, [NUMBER]) == ["b"]
    assert await locks.acquire("c", THIRD, ["product:1"]) == ["a"]
    assert await locks.release("b") == ["a"]
    assert await locks.acquire("a", FIRST, [NUMBER]) == []
    assert await locks.acquire("c", THIRD, ["product:1"]) == ["a"]


async def test_order_that_holds_something_goes_before_one_that_only_waits(locks: ResourceLocks) -> None:
    await locks.acquire("a", FIRST, [NUMBER])
    await locks.acquire("c", THIRD, ["product:1"])
    assert await locks.acquire("b", SECOND, [NUMBER, "product:1"]) == ["a", "c"]
    assert await locks.acquire("c", THIRD, [NUMBER]) == ["a"]
    await locks.release("a")
    assert await locks.acquire("b", SECOND, [NUMBER, "product:1"]) == ["c"]
    assert await locks.acquire("c", THIRD, [NUMBER]) == []


async def test_two_that_each_hold_what_the_other_needs_do_not_wait_for_each_other(locks: ResourceLocks) -> None:
    await locks.acquire("a", FIRST, ["product:1"])
    await locks.acquire("b", SECOND, ["product:2"])
    assert await locks.acquire("b", SECOND, ["product:1"]) == ["a"]
    assert await locks.acquire("a", FIRST, ["product:2"]) == []
    assert await locks.acquire("b", SECOND, ["product:1"]) == ["a"]
    assert await locks.release("a") == ["b"]
    assert await locks.acquire("b", SECOND, ["product:1"]) == []


async def test_circle_of_three_is_opened_by_the_one_that_would_close_it(locks: ResourceLocks) -> None:
    orders = {"a": FIRST, "b": SECOND, "c": THIRD}
    for number, (order_id, at) in enumerate(orders.items()):
        assert await locks.acquire(order_id, at, [f"product:{number}"]) == []
    assert await locks.acquire("a", FIRST, ["product:1"]) == ["b"]
    assert await locks.acquire("b", SECOND, ["product:2"]) == ["c"]
    assert await locks.acquire("c", THIRD, ["product:0"]) == []
    assert await locks.acquire("b", SECOND, ["product:2"]) == ["c"]
    assert await locks.acquire("a", FIRST, ["product:1"]) == ["b", "c"]


async def test_who_waited_for_an_order_that_lost_its_only_lock_to_another_still_does_and_is_told(
    locks: ResourceLocks,
) -> None:
    await locks.acquire("early", FIRST, ["product:1"])
    await locks.acquire("late", THIRD, ["product:2"])
    assert await locks.acquire("late", THIRD, ["product:1", "product:3"]) == ["early"]
    assert await locks.acquire("new", SECOND, ["product:3"]) == ["late"]
    assert await locks.acquire("early", FIRST, ["product:2"]) == []
    assert await locks.release("early") == ["late"]
    assert await locks.acquire("late", THIRD, ["product:1", "product:3"]) == []
    assert await locks.release("late") == ["new"]
    assert await locks.acquire("new", SECOND, ["product:3"]) == []


async def test_order_that_cannot_wait_leaves_its_locks_as_they_were(locks: ResourceLocks) -> None:
    await locks.acquire("a", FIRST, ["product:1"])
    await locks.acquire("b", SECOND, ["product:2"])
    assert await locks.acquire("a", FIRST, ["product:1", "product:2", "product:3"], queue=False) == ["b"]
    assert await locks.release("b") == []
    assert await locks.acquire("c", THIRD, ["product:3"]) == []
    assert await locks.acquire("a", FIRST, ["product:1", "product:2"], queue=False) == []
    assert await locks.acquire("c", THIRD, ["product:2"]) == ["a"]


async def test_order_may_give_up_a_part_of_its_locks(locks: ResourceLocks) -> None:
    await locks.acquire("a", FIRST, ["product:1", "product:2"])
    for _ in range(2):
        await locks.reduce("a", ["product:1", "product:3"])
    assert await locks.acquire("b", SECOND, ["product:2", "product:3"]) == []
    assert await locks.acquire("b", SECOND, ["product:1"]) == ["a"]
    await locks.reduce("nobody", [])


async def test_order_that_locks_at_the_same_moment_as_others_is_alone(locks: ResourceLocks) -> None:
    answers = await asyncio.gather(*(locks.acquire(f"o{n}", FIRST, ["product:1", NUMBER]) for n in range(12)))
    assert answers.count([]) == 1
    holder = f"o{answers.index([])}"
    assert all(holder in before for before in answers if before)
    assert len(await locks.release(holder)) == 11


async def started(store: OrderStore, *order_ids: str) -> None:
    """Keep orders whose workflows have been started."""
    for order_id in order_ids:
        await store.accept(accepted(order_id))
        await store.mark_started([(OrderKind.PRODUCT, order_id)])


async def test_orders_that_others_wait_for_are_found_part_by_part(locks: ResourceLocks, store: OrderStore) -> None:
    await started(store, "a", "b", "c", "d")
    for order_id, at in (("a", FIRST), ("b", SECOND), ("c", THIRD)):
        await locks.acquire(order_id, at, ["product:1", "product:3"])
    await locks.acquire("d", THIRD, ["product:2"])
    assert await locks.blocking() == ["a", "b"]
    assert await locks.blocking(limit=1) == ["a"]
    assert await locks.blocking(limit=1, after="a") == ["b"]
    assert await locks.blocking(after="b") == []
    await locks.release("a")
    assert await locks.blocking() == ["b"]
    await locks.release("b")
    assert await locks.blocking() == []


async def test_orders_that_are_still_to_be_started_block_none(locks: ResourceLocks, store: OrderStore) -> None:
    await store.accept(accepted("a"))
    await started(store, "b")
    await locks.acquire("a", FIRST, ["product:1"])
    await locks.acquire("b", SECOND, ["product:1"])
    assert await locks.blocking() == []
    await store.mark_started([(OrderKind.PRODUCT, "a")])
    assert await locks.blocking() == ["a"]


@pytest.mark.parametrize("state", [OrderState.IN_PROGRESS, OrderState.COMPLETED])
async def test_orders_block_others_in_whatever_state_they_are(
    locks: ResourceLocks, store: OrderStore, state: OrderState
) -> None:
    await started(store, "a", "b")
    await locks.acquire("a", FIRST, ["product:1"])
    await locks.acquire("b", SECOND, ["product:1"])
    await store.record([change("a", 1, state)])
    assert await locks.blocking() == ["a"]


async def test_orders_whose_turn_it_is_are_overdue_until_they_take_it(locks: ResourceLocks, store: OrderStore) -> None:
    await started(store, "a", "b", "c")
    await locks.acquire("a", FIRST, ["product:1"])
    await locks.acquire("c", THIRD, ["product:2"])
    await locks.acquire("b", SECOND, ["product:1", "product:2"])
    assert await locks.overdue() == []
    await locks.release("a")
    assert await locks.overdue() == []
    await locks.release("c")
    assert await locks.overdue() == ["b"]
    assert await locks.overdue(limit=0) == []
    assert await locks.acquire("b", SECOND, ["product:1", "product:2"]) == []
    assert await locks.overdue() == []


async def test_of_orders_that_wait_for_the_same_only_the_first_is_overdue(
    locks: ResourceLocks, store: OrderStore
) -> None:
    await started(store, "a", "b", "c", "d")
    for order_id, at in (("a", FIRST), ("b", SECOND), ("c", THIRD)):
        await locks.acquire(order_id, at, ["product:1"])
    await locks.release("a")
    assert await locks.overdue() == ["b"]
    await locks.acquire("c", THIRD, ["product:2"])
    await locks.acquire("d", THIRD, ["product:1"])
    assert await locks.blocking() == ["b", "c"]


class Turns:
    """Orders that lock twice and release, as workflows do: one that waits asks again when who releases tells it to."""

    def __init__(self, locks: ResourceLocks, chance: random.Random) -> None:
        subjects = [f"product:{number}" for number in range(4)]
        self._locks, self._chance = locks, chance
        self._accepted = {f"o{number}": chance.choice([FIRST, SECOND, THIRD]) for number in range(6)}
        self._wanted = {each: [chance.sample(subjects, 1), chance.sample(subjects, 2)] for each in self._accepted}
        self._granted: dict[str, set[str]] = {each: set() for each in self._accepted}
        self._awake = set(self._accepted)

    async def go_on(self) -> None:
        """Let one order after the other do what it does next, whose turn is drawn, until all have released."""
        while self._granted:
            assert self._awake, f"nobody tells those that wait: {sorted(self._granted)}"
            await self._step(self._chance.choice(sorted(self._awake)))

    async def _step(self, order_id: str) -> None:
        wanted, mine = self._wanted[order_id], self._granted[order_id]
        if not wanted:
            del self._granted[order_id]
            self._awake.remove(order_id)
            self._awake |= set(await self._locks.release(order_id)) & self._granted.keys()
        elif await self._locks.acquire(order_id, self._accepted[order_id], wanted[0]):
            self._awake.remove(order_id)
        else:
            mine.update(wanted.pop(0))
            runs = [other for other in self._granted if other != order_id and not self._wanted[other]]
            assert wanted or not mine & set[str]().union(*(self._granted[other] for other in runs))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
async def test_whatever_is_locked_when_all_get_their_turn_and_no_two_at_once(
    locks: ResourceLocks, database: Database, seed: int
) -> None:
    await Turns(locks, random.Random(seed)).go_on()
    states = select(table.c.state)
    assert await database.read(lambda connection: set(connection.scalars(states))) == {"released"}
