"""What runs on below an order that was terminated is cancelled, once."""

from __future__ import annotations

import pytest

from api.engine import EngineUnavailableError
from api.sweeps.orphans import OrphanSweep
from tests.api.fakes import FakeEngine

pytestmark = pytest.mark.anyio


async def test_each_order_that_was_terminated_is_seen_to_once() -> None:
    engine = FakeEngine(terminated=["po:a", "po:b"])
    sweep = OrphanSweep(engine)
    assert [await sweep.sweep(), await sweep.sweep()] == [2, 0]
    engine.terminated.append("po:c")
    assert await sweep.sweep() == 1
    assert engine.orphaned == ["po:a", "po:b", "po:c"]


async def test_one_that_cannot_be_seen_to_holds_up_no_other_and_is_tried_again() -> None:
    engine = FakeEngine(terminated=["po:a", "po:b"], refused={"po:a"})
    sweep = OrphanSweep(engine)
    assert await sweep.sweep() == 1
    engine.refused.clear()
    assert await sweep.sweep() == 1
    assert engine.orphaned == ["po:b", "po:a"]


async def test_while_temporal_is_away_all_waits_for_the_next_sweep() -> None:
    engine = FakeEngine(terminated=["po:a"], away=True)
    sweep = OrphanSweep(engine)
    with pytest.raises(EngineUnavailableError):
        await sweep.sweep()
    engine.away = False
    assert await sweep.sweep() == 1
