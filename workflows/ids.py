"""Workflow ids: readable, deterministic, each starting with its parent's, so that a prefix finds a whole family.

| what | workflow id | order id |
|---|---|---|
| product order | `po:7f3k2a9d` | `7f3k2a9d` |
| its service order | `po:7f3k2a9d:so:1:internet` | `7f3k2a9d:1:internet` |
| that one's resource order | `po:7f3k2a9d:so:1:internet:ro:access` | `7f3k2a9d:1:internet:access` |
| the undo of one of them | the same with `:undo` behind it | the same with `:undo` behind it |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from orders.lifecycle import OrderKind

_UNDO = ":undo"
_PATTERN = re.compile(
    r"po:(?P<order>[^:]+)(?::so:(?P<service>[^:]+:[^:]+)(?P<service_undo>:undo)?"
    r"(?::ro:(?P<resource>[^:]+)(?P<resource_undo>:undo)?)?)?"
)


@dataclass(frozen=True, slots=True)
class WorkflowId:
    """A workflow id taken apart."""

    order_id: str
    """The product order's id."""
    kind: OrderKind
    service_order: str | None = None
    """The key of the service order in the plan, such as `1:internet`."""
    item: str | None = None
    """The key of the service order's item, such as `access`."""
    undo: bool = False


def product_order_workflow(order_id: str) -> str:
    return f"po:{order_id}"


def service_order_workflow(parent: str, key: str, *, undo: bool = False) -> str:
    return f"{parent}:so:{key}{_UNDO if undo else ''}"


def resource_order_workflow(parent: str, key: str, *, undo: bool = False) -> str:
    return f"{parent}:ro:{key}{_UNDO if undo else ''}"


def parse(workflow_id: str) -> WorkflowId:
    """Take a workflow id apart.

    Raises:
        ValueError: when it is not the id of an order's workflow.
    """
    part = _parts(workflow_id)
    if part["service"] is None:
        return WorkflowId(part["order"], OrderKind.PRODUCT)
    if part["resource"] is None:
        return WorkflowId(part["order"], OrderKind.SERVICE, part["service"], undo=bool(part["service_undo"]))
    return WorkflowId(
        part["order"], OrderKind.RESOURCE, part["service"], part["resource"], undo=bool(part["resource_undo"])
    )


def order_id(workflow_id: str) -> str:
    """Return the TMF id of the order that the workflow runs: its id without the kinds.

    Raises:
        ValueError: when it is not the id of an order's workflow.
    """
    part = _parts(workflow_id)
    undo = {name: (part[name] or "") for name in ("service_undo", "resource_undo")}
    service = f":{part['service']}{undo['service_undo']}" if part["service"] else ""
    resource = f":{part['resource']}{undo['resource_undo']}" if part["resource"] else ""
    return f"{part['order']}{service}{resource}"


def parent(workflow_id: str) -> str:
    """Return the id of the workflow that started this one: an undo's parent is that of what it takes back."""
    return re.sub(r":(?:so:[^:]+:[^:]+|ro:[^:]+)(?::undo)?$", "", workflow_id)


def _parts(workflow_id: str) -> dict[str, Any]:
    match = _PATTERN.fullmatch(workflow_id)
    if not match:
        raise ValueError(f"{workflow_id!r} is not the id of an order's workflow")
    return match.groupdict()
