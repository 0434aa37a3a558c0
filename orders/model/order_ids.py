"""The ids of orders: opaque to clients, yet the kind of the order that a client has posted can be told from them.

| order | id | of those that it comes down to |
|---|---|---|
| product order | `7f3k2a9dqe` | `7f3k2a9dqe:1:internet` |
| service order that was posted | `s-7f3k2a9dqe` | `s-7f3k2a9dqe:1:service` |
| resource order that was posted | `r-7f3k2a9dqe` | `r-7f3k2a9dqe:1` |

So plans, revisions, resource locks and tasks, which are kept by the id of the root order, never mix those of two kinds.
"""

from __future__ import annotations

import re

from orders.lifecycle.states import OrderKind

_MARKS = {OrderKind.PRODUCT: "", OrderKind.SERVICE: "s-", OrderKind.RESOURCE: "r-"}

_KEY = re.compile(r"(?:po|so|ro):(?P<order>[^:/]+)[:/]")


def marked(kind: OrderKind, name: str) -> str:
    """Return the id of an order of a kind that is posted: its name of base32 characters behind the kind's mark."""
    return f"{_MARKS[kind]}{name}"


def root_id(order_id: str) -> str:
    """Return the id of the root of the tree that an order belongs to."""
    return order_id.partition(":")[0]


def root_of_workflow(workflow_id: str) -> str:
    """Return the id of the order at the top of the tree to which an order's workflow belongs.

    A workflow's id has it behind the mark of its kind: `po:7f3k2a9dqe:so:1:internet` is below `7f3k2a9dqe`.
    """
    return workflow_id.split(":", 2)[1]


def root_of_key(key: str) -> str | None:
    """Return the order at the top of the tree whose key for an effect this is; None of what is no key of ours.

    A key begins with the id of a workflow: `po:7f3k2a9dqe:so:1:internet:ro:access/port/reserve/add/1`.
    """
    found = _KEY.match(key)
    return found["order"] if found else None


def root_kind(order_id: str) -> OrderKind:
    """Return the kind of the root of the tree that an order belongs to."""
    marked = (kind for kind, mark in _MARKS.items() if mark and order_id.startswith(mark))
    return next(marked, OrderKind.PRODUCT)


def is_root(order_id: str) -> bool:
    """Return whether an order was posted, and not made by another one."""
    return ":" not in order_id
