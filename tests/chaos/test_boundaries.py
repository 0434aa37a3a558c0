"""A worker that dies before or after any activity of an order: the order ends as it would have, and all is exact.

The boundaries are not chosen by hand: an order that nobody disturbs shows them. Then for each of them an order of its
own is placed, and the worker's process is killed just there. An ordinary run takes a few, a thorough one them all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.chaos.deadly_stage import DeadlyStage, Theatre, side_by_side, theatre
from tests.replay.scenarios import SCENARIOS
from tests.thorough import THOROUGH, chosen

pytestmark = [pytest.mark.anyio, pytest.mark.long]

AT_ONCE = 6
SOME = 3
"""How many boundaries of an order an ordinary run takes."""
ORDINARY = ("added", "undone")
WITHIN_PROCESS = frozenset({"long-cancelled", "long-held", "long-amended", "long-fallen-out"})
"""Scenarios that hold calls back within the process that makes them."""


@pytest.fixture(scope="module")
async def played(anyio_backend: object, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    """One stack for all of them: to start it takes longer than an order."""
    async with theatre(tmp_path_factory.mktemp("theatre")) as theatre_:
        yield theatre_


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in WITHIN_PROCESS] if THOROUGH else ORDINARY)
async def test_a_worker_that_dies_at_any_boundary_changes_nothing(name: str, played: Theatre) -> None:
    undisturbed = played.stage(name)
    assert await ended(undisturbed, name) == SCENARIOS[name][1]
    last = len(undisturbed.submitted) - 1
    # How often the store is told, and of how much at once, differs from run to run.
    certain = [each for each in undisturbed.boundaries(last) if each.endswith(" #1")]
    boundaries = chosen(certain, SOME)

    wrong = await side_by_side(AT_ONCE, *(killed(played, name, (last, each)) for each in boundaries))

    assert [each for each in wrong if each] == []
    assert await played.violations() == {}


async def ended(stage: DeadlyStage, name: str) -> str:
    """Play a scenario to its end; return the state of its order."""
    order_id = await SCENARIOS[name][0](stage)
    return str((await stage.order(order_id))["state"])


async def killed(played: Theatre, name: str, at: tuple[int, str]) -> str | None:
    """Play a scenario in which the worker dies; return what is wrong with its end."""
    stage = played.stage(name, at)
    try:
        state = await ended(stage, name)
    finally:
        await stage.heal()
    if not stage.died():
        return f"{at} was never reached"
    return None if state == SCENARIOS[name][1] else f"{at}: {state}"
