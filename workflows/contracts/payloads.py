"""The contracts of the workflows: what goes in at their start, what they are told on the way, what they answer."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from orders.change.amendment import NodeProgress
from orders.lifecycle.change import OrderUpdate
from orders.lifecycle.states import OrderState
from orders.model.task import TaskAction
from orders.model.wanted import WantedValue
from orders.plan.outcome import AssignedResource, Failure, Redo, Residue, ServiceOrderOutcome
from orders.plan.parts import Characteristics
from orders.plan.plan_graph import PlanNode
from tmf.instants import UtcDatetime
from tmf.model import Model

T = TypeVar("T")


class Command(Model):
    """What every message of a person may carry: who says it, and why."""

    by: str | None = None
    reason: str | None = None


class Cancel(Command):
    """Cancel the order: assessed against the points of no return, then undone."""

    task: str | None = None
    """The id of the TMF cancellation resource that asks for it."""
    at: UtcDatetime | None = None
    """When to cancel; at once where it is None."""


class TimelineEntry(Model):
    """A thing that happened to an order, and when: one line of the answer to the query `timeline`."""

    at: UtcDatetime
    what: str


class ServiceOrderInput(Model):
    """Which service order of a plan to run, or to undo."""

    order_id: str
    revision: int
    key: str
    services: dict[str, Characteristics] = Field(default_factory=dict)
    """What the service orders that this one relies on came to, by the name that its expressions use."""
    undo: ServiceOrderOutcome | None = None
    """What the service order did, when this run is to undo it."""
    redo: Redo | None = None
    """What it had done under an earlier revision, when this run changes that."""


class ResourceOrderInput(Model):
    """Which item's resources to reserve, configure and install, or to undo."""

    order_id: str
    revision: int
    service_order: str = ""
    """The key of the service order around it; empty for a resource that is ordered by itself."""
    item: str
    services: dict[str, Characteristics] = Field(default_factory=dict)
    reverse_service_order: ServiceOrderOutcome | None = None
    """What the service order did, when this one belongs to its undo."""
    redo: Redo | None = None
    """What the service order had done under an earlier revision."""
    undo: dict[str, AssignedResource] | None = None
    """What the resource order did, when this run is to undo it."""


class Ended(Model, Generic[T]):
    """What a service or resource order came to, with the changes of it that its parent is still to record."""

    outcome: T
    at: UtcDatetime
    changes: list[OrderUpdate] = Field(default_factory=list)


class Hold(Command):
    """Start nothing new below the order, or below one item of it; what runs may finish."""

    item: str | None = None


class Resume(Command):
    """Go on with the order, or with the one item."""

    item: str | None = None


class Amend(Command):
    """Change the order to a proposed revision, which is in the order store."""

    revision: int


class Resolve(Command):
    """Settle a fallout task."""

    task: str | None = None
    """Its id; may be left out where the order has only one."""
    action: TaskAction
    values: dict[str, Any] = Field(default_factory=dict)


class Complete(Command):
    """Say that a manual task is done, with the values that it gave."""

    task: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)


class Reschedule(Command):
    """Plan a manual task for another date."""

    task: str | None = None
    due_at: UtcDatetime


class SystemEvent(Model):
    """A downstream system's word, by callback, on something it was asked to do."""

    correlation_id: str
    """The idempotency key of the request that it answers."""
    succeeded: bool
    """False where it failed for good; what it has come to otherwise, the state says."""
    state: str | None = None
    """The state of the thing; empty where the system names none, None where the gateway is of an earlier release."""
    message: str = ""
    characteristics: dict[str, Any] = Field(default_factory=dict)


class Asked(Model):
    """What a task asks of people: what its workflow, and those above it, let settle it."""

    what: str
    actions: list[TaskAction]
    wanted: list[WantedValue] | None = None
    """The values that go with a completion; anything is taken, where it is None."""


class ChildReport(Model):
    """What a child tells its parent of itself, whenever it changes."""

    workflow_id: str
    version: int
    """Rises with each report, so that one that comes late is known."""
    held: bool = False
    tasks: dict[str, str] = Field(default_factory=dict)
    """Its open tasks, and those below it: id → the workflow that waits for it."""
    asked: dict[str, Asked] = Field(default_factory=dict)
    """What those tasks ask."""
    residue: list[Residue] = Field(default_factory=list)
    """What undos that wait for a person have left so far."""
    failures: list[Failure] = Field(default_factory=list)
    """Why something of it failed so far, here or below."""


class PointOfNoReturn(Model):
    """A child asks whether it may pass a point of no return, or is told that it may."""

    workflow_id: str
    key: str
    """The item that is to pass it."""
    what: str
    """The step that begins, in words."""


class ProgressView(Model):
    """How far a posted order is: the answer to the query `progress`."""

    revision: int
    nodes: dict[str, NodeProgress] = Field(default_factory=dict)


class OrderView(Model):
    """An order as its workflow sees it: the answer to the query `order`."""

    id: str
    state: OrderState
    items: dict[str, OrderState] = Field(default_factory=dict)
    waiting_for: list[str] = Field(default_factory=list)
    revision: int = 1
    held: list[str] = Field(default_factory=list)
    """What a person has put on hold: `order`, or items."""
    tasks: list[str] = Field(default_factory=list)
    """Ids of the tasks that wait for a person, here and below."""
    version: int | None = None
    """Of its last change that the order store was told, or is about to be."""


class PlanView(Model):
    """A node of an order's plan and how far it is: one line of the answer to the query `plan`."""

    node: PlanNode
    state: Literal["waiting", "running", "done", "withdrawn"]
