"""What people have ordered and done, and what they were answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chaos.stories import Plot
from orders.lifecycle.states import OrderKind


@dataclass(slots=True)
class Placed:
    """An order that was taken in: its 201 came back."""

    id: str
    kind: OrderKind
    plot: Plot
    customer: str
    document: dict[str, Any]
    """As it was sent; with what was asked for by the last amendment that was applied."""
    product: str | None = None
    """The product that it changes."""
    acts: list[str] = field(default_factory=list)
    """What was done to it, and how that was answered."""
    ended: float | None = None
    """When it was seen to have ended, by the clock of the run."""


@dataclass(slots=True)
class Journal:
    """Everything that people did in a run."""

    placed: dict[str, Placed] = field(default_factory=dict)
    """By their ids."""
    settled: int = 0
    """Tasks of people that were settled."""
    repeated: int = 0
    """Requests that had no answer, or an error of the server, and were made again."""
