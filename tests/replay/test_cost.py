"""What an order costs on Temporal Cloud, and how long its histories are: counted from the recorded ones."""

from __future__ import annotations

import pytest

from bench.actions import counts, least, recorded
from tests.replay.record import HISTORIES


@pytest.mark.parametrize(
    ("name", "children", "calls", "events"),
    [
        ("added-with-callback", 18, 107, 600),  # the fibre bundle
        ("added", 3, 23, 110),
        ("modified", 1, 11, 60),
    ],
)
def test_an_order_costs_no_more_actions_than_hand_written_workflows(
    name: str, children: int, calls: int, events: int
) -> None:
    cost = counts(recorded(HISTORIES / name))
    assert cost.actions <= 1.15 * least(children, calls)
    assert cost.events <= events
