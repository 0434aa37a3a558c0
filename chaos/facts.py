"""The facts of a run, once all is quiet: what every part says of itself. Plain data, so that tests can make it up."""

from __future__ import annotations

from dataclasses import dataclass, field

from tmf.bodies import Document


@dataclass(frozen=True, slots=True)
class PlacedFact:
    """An order that a client has a 201 for."""

    id: str
    kind: str
    story: str
    customer: str
    product: str | None = None
    """The product that it changes or ends; None for one that adds."""


@dataclass(frozen=True, slots=True)
class EventFact:
    """An event of the outbox, in the order of its position."""

    position: int | None
    id: str
    api: str
    type: str
    root: str
    subject: str
    state: str | None
    told: bool = True
    """Whether the listener's hub tells of such events."""


@dataclass(frozen=True, slots=True)
class ReceivedFact:
    """An event as the listener got it."""

    hub: str
    id: str
    root: str
    problem: str | None = None
    """What was wrong with its signature."""


@dataclass(frozen=True, slots=True)
class WorkflowFact:
    """A workflow as Temporal has it."""

    id: str
    status: str
    """As Temporal names it: `RUNNING`, `COMPLETED`, `FAILED` and so on."""
    outcome: str | None = None
    """The state in which a posted order ended, as its workflow returned it."""
    failing: list[str] = field(default_factory=list)
    """Activities that wait for another try after a failure."""


@dataclass(frozen=True, slots=True)
class EffectFact:
    """A line of a system's log: one request that would change something."""

    system: str
    key: str
    operation: str
    target: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it."""

    placed: list[PlacedFact] = field(default_factory=list)
    orders: dict[str, Document] = field(default_factory=dict)
    """Every order by its id, children too, as the gateway gives it."""
    open_tasks: list[Document] = field(default_factory=list)
    stuck: list[Document] = field(default_factory=list)
    """What operators are told that does not get on."""
    outbox: list[EventFact] = field(default_factory=list)
    received: list[ReceivedFact] = field(default_factory=list)
    workflows: list[WorkflowFact] = field(default_factory=list)
    locks: list[tuple[str, str]] = field(default_factory=list)
    """Subject and order of every resource lock that is granted or waited for."""
    products: list[Document] = field(default_factory=list)
    services: list[Document] = field(default_factory=list)
    resources: list[Document] = field(default_factory=list)
    """What inventory holds, as its audit says."""
    network: list[Document] = field(default_factory=list)
    """What is active in the network, as activation's audit says."""
    charges: list[Document] = field(default_factory=list)
    effects: list[EffectFact] = field(default_factory=list)
    keys_forgotten: bool = False
    """Whether a system was told to forget keys: then one may have done twice what it was asked twice."""
    foreign: dict[str, tuple[Document | None, Document | None]] = field(default_factory=dict)
    """What belongs to somebody else, by what it is: before the run, and now."""
