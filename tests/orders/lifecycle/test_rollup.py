"""How the states of parts make the state of the whole."""

from __future__ import annotations

from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.lifecycle.rollup import RollUp, group_state, item_state, order_state
from orders.lifecycle.states import OrderState
from tests.orders.work import counted, keys


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


ITEMS = {"1": ["1:internet", "1"], "2": ["2:tv", "2:!delivered", "2"], "3": []}
GROUPS = {"bundle": ["1:internet", "1", "2:tv"]}
NODES = sorted({key for keys in ITEMS.values() for key in keys} | {"of no item"})


@given(st.lists(st.tuples(st.sampled_from(NODES), st.booleans(), st.booleans(), st.booleans())))
def test_items_are_rolled_up_as_their_nodes_go_on(changes: list[tuple[str, bool, bool, bool]]) -> None:
    roll_up = RollUp(ITEMS, GROUPS)
    far = dict.fromkeys(NODES, (False, False, False))
    for key, *flags in [*changes, (NODES[0], False, False, False)]:
        started, done, withdrawn = flags
        items = roll_up.update(key, started=started, done=done, withdrawn=withdrawn)
        far[key] = (started, done, withdrawn)
        assert items == [item for item, nodes in {**ITEMS, **GROUPS}.items() if key in nodes]
        for item, nodes in {**ITEMS, **GROUPS}.items():
            counts = [sum(far[each][place] for each in nodes) for place in range(3)]
            make = group_state if item in GROUPS else item_state
            expected = make(nodes=len(nodes), started=counts[0], done=counts[1], withdrawn=counts[2])
            assert roll_up.state(item) == expected


def test_the_work_of_a_node_does_not_grow_with_its_item_or_the_order() -> None:
    def looks_a_node(number: int) -> float:
        nodes = keys(number)
        large: dict[str, list[str]] = {"large": [], "small": []}
        for key, item in zip(nodes, cycle(large), strict=False):
            large[item].append(key)
        roll_up = RollUp(large, {"all": nodes})
        with counted() as work:
            for key in nodes:
                for item in roll_up.update(key, started=True, done=True, withdrawn=False):
                    roll_up.state(item)
        assert roll_up.state("all") == OrderState.COMPLETED
        return work.looks / number

    assert looks_a_node(5000) == looks_a_node(50) > 0
