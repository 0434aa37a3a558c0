"""Cancellations of orders: CancelProductOrder, CancelServiceOrder and CancelResourceOrder (all v4).

The models of requests hold what a client sets; those of answers what the orchestrator adds to it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from api.schemas.product_order import ProductOrderErrorMessage
from api.schemas.resource_order import ResourceOrderErrorMessage
from api.schemas.service_order import ServiceOrderErrorMessage
from tmf.instants import UtcDatetime
from tmf.resources import Extensible, Referring

CancellationState: TypeAlias = Literal["acknowledged", "inProgress", "done", "terminatedWithError"]
ServiceCancellationState: TypeAlias = Literal["accepted", "inProgress", "done", "terminatedWithError"]


class OrderReference(Referring):
    """The order that is to be cancelled."""

    id: str = Field(min_length=1)
    href: str | None = None
    name: str | None = None


class CancellationRequest(Extensible):
    """What a request to cancel may say."""

    cancellation_reason: str | None = None
    """Why; it stays on the order."""
    requested_cancellation_date: UtcDatetime | None = None
    """When to cancel; at once where it is left out or past."""
    author: str | None = Field(default=None, max_length=200)
    """Who asks for it; else the client that is known."""


class CancelProductOrderCreate(CancellationRequest):
    """A request to cancel a product order."""

    product_order: OrderReference


class CancelServiceOrderCreate(CancellationRequest):
    """A request to cancel a service order."""

    service_order: OrderReference


class CancelResourceOrderCreate(CancellationRequest):
    """A request to cancel a resource order."""

    resource_order: OrderReference


class Cancellation(CancellationRequest):
    """How a request to cancel stands; an answer that `fields` cut down has `id` and `href`."""

    id: str
    href: str
    creation_date: UtcDatetime | None = None
    """When it was asked for."""
    state: CancellationState | ServiceCancellationState | None = None
    """How far it is; the first state is `accepted` of service orders and `acknowledged` of others."""
    effective_cancellation_date: UtcDatetime | None = None
    """When the order was cancelled."""
    completion_message: str | None = None


class CancelProductOrder(Cancellation):
    """TMF622 v4 CancelProductOrder."""

    state: CancellationState | None = None
    error_message: ProductOrderErrorMessage | None = None
    """Why the order was not cancelled."""
    product_order: OrderReference | None = None


class CancelServiceOrder(Cancellation):
    """TMF641 v4 CancelServiceOrder."""

    state: ServiceCancellationState | None = None
    error_message: ServiceOrderErrorMessage | None = None
    """Why the order was not cancelled."""
    service_order: OrderReference | None = None


class CancelResourceOrder(Cancellation):
    """TMF652 v4 CancelResourceOrder."""

    state: CancellationState | None = None
    error_message: ResourceOrderErrorMessage | None = None
    """Why the order was not cancelled."""
    resource_order: OrderReference | None = None
