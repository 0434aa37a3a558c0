"""Tasks for people: a step that failed and is held (fallout), and a step that people do (manual)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from orders.lifecycle.states import OrderKind
from orders.model.wanted import WantedValue
from tmf.instants import UtcDatetime
from tmf.model import Model


class TaskKind(StrEnum):
    FALLOUT = "fallout"
    """A step has failed for good, and waits for a person's decision."""
    MANUAL = "manual"
    """A step that people do waits until they say that it is done."""


class TaskState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    """The order no longer needs it: it was cancelled or amended before anyone acted."""


class TaskAction(StrEnum):
    """How a task is settled."""

    RETRY = "retry"
    """The step is tried again."""
    COMPLETE = "complete"
    """The step was done by hand; the values that it would have given come with it."""
    FAIL = "fail"
    """The step has failed: its item fails, with its bundle. An undo is given up, and leaves its residue."""
    ROLLBACK = "rollback"
    """The step has failed, and the whole order is undone."""


class Resolution(Model):
    """Who settled a task, how, and why."""

    action: TaskAction
    at: UtcDatetime
    by: str | None = None
    """None where the second policy decided, since nobody had acted in time."""
    reason: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)


class Task(Model):
    """One thing that a person is asked to do or to decide."""

    id: str
    """The id of the order whose step it is, `!`, and a number: `7f3k2a9d:1:internet!1`."""
    kind: TaskKind
    state: TaskState = TaskState.OPEN
    workflow_id: str
    """The workflow that waits for it."""
    order_kind: OrderKind
    order_id: str
    root_id: str
    """The id of the root order: the product order, or an order that came in directly."""
    item: str | None = None
    """The item of the order whose step it is."""
    step: str
    what: str
    """The step in words: «activate Internet access»."""
    instructions: str | None = None
    undoing: bool = False
    """Whether the step undoes something."""
    system: str | None = None
    error_code: str | None = None
    error: str | None = None
    attempts: int = 0
    actions: list[TaskAction]
    """How it can be settled."""
    wanted: list[WantedValue] | None = None
    """The values that it gives when it is completed; anything is taken, where it is None."""
    created_at: UtcDatetime
    due_at: UtcDatetime | None = None
    """For a manual task, when it is planned to be done; for fallout, when the second policy decides."""
    resolution: Resolution | None = None


def is_task_id(value: Any) -> bool:
    """Return whether this is the id of a task, as notes have it that say who settled one."""
    return isinstance(value, str) and value.rpartition("!")[2].isdecimal() and "!" in value
