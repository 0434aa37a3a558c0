"""The input of a posted order's workflow: which order it is, and where an earlier run of it has come to."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from activities.expectations import Expectation
from orders.lifecycle.states import OrderState
from orders.model.task import Task
from orders.plan.outcome import Failure, Residue
from tmf.instants import UtcDatetime
from tmf.model import Model
from workflows.contracts.payloads import Cancel, ChildReport, TimelineEntry


class UndoState(Model):
    """Nodes that are being undone together, by their keys."""

    keys: list[str]
    stopping: list[str]
    """Those of them that still run, until what they do now is done."""
    undone: list[str]
    """Those of them that are undone already."""
    expected: list[Expectation]
    """What systems must show of these."""


class SagaState(Model):
    """How far a graph of nodes is; all are named by their keys."""

    started: list[str]
    """First to last."""
    done: list[str]
    withdrawn: list[str]
    again: list[str]
    running: dict[str, list[dict[str, Any]]]
    """Node that runs, or is being stopped → what it did so far, as the saga log has it of others."""
    failures: dict[str, Failure]
    failed_at: dict[str, UtcDatetime]
    residue: list[Residue]
    undoing: list[UndoState]
    """First to last."""
    ended: bool


class CarriedChildren(Model):
    """The children that outlive the run which started them."""

    running: dict[str, str] = Field(default_factory=dict)
    """Workflow id → the key of its node."""
    held: list[str] = Field(default_factory=list)
    """Those that were told to hold."""
    ended_at: dict[str, UtcDatetime] = Field(default_factory=dict)
    """Key of a node → when its child ended well."""
    reports: list[ChildReport] = Field(default_factory=list)


class CarriedCancellation(Model):
    """Who has asked for a cancellation."""

    accepted: Cancel | None = None
    resources: list[str] = Field(default_factory=list)
    """The TMF cancellation resources that wait for its end."""
    later: list[Cancel] = Field(default_factory=list)
    """Those that are asked for at a later date."""


class Carried(Model):
    """What a posted order takes along into a new run of its workflow, so that no history gets long."""

    state: OrderState
    version: int
    items: dict[str, OrderState]
    names: dict[str, str]
    parents: dict[str, str]
    made_at: UtcDatetime | None = None
    timeline: list[TimelineEntry]
    remarks: list[str] = Field(default_factory=list)
    requested_completion: UtcDatetime | None = None
    as_late_as_possible: bool = False
    priority: int | None = None
    """Temporal's priority key, where an amendment has changed it."""
    all_held: bool = False
    items_held: list[str] = Field(default_factory=list)
    holds: int = 0
    """How often anything was put on hold."""
    is_late: bool = False
    """Whether it has been said that the order is expected too late."""
    cancellation: CarriedCancellation = CarriedCancellation()
    revisions: list[int] = Field(default_factory=list)
    """Those that the order is at, or was."""
    begun: dict[str, UtcDatetime] = Field(default_factory=dict)
    """When each node began."""
    past: dict[str, str] = Field(default_factory=dict)
    """Node → why it is past its point of no return."""
    unclear: dict[str, UtcDatetime] = Field(default_factory=dict)
    """Key of a call that may have an effect yet, though it was given up → when it can have it at the latest."""
    tasks_opened: int = 0
    tasks: list[Task] = Field(default_factory=list)
    """Tasks that are open; what they are about opens them again."""
    children: CarriedChildren = CarriedChildren()
    saga: SagaState | None = None
    """None of an order that waits for its start."""


class RootOrderInput(Model):
    """Which posted order to run; its document and plan are in the order store."""

    order_id: str
    revision: int = 1
    requested_start_date: UtcDatetime | None = None
    longest_history: int
    """The events, about, after which it goes on in a new run: the same for a replay as for what that repeats."""
    parts_at_once: int
    """How many of its parts begin at a time, and are undone at a time."""
    carried: Carried | None = None
    """Where an earlier run of the same order has come to."""
