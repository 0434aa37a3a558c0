"""The revisions of an order: the first is what was ordered, each amendment that is applied makes one more."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from tmf.instants import UtcDatetime
from tmf.model import Model


class RevisionState(StrEnum):
    PROPOSED = "proposed"
    APPLIED = "applied"
    REFUSED = "refused"


class NodeAction(StrEnum):
    """What an amendment does to a node of the plan."""

    LEAVE = "leave"
    """It stays as it is."""
    DO = "do"
    """It is new, or has not begun: it is done as the new version says."""
    MODIFY = "modify"
    """It was done, and is changed to what the new version says."""
    REPLACE = "replace"
    """It has begun, or cannot be changed in place: it is undone, and done anew."""
    UNDO = "undo"
    """The new version does without it: what was done of it is undone."""


class NodeChange(Model):
    """What an amendment, or a cancellation, does to one node of the plan."""

    key: str
    item_id: str | None = None
    name: str = ""
    action: NodeAction


class Refusal(Model):
    """Why an item cannot be changed or cancelled any more."""

    item_id: str | None = None
    key: str | None = None
    reason: str


class Revision(Model):
    """One version of an order, with who wanted it and what it did."""

    order_id: str
    number: int
    """1 is the order as it came in. A refused amendment keeps its number."""
    state: RevisionState = RevisionState.PROPOSED
    author: str | None = None
    requested_at: UtcDatetime
    decided_at: UtcDatetime | None = None
    document: dict[str, Any] = Field(default_factory=dict)
    """The attributes that the amendment sets, in their JSON names; `productOrderItem` is the whole list."""
    changes: list[NodeChange] = Field(default_factory=list)
    """The diff: nodes that stay as they are, are not in it."""
    refusals: list[Refusal] = Field(default_factory=list)
