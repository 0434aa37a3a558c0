"""The report of runs: what people read, what programs read, and the table of documents."""

from __future__ import annotations

from collections import Counter

from chaos.report import Report, as_json, from_json, markdown, summed

ONE = Report(
    name="seed 1 on sqlite",
    orders=10,
    states=Counter(completed=8, failed=2),
    harms=Counter(kill=2, cut=1),
    answers=Counter(late=3),
    effects=100,
    retries=7,
    absorbed=5,
    settled=3,
    recovery=(1.0, 5.0, 9.0),
)
TWO = Report(name="seed 2 on postgresql", orders=5, harms=Counter(kill=1), violations={"billing_is_exact": ["no"]})


def test_runs_come_back_from_json_as_they_were() -> None:
    assert from_json(as_json([ONE, TWO])) == [ONE, TWO]


def test_several_runs_are_summed_and_one_that_failed_fails_all() -> None:
    both = summed([ONE, TWO], "both")
    assert (both.orders, both.harms["kill"], both.absorbed, both.recovery) == (15, 3, 5, (1.0, 5.0, 9.0))
    assert not both.passed
    assert both.violations == {"seed 2 on postgresql: billing_is_exact": ["no"]}


def test_the_text_says_what_is_wrong() -> None:
    assert "passed" in ONE.text()
    assert "recovery p50/max   5.0 / 9.0 s" in ONE.text()
    assert "billing is exact: NOT SO" in TWO.text()


def test_the_table_has_a_row_for_each_run_and_one_for_all() -> None:
    head, line, *rows = markdown([ONE, TWO]).splitlines()
    assert {row.count("|") for row in (head, line, *rows)} == {15}
    assert rows[0].startswith("| seed 1 on sqlite | 10 | 2 | 0 | 0 | 1 | 3 | 7 | 5 | 3 |")
    assert rows[2].startswith("| all | 15 |")
    assert len(markdown([ONE]).splitlines()) == 3
