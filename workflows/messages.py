"""The contracts of the workflows: what goes in at their start, what they are told on the way, what they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from orders.lifecycle import OrderState
from orders.model import Model
from orders.outcome import AssignedResource, ServiceOrderOutcome
from orders.plan import Characteristics, PlanNode
from orders.task import TaskAction


class ProductOrderInput(Model):
    """Which order to run; its document and plan are in the order store."""

    order_id: str
    revision: int = 1
    requested_start_date: datetime | None = None


class ServiceOrderInput(Model):
    """Which service order of a plan to run, or to take back."""

    order_id: str
    revision: int
    key: str
    services: dict[str, Characteristics] = Field(default_factory=dict)
    """What the service orders that this one relies on came to, by the name that its expressions use."""
    undo: ServiceOrderOutcome | None = None
    """What the service order did, when this run is to take it back."""


class ResourceOrderInput(Model):
    """Which item's resources to reserve, configure and install, or to take back."""

    order_id: str
    revision: int
    service_order: str
    item: str
    services: dict[str, Characteristics] = Field(default_factory=dict)
    reverse_service_order: ServiceOrderOutcome | None = None
    """What the service order did, when this one belongs to its undo."""
    undo: dict[str, AssignedResource] | None = None
    """What the resource order did, when this run is to take it back."""


class Word(Model):
    """What every message of a person may carry: who says it, and why."""

    by: str | None = None
    reason: str | None = None


class Cancel(Word):
    """Cancel the order: assessed against the points of no return, then undone."""

    task: str | None = None
    """The id of the TMF cancellation resource that asks for it."""
    at: datetime | None = None
    """When to cancel; at once where it is None."""


class Hold(Word):
    """Start nothing new below the order, or below one item of it; what runs may finish."""

    item: str | None = None


class Resume(Word):
    """Go on with the order, or with the one item."""

    item: str | None = None


class Amend(Word):
    """Change the order to a proposed revision, which is in the order store."""

    revision: int


class Resolve(Word):
    """Settle a fallout task."""

    task: str | None = None
    """Its id; may be left out where the order has only one."""
    action: TaskAction
    values: dict[str, Any] = Field(default_factory=dict)


class Complete(Word):
    """Say that a manual task is done, with the values that it gave."""

    task: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)


class Reschedule(Word):
    """Plan a manual task for another date."""

    task: str | None = None
    due_at: datetime


class SystemEvent(Model):
    """A downstream system's word, by callback, on something it was asked to do."""

    correlation_id: str
    """The idempotency key of the request that it answers."""
    succeeded: bool
    message: str = ""
    characteristics: dict[str, Any] = Field(default_factory=dict)


class OrderView(Model):
    """An order as its workflow sees it: the answer to the query `order`."""

    id: str
    state: OrderState
    items: dict[str, OrderState] = Field(default_factory=dict)
    waiting_for: list[str] = Field(default_factory=list)


class PlanView(Model):
    """A node of an order's plan and how far it is: one line of the answer to the query `plan`."""

    node: PlanNode
    state: Literal["waiting", "running", "done", "withdrawn"]


class TimelineEntry(Model):
    """A thing that happened to an order, and when: one line of the answer to the query `timeline`."""

    at: datetime
    what: str
