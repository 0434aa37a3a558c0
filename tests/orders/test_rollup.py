"""How the states of parts make the state of the whole."""

from __future__ import annotations

import pytest

from orders.lifecycle import OrderState
from orders.rollup import item_state, order_state


@pytest.mark.parametrize(
    ("items", "order"),
    [
        ("completed", "completed"),
        ("completed completed", "completed"),
        ("failed", "failed"),
        ("failed failed", "failed"),
        ("completed failed", "partial"),
        ("failed completed completed", "partial"),
        ("completed cancelled", "partial"),
        ("cancelled failed", "failed"),
    ],
)
def test_the_items_of_an_order_make_its_state(items: str, order: str) -> None:
    assert order_state([OrderState(state) for state in items.split()]) == order


@pytest.mark.parametrize(
    ("nodes", "started", "done", "withdrawn", "state"),
    [
        (3, 0, 0, 0, "acknowledged"),
        (3, 1, 0, 0, "inProgress"),
        (3, 3, 2, 0, "inProgress"),
        (3, 3, 3, 0, "completed"),
        (0, 0, 0, 0, "completed"),
        (3, 0, 0, 3, "failed"),
        (3, 2, 1, 1, "failed"),
    ],
)
def test_the_nodes_of_an_item_make_its_state(nodes: int, started: int, done: int, withdrawn: int, state: str) -> None:
    assert item_state(nodes=nodes, started=started, done=done, withdrawn=withdrawn) == state
