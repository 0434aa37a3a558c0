"""The gate of a system: it closes after so many calls without an answer, for all, and opens little by little."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from application import gates
from application.gates import CircuitLimits, SystemGate, refresh, states_followed
from application.http import DownstreamError, DownstreamSystem, SystemAwayError
from store.errors import StoreUnavailableError
from store.sql.database import open_database
from store.systems import SystemState, SystemStates
from tests.application.conftest import Script
from tests.over_httpx import HttpxConnection

pytestmark = pytest.mark.anyio

LIMITS = CircuitLimits(opens_after=3, ramp=timedelta(minutes=1))
AWAY = httpx2.ConnectError("connection refused")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def states(store_url: str, clock: Clock) -> AsyncIterator[SystemStates]:
    database = open_database(store_url)
    yield SystemStates(database, clock)
    await database.close()


def called(gate: SystemGate, *answers: httpx2.Response | Exception) -> tuple[DownstreamSystem, Script]:
    """Return a system behind a gate that answers so, and what it was asked."""
    script = Script(list(answers))
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(script), base_url="http://system")
    return DownstreamSystem("billing", HttpxConnection(client), gate), script


async def failure(system: DownstreamSystem) -> DownstreamError:
    with pytest.raises(DownstreamError) as caught:
        await system.call("GET", "/thing")
    return caught.value


async def closed(states: SystemStates, clock: Clock) -> SystemGate:
    """Return a gate that has closed just now."""
    gate = SystemGate("billing", states, LIMITS, clock)
    system, _ = called(gate, AWAY)
    for _ in range(LIMITS.opens_after):
        await failure(system)
    assert gate.is_closed()
    return gate


@pytest.mark.parametrize("answer", [AWAY, httpx2.ReadTimeout(""), *map(httpx2.Response, (502, 503, 504))])
async def test_a_system_without_an_answer_is_away_after_so_many_calls_and_asked_no_more(
    states: SystemStates, clock: Clock, answer: httpx2.Response | Exception
) -> None:
    gate = SystemGate("billing", states, LIMITS, clock)
    system, script = called(gate, answer)
    for _ in range(3):
        assert not isinstance(await failure(system), SystemAwayError)
    error = await failure(system)
    assert isinstance(error, SystemAwayError)
    assert (len(script.asked), error.said, error.unclear, error.retryable) == (3, False, False, True)
    assert error.message.startswith("billing is away since 2026-11-23 09:00 UTC: ")
    state = (await states.all())["billing"]
    assert (state.away_since, state.probe_at) == (clock.now, clock.now + LIMITS.first_probe)


@pytest.mark.parametrize("status", [200, 404, 409, 429, 500])
async def test_a_system_that_answers_in_between_is_not_away(states: SystemStates, clock: Clock, status: int) -> None:
    gate = SystemGate("billing", states, LIMITS, clock)
    answers: list[httpx2.Response | Exception] = [AWAY, AWAY, httpx2.Response(status), AWAY, AWAY]
    for answer in answers:
        system, _ = called(gate, answer)
        await (failure(system) if status != 200 or answer is AWAY else system.call("GET", "/thing"))
    assert not gate.is_closed()
    assert await states.all() == {}


async def test_what_one_process_finds_all_know(states: SystemStates, clock: Clock) -> None:
    await closed(states, clock)
    other = SystemGate("billing", states, LIMITS, clock)
    system, script = called(other, httpx2.Response(200))
    await refresh(states, {"billing": other})
    assert isinstance(await failure(system), SystemAwayError)
    assert script.asked == []


async def test_one_call_of_all_processes_tries_and_its_answer_opens_the_gate(
    states: SystemStates, clock: Clock
) -> None:
    gate = await closed(states, clock)
    other = SystemGate("billing", states, LIMITS, clock)
    await refresh(states, {"billing": other})
    clock.move(seconds=5)
    tried, script = called(gate, AWAY)
    assert not isinstance(await failure(tried), SystemAwayError)
    waiting, unasked = called(other, httpx2.Response(200))
    assert isinstance(await failure(waiting), SystemAwayError)
    assert (len(script.asked), unasked.asked) == (1, []), "one call tries"

    clock.move(seconds=10)
    await refresh(states, {"billing": other, "inventory": gate})
    assert (await waiting.call("GET", "/thing")).status == 200
    assert not other.is_closed()
    assert (await states.all())["billing"].away_since is None


async def test_calls_wait_the_longer_the_longer_it_lasts_and_not_as_long_as_each_other(
    states: SystemStates, clock: Clock
) -> None:
    gate = await closed(states, clock)

    async def delays() -> list[float]:
        system, _ = called(gate, AWAY)
        errors = [await failure(system) for _ in range(20)]
        return [error.next_retry_delay.total_seconds() for error in errors if error.next_retry_delay]

    clock.move(seconds=2)
    short = await delays()
    clock.move(minutes=2)
    await failure(called(gate, AWAY)[0])
    medium = await delays()
    clock.move(days=1)
    await failure(called(gate, AWAY)[0])
    long = await delays()
    for found, base in ((short, 5), (medium, 61), (long, 300)):
        assert all(base / 2 <= delay <= base * 1.5 for delay in found)
        assert len(set(found)) > 10, "nobody waits as long as others"


async def test_after_its_return_calls_go_out_little_by_little(states: SystemStates, clock: Clock) -> None:
    gate = await closed(states, clock)
    await gate.answered()

    async def admitted() -> int:
        count = 0
        with suppress(SystemAwayError):
            while count < 1000:
                await gate.admit()
                count += 1
        for _ in range(count):
            gate.left()
        return count

    await gate.admit()
    with pytest.raises(SystemAwayError) as caught:
        await gate.admit()
    assert (caught.value.paused, caught.value.held) == (False, True), "nobody has paused it"
    gate.left()

    found = []
    for _ in range(4):
        found.append(await admitted())
        clock.move(seconds=20)
    assert found[0] == 1
    assert found == sorted(found)
    assert found[-1] == 1000


async def test_a_paused_system_is_not_asked_until_the_end_of_its_pause(states: SystemStates, clock: Clock) -> None:
    gate = SystemGate("billing", states, LIMITS, clock)
    await states.pause("billing", clock.now + timedelta(minutes=10), "a new release", "ada")
    await refresh(states, {"billing": gate})
    system, script = called(gate, httpx2.Response(200))
    error = await failure(system)
    assert isinstance(error, SystemAwayError)
    assert (error.message, error.paused) == ("billing is paused until 2026-11-23 09:10 UTC: a new release", True)
    assert script.asked == []
    clock.move(minutes=9, seconds=59)
    last = await failure(system)
    assert last.next_retry_delay
    assert last.next_retry_delay < timedelta(seconds=6), "it does not wait for long after the end"
    clock.move(seconds=1)
    assert (await system.call("GET", "/thing")).status == 200


async def test_a_store_that_does_not_serve_keeps_nobody_from_calling(
    states: SystemStates, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise StoreUnavailableError("the order store cannot serve")

    for name in ("away", "back", "all", "take_probe"):
        monkeypatch.setattr(SystemStates, name, fail)
    gate = await closed(states, clock)
    await refresh(states, {"billing": gate})
    assert isinstance(await failure(called(gate, AWAY)[0]), SystemAwayError), "this process knows it all the same"
    await gate.answered()
    assert not gate.is_closed()


async def test_a_gate_that_another_process_has_opened_counts_from_the_beginning(
    states: SystemStates, clock: Clock
) -> None:
    gate = await closed(states, clock)
    await states.back("billing")
    await refresh(states, {"billing": gate})
    clock.move(minutes=2)
    await failure(called(gate, AWAY)[0])
    assert not gate.is_closed()


async def test_systems_are_followed_on_after_a_fault_that_nobody_foresaw(
    states: SystemStates, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, looks, went_on = states.all, 0, asyncio.Event()

    async def look() -> dict[str, SystemState]:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise RuntimeError("a defect")
        if looks > 2:
            went_on.set()
        return await read()

    monkeypatch.setattr(states, "all", look)
    monkeypatch.setattr(gates, "_LOOKS_EVERY", timedelta(milliseconds=1))
    async with states_followed(states, {"billing": SystemGate("billing", states, LIMITS, clock)}):
        await asyncio.wait_for(went_on.wait(), timeout=10)
