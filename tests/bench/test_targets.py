"""Targets, and what is shown of a run."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from rich.console import Console

from bench.actions import Counts
from bench.chart import chart
from bench.figures import BARE, FLOOR, OURS, SOME, Block, Counted, Figures, Submission
from bench.report import spread, tables
from bench.targets import Target, Verdict, targets

ORDER = "fibre-bundle"


def block(contender: str, cpu: float, seconds: float = 10.0, in_flight: int = SOME) -> Block:
    return Block(contender, ORDER, in_flight, 10, seconds, [1.0, 2.0, 3.0], {"worker": cpu, "inventory": 1.0})


def submission(who: str, orders: int, p99: float = 0.1) -> Submission:
    return Submission(who, orders, 2.0, 0.05, p99, {"gateway": 0.001, "temporal": 0.002})


FIGURES = Figures(
    blocks=[block(OURS, 1.0), block(FLOOR, 2.0, 20.0), block(OURS, 3.0), block(FLOOR, 2.0, 20.0)],
    counted=[Counted(ORDER, Counts(roots=1, activities=20), {"inventory": 9}, 19, 4, 10, 0.1)],
    first_calls=[0.1, 0.4, 0.2],
    submissions=[submission(OURS, 60), submission(BARE, 100)],
    open_order_bytes=100_000,
    demo_seconds=34,
)


def test_a_figure_within_its_limit_is_held() -> None:
    assert Target("", 1.0, [0.9, 0.8, 1.2]).verdict == Verdict.HELD
    assert Target("", 1.0, [1.0], at_most=False).verdict == Verdict.HELD


def test_a_figure_that_is_held_in_one_round_is_within_the_spread() -> None:
    short = Target("", 1.0, [1.1, 0.9, 1.2])
    assert short.verdict == Verdict.WITHIN_SPREAD
    assert not short.fails


def test_a_figure_that_is_held_in_no_round_is_missed() -> None:
    assert Target("", 1.0, [1.1, 1.2]).fails
    assert Target("", 1.0, [0.9], at_most=False).fails


def test_a_figure_measured_once_varies_as_another_does() -> None:
    assert Target("", 1.0, [1.05], tolerance=0.1).verdict == Verdict.WITHIN_SPREAD
    assert Target("", 1.0, [0.95], at_most=False, tolerance=0.1).verdict == Verdict.WITHIN_SPREAD
    assert Target("", 1.0, [1.2], tolerance=0.1).verdict == Verdict.MISSED


def test_nothing_fails_by_a_stretch() -> None:
    assert not Target("", 1.0, [2.0], stretch=True).fails


def test_ours_is_compared_with_the_floor_of_the_same_round() -> None:
    (cpu,) = [each for each in targets(FIGURES) if each.what.startswith("CPU") and not each.stretch]
    assert cpu.values == [0.5, 1.5]
    (rate,) = [each for each in targets(FIGURES) if each.what.startswith("orders/s, ") and not each.stretch]
    assert rate.values == [2.0, 2.0]


def test_what_was_not_measured_has_no_target() -> None:
    assert targets(Figures()) == []


def test_taking_in_is_compared_with_the_bare_route() -> None:
    (rate,) = [each for each in targets(FIGURES) if each.what.startswith("orders/s taken in")]
    assert rate.figure == pytest.approx(0.6)
    assert rate.fails


def test_a_run_is_shown_with_its_targets_last() -> None:
    console = Console(width=200, record=True)
    for table in tables(FIGURES):
        console.print(table)
    text = console.export_text()
    assert "1.05" in text.partition("Targets")[2]
    assert "missed" in text.partition("Targets")[2]


def test_a_spread_is_shown_where_there_is_one() -> None:
    assert spread([2.0]) == "2.00"
    assert spread([3.0, 1.0, 2.0], 1) == "2.0 (1.0–3.0)"


def test_the_chart_is_a_picture_with_a_bar_for_each_process() -> None:
    picture = ElementTree.fromstring(chart(FIGURES.blocks, ORDER))
    bars = picture.findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 2 + 2 * 2 + 4
