"""What the ids of orders tell."""

from __future__ import annotations

import pytest

from orders.model.order_ids import root_of_workflow


@pytest.mark.parametrize(
    ("workflow_id", "root"),
    [
        ("po:7f3k2a9dqe", "7f3k2a9dqe"),
        ("po:7f3k2a9dqe:so:1:internet@2:undo", "7f3k2a9dqe"),
        ("so:s-7f3k2a9dqe:so:1:service", "s-7f3k2a9dqe"),
        ("ro:r-7f3k2a9dqe:ro:1", "r-7f3k2a9dqe"),
    ],
)
def test_a_workflows_id_tells_the_order_at_the_top(workflow_id: str, root: str) -> None:
    assert root_of_workflow(workflow_id) == root
