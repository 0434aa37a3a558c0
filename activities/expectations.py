"""What systems must show after an undo, and what they show instead."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from orders.plan.outcome import Residue
from tmf.model import Model, Resource

ABSENT = "absent"
ACTIVE = "active"
ENDED = "ended"


class Kind(StrEnum):
    PRODUCT = "product"
    SERVICE = "service"
    RESOURCE = "resource"


class Expectation(Model):
    """In which states a system must show something after an undo; `absent` stands for not being there at all.

    Inventory has its record, activation what is set up in the network (`active` or `absent`), billing the charge of a
    product (`active`, `ended` or `absent`).
    """

    kind: Kind
    id: str
    states: list[str]
    held_by: str | None = None
    """Of a resource that is given back, the reservation that held it: under any other, it is another order's by now."""
    system: Literal["inventory", "activation", "billing"] = "inventory"
    effect: str | None = None
    """The key of the call that was to make it, by which it is known while it has no id."""
    order: str | None = None
    item: str | None = None
    """Where it has no id yet: the order and the item of it by which its record is found."""

    @property
    def target(self) -> str:
        """What it is about, as residue names it."""
        return f"{self.kind} {self.id or self.item}"


def residue_of(expected: Expectation, state: str, shown: str = "") -> Residue:
    """Return what an undo has left, by the state that a system shows; `shown` names what it has."""
    wanted = " or ".join(expected.states)
    return Residue(
        step="read back",
        system=expected.system,
        target=expected.target,
        message=f"{shown} is {state} where {wanted} was expected after the undo".strip(),
    )


def is_of_another(expected: Expectation, document: Resource | None) -> bool:
    """Return whether a resource that was given back has gone to another order since."""
    if expected.held_by is None or document is None:
        return False
    holder = (document.model_extra or {}).get("reservation")
    return isinstance(holder, dict) and holder.get("requestedBy") not in (None, expected.held_by)
