"""TMF641 v4.1 service orders: what a request to order may have, and what an answer gives."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.schemas.common import (
    Characteristic,
    ErrorMessage,
    ExternalReference,
    ItemAttributes,
    ItemDependency,
    JeopardyAlert,
    Note,
    OrderAttributes,
    OrderItemReference,
    OrderMilestone,
    OrderProgress,
    OrderRelationship,
    TimePeriod,
    VersionedReference,
)
from api.schemas.examples import SERVICE_ORDER_ANSWER_EXAMPLE, SERVICE_ORDER_EXAMPLE
from orders.lifecycle.states import OrderState
from orders.model.assurance import Assurance
from orders.model.wishes import Priority
from tmf.instants import UtcDatetime
from tmf.resources import Extensible, Reference, Referring, RelatedParty, RelatedPlace


class RelatedEntity(RelatedPlace):
    """Anything else that a service has to do with."""


class FeatureRelationship(Extensible):
    """How a feature goes together with another."""

    id: str | None = None
    name: str | None = None
    relationship_type: str | None = None
    valid_for: TimePeriod | None = None


class Feature(Extensible):
    """Something that a service can do, switched on or off."""

    id: str | None = None
    name: str
    is_bundle: bool | None = None
    is_enabled: bool | None = None
    constraint: list[VersionedReference] | None = None
    feature_characteristic: list[Characteristic] | None = None
    feature_relationship: list[FeatureRelationship] | None = None


class ServiceRelationship(Extensible):
    """How a service goes together with another."""

    id: str | None = None
    href: str | None = None
    relationship_type: str | None = None
    service: Service | None = None
    service_relationship_characteristic: list[Characteristic] | None = None


class Service(Referring):
    """The service that an item adds, changes or ends; by its `id` where there is one."""

    id: str | None = None
    href: str | None = None
    name: str | None = None
    description: str | None = None
    category: str | None = None
    """`CFS`, which a customer sees, or `RFS`, which resources realise."""
    service_type: str | None = None
    service_date: str | None = None
    start_date: UtcDatetime | None = None
    end_date: UtcDatetime | None = None
    start_mode: str | None = None
    state: str | None = None
    """Its state in service inventory, such as `active`."""
    has_started: bool | None = None
    is_bundle: bool | None = None
    is_service_enabled: bool | None = None
    is_stateful: bool | None = None
    feature: list[Feature] | None = None
    note: list[Note] | None = None
    place: list[RelatedPlace] | None = None
    related_entity: list[RelatedEntity] | None = None
    related_party: list[RelatedParty] | None = None
    service_characteristic: list[Characteristic] | None = None
    service_order_item: list[OrderItemReference] | None = None
    service_relationship: list[ServiceRelationship] | None = None
    service_specification: VersionedReference | None = None
    supporting_resource: list[Reference] | None = None
    supporting_service: list[Service] | None = None


class ServiceOrderItem(ItemAttributes):
    """What is ordered: a service that is added, changed or ended."""

    service: Service
    assurance: Assurance | None = None
    """What is done about a service that has failed: `repair`, `replace` or `manual`. Not of TM Forum's."""
    state: OrderState | None = None
    """Set by the orchestrator."""
    error_message: list[ErrorMessage] | None = None
    service_order_item: list[ServiceOrderItem] | None = None
    service_order_item_relationship: list[ItemDependency] | None = None


class _ServiceOrder(OrderAttributes):
    """What a service order has, whoever sets it, beside its items."""

    cancellation_date: UtcDatetime | None = None
    """When the order was cancelled."""
    cancellation_reason: str | None = None
    external_reference: list[ExternalReference] | None = None
    notification_contact: str | None = None
    order_relationship: list[OrderRelationship] | None = None
    priority: Priority = None
    """From `0`, the highest, to `4`."""
    start_date: UtcDatetime | None = None
    """When the order was begun."""


class ServiceOrderCreate(_ServiceOrder):
    """A request to order services. Attributes that only the orchestrator sets are ignored, unknown ones are kept."""

    model_config = {"json_schema_extra": {"examples": [SERVICE_ORDER_EXAMPLE]}}

    service_order_item: list[ServiceOrderItem] = Field(min_length=1)


class ServiceOrderUpdate(_ServiceOrder):
    """What is to change in a service order; `null` removes an attribute."""

    service_order_item: list[ServiceOrderItem] | None = None
    """All items of the new version."""


class ServiceOrderErrorMessage(ErrorMessage):
    """Why a service order, or some of its items, could not be done."""

    service_order_item: list[dict[str, Any]] | None = None
    """The items that it is about."""


class ServiceOrderMilestone(OrderMilestone):
    """A point on the order's way that it has reached, or some of its items have."""

    service_order_item: list[OrderItemReference] | None = None


class ServiceOrderJeopardyAlert(JeopardyAlert):
    """That the order, or some of its items, may be late."""

    service_order_item: list[OrderItemReference] | None = None


class ServiceOrder(OrderProgress, _ServiceOrder):
    """A service order as it stands."""

    model_config = {"json_schema_extra": {"examples": [SERVICE_ORDER_ANSWER_EXAMPLE]}}

    service_order_item: list[ServiceOrderItem] | None = None
    error_message: list[ServiceOrderErrorMessage] | None = None
    """What failed."""
    milestone: list[ServiceOrderMilestone] | None = None  # type: ignore[assignment]
    jeopardy_alert: list[ServiceOrderJeopardyAlert] | None = None  # type: ignore[assignment]
