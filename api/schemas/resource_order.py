"""TMF652 v4 resource orders: what a request to order may have, and what an answer gives."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.schemas.common import (
    Characteristic,
    ErrorMessage,
    ExternalReference,
    ItemAttributes,
    ItemDependency,
    Note,
    OrderAttributes,
    OrderProgress,
    OrderRelationship,
    Quantity,
    TimePeriod,
    VersionedReference,
)
from api.schemas.examples import RESOURCE_ORDER_ANSWER_EXAMPLE, RESOURCE_ORDER_EXAMPLE
from orders.lifecycle.states import OrderState
from orders.model.wishes import PriorityNumber
from tmf.instants import UtcDatetime
from tmf.resources import Extensible, Referring, RelatedParty, RelatedPlace


class Attachment(Referring):
    """A document that belongs to a resource, or where it can be had."""

    id: str | None = None
    href: str | None = None
    name: str | None = None
    description: str | None = None
    attachment_type: str | None = None
    is_ref: bool | None = None
    mime_type: str | None = None
    url: str | None = None
    size: Quantity | None = None
    valid_for: TimePeriod | None = None


class ResourceRelationship(Extensible):
    """How a resource goes together with another."""

    id: str | None = None
    href: str | None = None
    relationship_type: str | None = None
    resource_relationship_characteristic: list[Characteristic] | None = None


class OrderedResource(Referring):
    """The resource that an item adds, changes or ends; by its `id` where there is one."""

    id: str | None = None
    href: str | None = None
    name: str | None = None
    description: str | None = None
    category: str | None = None
    resource_version: str | None = None
    value: str | None = None
    """What was assigned, such as a number or an address."""
    start_operating_date: UtcDatetime | None = None
    end_operating_date: UtcDatetime | None = None
    administrative_state: str | None = None
    operational_state: str | None = None
    resource_status: str | None = None
    usage_state: str | None = None
    attachment: list[Attachment] | None = None
    note: list[Note] | None = None
    place: RelatedPlace | None = None
    related_party: list[RelatedParty] | None = None
    resource_characteristic: list[Characteristic] | None = None
    resource_relationship: list[ResourceRelationship] | None = None
    resource_specification: VersionedReference | None = None


class ResourceOrderItem(ItemAttributes):
    """What is ordered: a resource that is added, changed or ended."""

    resource: OrderedResource
    state: OrderState | None = None
    """Set by the orchestrator."""
    order_item_relationship: list[ItemDependency] | None = None
    resource_specification: VersionedReference | None = None


class _ResourceOrder(OrderAttributes):
    """What a resource order has, whoever sets it, beside its items."""

    external_reference: list[ExternalReference] | None = None
    name: str | None = None
    order_relationship: list[OrderRelationship] | None = None
    order_type: str | None = None
    priority: PriorityNumber = None
    """From 0, the highest, to 4."""
    start_date: UtcDatetime | None = None
    """When the order was begun."""


class ResourceOrderCreate(_ResourceOrder):
    """A request to order resources. Attributes that only the orchestrator sets are ignored, unknown ones are kept."""

    model_config = {"json_schema_extra": {"examples": [RESOURCE_ORDER_EXAMPLE]}}

    order_item: list[ResourceOrderItem] = Field(min_length=1)


class ResourceOrderUpdate(_ResourceOrder):
    """What is to change in a resource order; `null` removes an attribute."""

    order_item: list[ResourceOrderItem] | None = None
    """All items of the new version."""


class ResourceOrderErrorMessage(ErrorMessage):
    """Why a resource order, or some of its items, could not be done."""

    order_item: list[dict[str, Any]] | None = None
    """The items that it is about."""


class ResourceOrder(OrderProgress, _ResourceOrder):
    """A resource order as it stands."""

    model_config = {"json_schema_extra": {"examples": [RESOURCE_ORDER_ANSWER_EXAMPLE]}}

    order_item: list[ResourceOrderItem] | None = None
    error_message: list[ResourceOrderErrorMessage] | None = None
    """What failed."""
    cancellation_date: UtcDatetime | None = None
    """When the order was cancelled."""
    cancellation_reason: str | None = None
