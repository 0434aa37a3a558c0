"""The parts that TMF622, TMF641 and TMF652 (all v4) share, as requests may have them and answers give them.

What a reference needs is its `id`; whatever else the standards ask of one is described here and not insisted on.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from orders.lifecycle.states import OrderState
from orders.model.product_orders import Action, Count
from orders.model.wishes import AllOrNothing, Scheduling
from tmf.instants import UtcDatetime
from tmf.model import Resource
from tmf.resources import Extensible, Reference, Referring, RelatedParty


class VersionedReference(Reference):
    """A reference to something of which several versions are kept elsewhere, such as a specification."""

    version: str | None = None


class RelatedChannel(Reference):
    """A channel of sale."""

    role: str | None = None


class Appointment(Referring):
    """A reference to an appointment."""

    id: str
    href: str | None = None
    description: str | None = None


class Note(Extensible):
    """What somebody remarked on the order."""

    id: str | None = None
    author: str | None = None
    date: UtcDatetime | None = None
    text: str


class CharacteristicRelationship(Extensible):
    """How one characteristic goes together with another."""

    id: str | None = None
    href: str | None = None
    relationship_type: str | None = None


class Characteristic(Extensible):
    """A named value of a product, service or resource."""

    id: str | None = None
    name: str
    value: Any = None
    """Any JSON value."""
    value_type: str | None = None
    characteristic_relationship: list[CharacteristicRelationship] | None = None


class Quantity(Resource):
    """An amount and its unit."""

    amount: float | None = None
    units: str | None = None


class TimePeriod(Resource):
    """From when to when."""

    start_date_time: UtcDatetime | None = None
    end_date_time: UtcDatetime | None = None


class ExternalReference(Extensible):
    """What another system calls the order: by its `name`, or by its `id` there, as the files of TMF652 differ."""

    id: str | None = None
    href: str | None = None
    name: str | None = None
    external_reference_type: str | None = None
    owner: str | None = None
    """The system."""
    entity_type: str | None = None

    @model_validator(mode="after")
    def _refers(self) -> ExternalReference:
        if self.name is None and self.id is None:
            raise ValueError("must have a name (with an externalReferenceType), or an id (with an owner)")
        return self


class OrderRelationship(Referring):
    """An order that has to do with this one: that made it (`parent`), or that it has made (`child`)."""

    id: str
    href: str | None = None
    relationship_type: str


class OrderItemReference(Referring):
    """An item of this order, or of another one that is named."""

    id: str | None = None
    href: str | None = None
    item_id: str | None = None
    item_action: str | None = None
    role: str | None = None
    service_order_id: str | None = None
    service_order_href: str | None = None
    resource_order_id: str | None = None
    resource_order_href: str | None = None


class ItemDependency(Extensible):
    """How an item goes together with another: with `dependency` it is not started before that one is complete."""

    relationship_type: str | None = None
    order_item: OrderItemReference | None = None


class ErrorMessage(Extensible):
    """Why an order, or a part of it, could not be done."""

    code: str | None = None
    message: str | None = None
    reason: str | None = None
    status: str | None = None
    reference_error: str | None = None
    timestamp: UtcDatetime | None = None


class OrderMilestone(Extensible):
    """A point on the order's way that it has reached."""

    id: str | None = None
    name: str | None = None
    description: str | None = None
    message: str | None = None
    milestone_date: UtcDatetime | None = None
    status: str | None = None


class JeopardyAlert(Extensible):
    """That the order, or a part of it, may be late."""

    id: str | None = None
    name: str | None = None
    message: str | None = None
    exception: str | None = None
    jeopardy_type: str | None = None
    alert_date: UtcDatetime | None = None


class LeftBehind(Extensible):
    """Something that could not be undone."""

    step: str | None = None
    system: str | None = None
    target: str | None = None
    message: str | None = None


class OrderAttributes(Extensible):
    """What orders of all three kinds have, and their clients set."""

    category: str | None = None
    """What sort of order it is, to find it by."""
    description: str | None = None
    external_id: str | None = None
    """What the client calls the order; an order with the same one is taken for its repeat."""
    note: list[Note] | None = None
    related_party: list[RelatedParty] | None = None
    requested_start_date: UtcDatetime | None = None
    """Not before this the order is begun."""
    requested_completion_date: UtcDatetime | None = None
    """When the order should be done."""
    all_or_nothing: AllOrNothing = None
    """Whether the whole order is undone when a part of it fails; Ordersaga's own."""
    scheduling: Scheduling = None
    """`asLateAsPossible`: each part starts no sooner than it must to be done by then; Ordersaga's own."""


class OrderProgress(Extensible):
    """What the orchestrator writes into an order of any kind; an answer that `fields` cut down has `id` and `href`."""

    id: str
    href: str
    """Where the order is."""
    state: OrderState | None = None
    order_date: UtcDatetime | None = None
    """When it was taken in."""
    expected_completion_date: UtcDatetime | None = None
    """When it will be done, by what is known now."""
    completion_date: UtcDatetime | None = None
    """When it ended."""
    milestone: list[OrderMilestone] | None = None
    jeopardy_alert: list[JeopardyAlert] | None = None
    residue: list[LeftBehind] | None = None
    """What could not be undone, and a person has to undo."""


class ItemAttributes(Extensible):
    """What the items of all three kinds of orders have, and their clients set."""

    id: str = Field(min_length=1)
    """Names the item within its order."""
    action: Action
    """What is done to the item's product, service or resource."""
    appointment: Appointment | None = None
    quantity: Count = None
