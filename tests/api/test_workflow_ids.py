"""From an order's id to its workflow's: the way back from `workflows.contracts.ids.order_id`."""

from __future__ import annotations

import pytest

from api.workflow_ids import workflow_of
from orders.lifecycle.states import OrderKind
from workflows.contracts import ids


@pytest.mark.parametrize(
    "workflow_id",
    [
        "po:abc",
        "po:abc:so:1.tv:tv",
        "po:abc:so:1.tv:tv:undo",
        "po:abc:so:1*2:internet:ro:access",
        "po:abc:so:1*2:internet:ro:access:undo",
        "po:abc:so:1:internet:undo:ro:access",
        "po:abc:so:a%20b:internet:undo:ro:access:undo",
        "so:s-abc",
        "so:s-abc:so:1:service@2:undo",
        "so:s-abc:so:1:service:ro:access",
        "ro:r-abc",
        "ro:r-abc:ro:1@2",
        "ro:r-abc:ro:1:undo",
    ],
)
def test_the_workflow_of_an_order_is_found_by_its_id(workflow_id: str) -> None:
    assert workflow_of(ids.parse(workflow_id).kind, ids.order_id(workflow_id)) == workflow_id


@pytest.mark.parametrize(
    ("kind", "order_id"),
    [
        (OrderKind.PRODUCT, "a:b"),
        (OrderKind.SERVICE, "a"),
        (OrderKind.RESOURCE, "a:b:c"),
        (OrderKind.PRODUCT, ""),
        (OrderKind.RESOURCE, "s-a"),
    ],
)
def test_an_id_that_no_workflow_runs_is_said_so(kind: OrderKind, order_id: str) -> None:
    with pytest.raises(ValueError, match="is not the id of a"):
        workflow_of(kind, order_id)
