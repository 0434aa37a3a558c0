"""Outcomes of resource orders, service orders and product orders: what comes up the tree."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from orders.lifecycle.states import OrderState
from orders.plan.keys import CUSTOMER_FACING
from tmf.instants import UtcDatetime
from tmf.model import Model


class AssignedResource(Model):
    """A resource as it was reserved and set up; after a delete, as it was before."""

    id: str
    value: str | None = None
    name: str | None = None
    category: str | None = None
    """The pool that it was reserved from by this order."""
    characteristics: dict[str, Any] = Field(default_factory=dict)
    reserved_by: str | None = None
    """The key of the reservation that holds it, where the order has made that."""

    def as_value(self) -> dict[str, Any]:
        """Return what an expression sees of it in `assigned`."""
        return {**self.characteristics, "id": self.id, "value": self.value}


class RealisedService(Model):
    """A service as it was recorded and set up; after a delete, as it was before."""

    id: str
    characteristics: dict[str, Any] = Field(default_factory=dict)
    resources: dict[str, AssignedResource] = Field(default_factory=dict)


class Residue(Model):
    """Something that could not be undone: it is still there, and a person must see to it."""

    step: str
    system: str
    target: str
    message: str


class ResourceOrderOutcome(Model):
    """What a resource order did, by the resource's key."""

    resources: dict[str, AssignedResource] = Field(default_factory=dict)


class ServiceOrderOutcome(Model):
    """What a service order did, by the item's key."""

    services: dict[str, RealisedService] = Field(default_factory=dict)
    standing: dict[str, RealisedService] | None = None
    """All that there is now, where it only changed what an earlier revision had done."""

    def customer_facing(self) -> RealisedService:
        return self.services[CUSTOMER_FACING]


class Redo(Model):
    """What a service order had done under an earlier revision, which a new one changes."""

    revision: int
    done: ServiceOrderOutcome
    changed_inputs: dict[str, frozenset[str] | None] | None = None
    """The services of other service orders that differ from what it ran with then: which of their values, None where
    any may. None for all of them."""


class RootOrderOutcome(Model):
    """How a posted order ended."""

    state: OrderState
    items: dict[str, OrderState] = Field(default_factory=dict)
    residue: list[Residue] = Field(default_factory=list)


class Failure(Model):
    """Why a step, an item or an order failed, in words for a person, and what its undo left behind."""

    code: str
    message: str
    step: str | None = None
    system: str | None = None
    attempts: int | None = None
    """How often it was tried, where that is known."""
    rollback: bool = False
    """Whether a person has decided that the whole order is to be undone."""
    residue: list[Residue] = Field(default_factory=list)
    at: UtcDatetime | None = None
    """When it failed, where that is known."""
    others: list[Failure] = Field(default_factory=list)
    """What failed beside it."""

    def reason(self) -> Failure:
        """Return why it failed, without what came of that."""
        return Failure(code=self.code, message=self.message, step=self.step, at=self.at)

    def each(self) -> list[Failure]:
        """Return this one and the others, each by itself."""
        return [self.model_copy(update={"others": []}), *self.others]
