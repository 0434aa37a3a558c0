"""From an order to the workflow that runs it."""

from __future__ import annotations

from orders.lifecycle.states import OrderKind
from workflows.contracts import ids


def workflow_of(kind: OrderKind, order_id: str) -> str:
    """Return the id of the workflow that runs an order.

    Raises:
        ValueError: when no workflow runs an order with such an id.
    """
    root, *rest = order_id.split(":")
    workflow_id = ids.root_workflow(root)
    for cut in range(len(rest) + 1):
        service, resource = ":".join(rest[:cut]), ":".join(rest[cut:])
        candidate = ids.service_order_workflow(workflow_id, service) if service else workflow_id
        candidate = ids.resource_order_workflow(candidate, resource) if resource else candidate
        if _runs(candidate, kind, order_id):
            return candidate
    raise ValueError(f"{order_id!r} is not the id of a {kind.value}")


def _runs(workflow_id: str, kind: OrderKind, order_id: str) -> bool:
    try:
        return ids.parse(workflow_id).kind == kind and ids.order_id(workflow_id) == order_id
    except ValueError:
        return False
