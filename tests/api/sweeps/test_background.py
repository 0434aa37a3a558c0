"""What a gateway does in the background goes on, whatever ends it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.app import create_app
from api.health import Readiness, background_probe, sweep_probe
from api.sweeps.rounds import LATE_AFTER, Rounds, Supervision
from api.sweeps.sweep import run_sweep, sweep_for_ever
from tests.api.conftest import BASE_URL

pytestmark = pytest.mark.anyio


async def test_work_in_the_background_that_fails_is_begun_again_and_seen(capsys: pytest.CaptureFixture[str]) -> None:
    supervision = Supervision(timedelta())
    begun, over = 0, asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise KeyError("a defect")
        over.set()

    app = create_app(cast(Any, SimpleNamespace(base_url=BASE_URL, background=(work,), supervision=supervision)))
    async with app.router.lifespan_context(app), asyncio.timeout(60):
        await over.wait()
    assert begun == 3
    assert "work in the background failed" in "".join(capsys.readouterr())
    assert supervision.failures == 2
    health = await Readiness([background_probe(supervision)]).health()
    assert (health.status, health.missing) == ("degraded", [f"background: {supervision.trouble()}"])
    assert "a defect" in (supervision.trouble() or "")


async def test_a_sweep_that_never_ends_is_broken_off_and_the_others_have_their_turn() -> None:
    turns, over = list[str](), asyncio.Event()

    async def hangs() -> int:
        turns.append("hangs")
        await asyncio.Event().wait()
        return 0

    async def works() -> int:
        turns.append("works")
        if turns.count("works") == 2:
            over.set()
        return 1

    moment = timedelta(milliseconds=10)
    sweeping = asyncio.create_task(sweep_for_ever({"hangs": hangs, "works": works}, moment, moment))
    async with asyncio.timeout(60):
        await over.wait()
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)
    assert turns[:4] == ["hangs", "works"] * 2


async def test_a_sweep_that_does_not_come_round_is_seen_with_the_reason() -> None:
    now = datetime(2026, 3, 1, 10, tzinfo=UTC)
    rounds = Rounds(lambda: now)
    readiness = Readiness([sweep_probe(rounds)])

    async def fails() -> int:
        raise KeyError("a defect")

    async def works() -> int:
        return 0

    rounds.expect(["fails", "works"])
    now += LATE_AFTER + timedelta(seconds=1)
    await run_sweep("fails", fails, rounds=rounds)
    await run_sweep("works", works, rounds=rounds)
    health = await readiness.health()
    assert (health.status, len(health.missing)) == ("degraded", 1)
    assert "the sweep of fails has not come round since 2026-03-01 10:00 UTC: 'a defect'" in health.missing[0]

    await run_sweep("fails", works, rounds=rounds)
    health = await readiness.health()
    assert (health.status, health.parts["sweeps"].details) == (
        "up",
        {"secondsSinceLastRound": {"fails": 0.0, "works": 0.0}},
    )


async def test_sweeps_that_never_begin_are_seen() -> None:
    """So it is where the store's tables are those of a later release, so that nothing is swept at all."""
    now = datetime(2026, 3, 1, 10, tzinfo=UTC)
    rounds = Rounds(lambda: now)
    rounds.expect(["orders"])
    assert rounds.late() is None
    now += LATE_AFTER + timedelta(seconds=1)
    assert "the sweep of orders has not come round" in (rounds.late() or "")
