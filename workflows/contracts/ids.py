"""Workflow ids: readable, deterministic, each beginning with its parent's, so that a prefix finds a whole tree.

| what | workflow id | order id |
|---|---|---|
| product order | `po:7f3k2a9d` | `7f3k2a9d` |
| its service order | `po:7f3k2a9d:so:1:internet` | `7f3k2a9d:1:internet` |
| that one's resource order | `po:7f3k2a9d:so:1:internet:ro:access` | `7f3k2a9d:1:internet:access` |
| service order that was posted | `so:s-7f3k2a9d` | `s-7f3k2a9d` |
| that of one of its items | `so:s-7f3k2a9d:so:1:service` | `s-7f3k2a9d:1:service` |
| resource order that was posted | `ro:r-7f3k2a9d` | `r-7f3k2a9d` |
| that of one of its items | `ro:r-7f3k2a9d:ro:1` | `r-7f3k2a9d:1` |
| one of a later revision | the same with `@2` behind it | the same with `@2` behind it |
| the undo of one of them | the same with `:undo` behind it | the same with `:undo` behind it |

A listener's workflow is `hub:` and the id of its subscription.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from orders.lifecycle.states import OrderKind
from orders.model.order_ids import root_kind

_UNDO = ":undo"
_ROOTS = {OrderKind.PRODUCT: "po", OrderKind.SERVICE: "so", OrderKind.RESOURCE: "ro"}
_PATTERN = re.compile(
    r"(?P<root>po|so):(?P<order>[^:]+)(?::so:(?P<service>[^:]+:[^:@]+)(?P<revision>@\d+)?(?P<service_undo>:undo)?"
    r"(?::ro:(?P<resource>[^:]+)(?P<resource_undo>:undo)?)?)?"
)
_OF_RESOURCES = re.compile(
    r"(?P<root>ro):(?P<order>[^:]+)(?::ro:(?P<resource>[^:@]+)(?P<revision>@\d+)?(?P<resource_undo>:undo)?)?"
)


@dataclass(frozen=True, slots=True)
class WorkflowId:
    """A workflow id taken apart."""

    order_id: str
    """The id of the order at the top."""
    kind: OrderKind
    service_order: str | None = None
    """The key of the service order in the plan, such as `1:internet`."""
    item: str | None = None
    """The key of the service order's item, such as `access`; below a posted resource order that of its resource."""
    undo: bool = False
    revision: int = 1
    """The revision in which the service order, or the one around the resource order, was begun."""


def root_workflow(order_id: str) -> str:
    """Return the id of the workflow of an order that was posted."""
    return f"{_ROOTS[root_kind(order_id)]}:{order_id}"


def service_order_workflow(parent: str, key: str, *, revision: int = 1, undo: bool = False) -> str:
    of_revision = f"@{revision}" if revision > 1 else ""
    return f"{parent}:so:{key}{of_revision}{_UNDO if undo else ''}"


def resource_order_workflow(parent: str, key: str, *, revision: int = 1, undo: bool = False) -> str:
    of_revision = f"@{revision}" if revision > 1 else ""
    return f"{parent}:ro:{key}{of_revision}{_UNDO if undo else ''}"


def subscription_workflow(subscription_id: str) -> str:
    return f"hub:{subscription_id}"


def parse(workflow_id: str) -> WorkflowId:
    """Take a workflow id apart.

    Raises:
        ValueError: when it is not the id of an order's workflow.
    """
    part = _parts(workflow_id)
    if part["service"] is None and part["resource"] is None:
        return WorkflowId(part["order"], root_kind(part["order"]))
    revision = int(part["revision"][1:]) if part["revision"] else 1
    kind = OrderKind.SERVICE if part["resource"] is None else OrderKind.RESOURCE
    undo = part["service_undo"] if part["resource"] is None else part["resource_undo"]
    return WorkflowId(part["order"], kind, part["service"], part["resource"], undo=bool(undo), revision=revision)


def root_order_of(workflow_id: str) -> str | None:
    """Return the order at the top of the tree that a workflow belongs to; None where it runs no order."""
    try:
        return parse(workflow_id).order_id
    except ValueError:
        return None


def order_id(workflow_id: str) -> str:
    """Return the TMF id of the order that the workflow runs: its id without the kinds.

    Raises:
        ValueError: when it is not the id of an order's workflow.
    """
    part = {name: value or "" for name, value in _parts(workflow_id).items()}
    if part["service"]:
        service = f":{part['service']}{part['revision']}{part['service_undo']}"
        resource = f":{part['resource']}{part['resource_undo']}" if part["resource"] else ""
        return f"{part['order']}{service}{resource}"
    resource = f":{part['resource']}{part['revision']}{part['resource_undo']}" if part["resource"] else ""
    return f"{part['order']}{resource}"


def orders_above(workflow_id: str) -> list[tuple[OrderKind, str]]:
    """Return the orders above that of a workflow, nearest first: kind and id of each."""
    above: list[tuple[OrderKind, str]] = []
    while (over := parent(workflow_id)) != workflow_id:
        above.append((parse(over).kind, order_id(over)))
        workflow_id = over
    return above


def parent(workflow_id: str) -> str:
    """Return the id of the workflow that started this one: an undo's parent is that of what it undoes."""
    return re.sub(r":(?:so:[^:]+:[^:]+|ro:[^:]+)(?::undo)?$", "", workflow_id)


def _parts(workflow_id: str) -> dict[str, Any]:
    match = _PATTERN.fullmatch(workflow_id) or _OF_RESOURCES.fullmatch(workflow_id)
    if not match or match["root"] != _ROOTS[root_kind(match["order"])]:
        raise ValueError(f"{workflow_id!r} is not the id of an order's workflow")
    return {"service": None, "service_undo": None, **match.groupdict()}
