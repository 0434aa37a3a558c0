"""What is broken when, and what is ordered: the same for the same seed, and of all sorts."""

from __future__ import annotations

import pytest

from chaos.schedule import LONGEST, Harm, Shape, schedule
from chaos.stories import Story, plots

SHAPE = Shape(
    processes=("temporal", "worker-1", "worker-2", "gateway-1", "postgresql"),
    links=("worker-1>temporal", "gateway-1>store"),
    systems={
        "inventory": ("reserve", "createService"),
        "activation": ("activate", "deactivate"),
        "billing": ("startCharge",),
    },
    fault_kinds={
        "permanent": ("inventory", "activation", "billing"),
        "late": ("inventory", "activation", "billing"),
        "wrongFilter": ("inventory",),
        "asyncFailure": ("activation",),
    },
)


def test_a_seed_always_means_the_same_and_another_seed_something_else() -> None:
    assert schedule(7, SHAPE, 30, 1) == schedule(7, SHAPE, 30, 1)
    assert schedule(7, SHAPE, 30, 1) != schedule(8, SHAPE, 30, 1)
    assert plots(7, 30, 20) == plots(7, 30, 20)
    assert plots(7, 30, 20) != plots(8, 30, 20)


@pytest.mark.parametrize("seed", range(20))
def test_every_fault_is_within_its_time_and_about_something_that_is_there(seed: int) -> None:
    for strike in schedule(seed, SHAPE, 30, 1):
        assert 0 <= strike.at <= 30
        assert 0 < strike.seconds <= 2 * LONGEST
        match strike.harm:
            case Harm.LINK:
                assert strike.target in SHAPE.links
                assert strike.fault is not None
            case Harm.ANSWERS:
                assert strike.rule["kind"] in SHAPE.fault_kinds
                assert strike.target in SHAPE.fault_kinds[strike.rule["kind"]]
                assert strike.rule["match"].get("operation", "reserve") in (*SHAPE.systems[strike.target], "reserve")
            case _:
                assert strike.target in SHAPE.processes


def test_each_harm_comes_before_any_comes_again_and_again() -> None:
    harms = {strike.harm for strike in schedule(1, SHAPE, 30, 2)}
    assert harms == {Harm.KILL, Harm.FREEZE, Harm.RESTART, Harm.LINK, Harm.ANSWERS}
    with_lock = Shape(SHAPE.processes, (), SHAPE.systems, SHAPE.fault_kinds, locks_store=True)
    harms = {strike.harm for strike in schedule(1, with_lock, 30, 2)}
    assert harms == {Harm.KILL, Harm.FREEZE, Harm.RESTART, Harm.LOCK, Harm.ANSWERS}


def test_every_process_and_every_kind_of_fault_has_its_turn() -> None:
    strikes = [strike for seed in range(20) for strike in schedule(seed, SHAPE, 25, 2)]
    for harm in (Harm.KILL, Harm.FREEZE, Harm.RESTART):
        assert {strike.target for strike in strikes if strike.harm == harm} == set(SHAPE.processes)
    assert {strike.rule["kind"] for strike in strikes if strike.rule} == set(SHAPE.fault_kinds)


def test_what_is_accepted_fails_later_also_where_it_undoes_something() -> None:
    strikes = [strike for seed in range(20) for strike in schedule(seed, SHAPE, 25, 2)]
    spoilt = [strike.rule["match"] for strike in strikes if strike.rule.get("kind") == "asyncFailure"]
    assert {"operation": "deactivate"} in spoilt
    assert {} in spoilt


def test_each_story_is_told_before_any_is_told_again() -> None:
    told = plots(3, 2 * len(Story), 20)
    assert sorted(plot.story for plot in told) == sorted([*Story, *Story])
    assert [plot.at for plot in told] == sorted(plot.at for plot in told)
    assert all(0 <= plot.at <= 20 for plot in told)
