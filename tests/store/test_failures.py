"""Failures of services: kept once, seen to in turn, bounded by service and period, forgotten in the end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orders.model.assurance import AssuranceAction
from store.failures import Allowance, Failure, FailureStore, OpenFailure, Outcome
from store.sql.database import Database
from tests.store.test_setbacks import Clock

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
TWO_A_DAY = Allowance(2, timedelta(days=1))
REPAIR, REPLACE, MANUAL = AssuranceAction.REPAIR, AssuranceAction.REPLACE, AssuranceAction.MANUAL


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failures(database: Database, clock: Clock) -> FailureStore:
    return FailureStore(database, clock)


def failure(event: str = "e-1", service: str = "s-1") -> Failure:
    return Failure(event, service, "no light", AT)


async def order(store: FailureStore, seen: OpenFailure, action: AssuranceAction = REPAIR) -> OpenFailure | None:
    return await store.order(seen, action, TWO_A_DAY, lambda chosen: f"s-{seen.failure.id}-{chosen.value}")


async def reported(store: FailureStore, event: str = "e-1", service: str = "s-1") -> OpenFailure:
    assert await store.report(failure(event, service))
    return OpenFailure(failure(event, service))


async def test_a_failure_is_kept_once(failures: FailureStore) -> None:
    assert await failures.report(failure())
    assert not await failures.report(failure())
    assert await failures.to_see_to() == [OpenFailure(failure())]


async def test_what_is_ordered_is_known_and_noted_for_whoever_sees_the_same_only_once(failures: FailureStore) -> None:
    seen = await reported(failures)
    assert await order(failures, seen) == OpenFailure(failure(), REPAIR, "s-e-1-repair")
    assert await order(failures, seen) is None
    assert await failures.to_see_to() == [OpenFailure(failure(), REPAIR, "s-e-1-repair")], "the order is not there yet"


async def test_of_failures_of_one_service_one_is_seen_to_at_a_time(failures: FailureStore) -> None:
    seen = [await reported(failures, event) for event in ("e-1", "e-2", "e-3")]
    noted = await asyncio.gather(*(order(failures, each) for each in seen))
    assert len([each for each in noted if each]) == 1
    (first,) = [each for each in noted if each]
    await failures.end(first.failure.id, Outcome.REPAIRED)
    rest = await failures.to_see_to()
    assert len(rest) == 2
    assert {each.since for each in rest} == {Outcome.REPAIRED}


async def test_beyond_what_may_be_it_is_for_people_until_the_period_is_over(
    failures: FailureStore, clock: Clock
) -> None:
    chosen = []
    for number in range(4):
        clock.now = AT + timedelta(hours=number)
        seen = await reported(failures, f"e-{number}")
        noted = await order(failures, seen)
        assert noted is not None
        chosen.append(noted.action)
        await failures.end(seen.failure.id, Outcome.REPAIRED)
    assert chosen == [REPAIR, REPAIR, MANUAL, MANUAL]
    other = await order(failures, await reported(failures, "o-1", "s-2"))
    assert other is not None
    assert other.action == REPAIR
    clock.now = AT + timedelta(days=1, minutes=30)
    again = await order(failures, await reported(failures, "e-9"))
    assert again is not None
    assert again.action == REPAIR


async def test_each_order_about_one_failure_counts(failures: FailureStore) -> None:
    first = await order(failures, await reported(failures))
    assert first is not None
    second = await order(failures, first, REPLACE)
    assert second is not None
    assert second.action == REPLACE
    await failures.end("e-1", Outcome.REPLACED)
    third = await order(failures, await reported(failures, "e-2"))
    assert third is not None
    assert third.action == MANUAL


async def test_what_has_ended_stays_so_and_is_forgotten_later(failures: FailureStore, clock: Clock) -> None:
    await reported(failures)
    await failures.end("e-1", Outcome.NOTED)
    await failures.end("e-1", Outcome.FAILED)
    assert await failures.outcome_of("e-1") == Outcome.NOTED
    assert await failures.to_see_to() == []
    assert await failures.forget(clock.now) == 0
    assert await failures.forget(clock.now + timedelta(seconds=1)) == 1
    assert await failures.outcome_of("e-1") is None
