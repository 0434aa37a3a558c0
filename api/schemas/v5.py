"""TMF622 v5 product orders and cancellations: what requests may have, and what answers give.

What v5 says as v4 does is described by v4's models; here is what it says otherwise.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from api.schemas import product_order
from api.schemas.cancellation import Cancellation, CancellationRequest, CancellationState, OrderReference
from api.schemas.common import ErrorMessage, JeopardyAlert, LeftBehind, Note, OrderMilestone, VersionedReference
from api.schemas.examples import PRODUCT_ORDER_EXAMPLE
from api.schemas.prices import OrderPrice, PriceAlteration
from api.schemas.product import ProductAttributes
from orders.lifecycle.states import OrderState
from orders.model.v5 import to_v5
from tmf.instants import UtcDatetime
from tmf.resources import Extensible, Reference, Referring

NOT_BEGUN_OTHERWISE = (
    "must be acknowledged, or left out: an order begins as acknowledged, and drafts are not taken; send it once it is "
    "to be carried out"
)
"""Why an order is refused that asks to begin in another state."""

PRODUCT_ORDER_V5_EXAMPLE: dict[str, Any] = to_v5(PRODUCT_ORDER_EXAMPLE)

PATCH_V5_EXAMPLE: dict[str, Any] = {
    "@type": "ProductOrder",
    "requestedCompletionDate": "2026-12-01T17:00:00.000Z",
    "priority": "1",
    "productOrderItem": PRODUCT_ORDER_V5_EXAMPLE["productOrderItem"],
}

CANCELLATION_V5_EXAMPLE: dict[str, Any] = {
    "@type": "CancelProductOrder",
    "productOrder": {"@type": "ProductOrderRef", "id": "7f3k2a9dqe"},
    "cancellationReason": "The customer moves house",
}

_GATEWAY = "https://orders.example/tmf-api/productOrderingManagement/v5"

PRODUCT_ORDER_V5_ANSWER_EXAMPLE: dict[str, Any] = {
    **PRODUCT_ORDER_V5_EXAMPLE,
    "id": "7f3k2a9dqe",
    "href": f"{_GATEWAY}/productOrder/7f3k2a9dqe",
    "state": "inProgress",
    "creationDate": "2026-11-23T08:15:00.000Z",
}


class ExternalIdentifier(Extensible):
    """What somebody else calls the order; the first one tells a request from its repeat."""

    id: str
    owner: str | None = None
    """Whose identifier it is."""
    external_identifier_type: str | None = None


class PartyOrPartyRole(Reference):
    """A party, or a role that one has."""

    party_id: str | None = None
    party_name: str | None = None


class RelatedParty(Extensible):
    """A party that has to do with the order; the one with the role `customer` is whom it is for."""

    role: str | None = None
    """What the party is to the order."""
    party_or_party_role: PartyOrPartyRole


class RelatedChannel(Extensible):
    """A channel of sale."""

    role: str | None = None
    channel: Reference


class Place(Referring):
    """A place, as a reference or with its own attributes."""

    id: str | None = None
    href: str | None = None
    name: str | None = None


class RelatedPlace(Extensible):
    """A place that has to do with the product."""

    role: str | None = None
    """What the place is for, such as `installation`."""
    place: Place


class AgreementItem(Referring):
    """An item of an agreement."""

    agreement_id: str
    agreement_item_id: str | None = None
    agreement_href: str | None = None
    agreement_name: str | None = None


class RelatedOrderItem(Referring):
    """An item of an order that has to do with a product."""

    order_id: str | None = None
    order_href: str | None = None
    order_item_id: str | None = None
    order_item_action: str | None = None
    role: str | None = None


class ProductRelationship(Referring):
    """How a product goes together with another, which it names by its `id`."""

    id: str | None = None
    href: str | None = None
    name: str | None = None
    relationship_type: str | None = None


class ProductPrice(OrderPrice):
    """What a product costs that the customer has."""

    price_alteration: list[PriceAlteration] | None = None


class Product(ProductAttributes):
    """The product that an item adds, changes or ends; by its `id` where the customer has it."""

    agreement_item: list[AgreementItem] | None = None
    place: list[RelatedPlace] | None = None
    product: list[Product] | None = None
    product_offering: VersionedReference | None = None
    product_order_item: list[RelatedOrderItem] | None = None
    product_price: list[ProductPrice] | None = None
    product_relationship: list[ProductRelationship] | None = None
    realizing_resource: list[Reference] | None = None
    related_party: list[RelatedParty] | None = None


class QualificationItem(Referring):
    """The item of a product offering qualification that an item of an order follows from."""

    item_id: str
    product_offering_qualification_id: str | None = None
    product_offering_qualification_href: str | None = None
    product_offering_qualification_name: str | None = None


class QuoteItem(Referring):
    """The item of a quote that an item of an order follows from."""

    quote_item_id: str
    quote_id: str | None = None
    quote_href: str | None = None


class ProductOrderItem(product_order.ProductOrderItem):
    """What is ordered: an offering, and the product that it makes, changes or ends."""

    note: list[Note] | None = None
    product: Product | None = None  # type: ignore[assignment]
    product_offering: VersionedReference | None = None
    product_offering_qualification_item: QualificationItem | None = None  # type: ignore[assignment]
    product_order_item: list[ProductOrderItem] | None = None  # type: ignore[assignment]
    """What belongs to the item, such as the parts of a bundle."""
    quote_item: QuoteItem | None = None  # type: ignore[assignment]


class _ProductOrder(product_order.ProductOrderAttributes):
    """What a product order has, whoever sets it, beside its items."""

    channel: list[RelatedChannel] | None = None  # type: ignore[assignment]
    external_id: list[ExternalIdentifier] | None = None  # type: ignore[assignment]
    related_party: list[RelatedParty] | None = None  # type: ignore[assignment]
    requested_initial_state: str | None = Field(default=None, json_schema_extra={"enum": ["acknowledged", None]})
    """Orders are begun as they come in; drafts are not kept."""

    @field_validator("requested_initial_state")
    @classmethod
    def _begun(cls, value: str | None) -> str | None:
        if value not in (None, "acknowledged"):
            raise ValueError(NOT_BEGUN_OTHERWISE)
        return value


class ProductOrderCreate(_ProductOrder):
    """A request to order products. Attributes that only the orchestrator sets are ignored, unknown ones are kept."""

    model_config = {"json_schema_extra": {"examples": [PRODUCT_ORDER_V5_EXAMPLE]}}

    product_order_item: list[ProductOrderItem] = Field(min_length=1)


class ProductOrderUpdate(_ProductOrder):
    """What is to change in a product order; `null` removes an attribute."""

    product_order_item: list[ProductOrderItem] | None = None
    """All items of the new version."""


class ProductOrderItemReference(Referring):
    """An item of the order."""

    product_order_item_id: str | None = None
    product_order_id: str | None = None


class ProductOrderErrorMessage(ErrorMessage):
    """Why a product order, or some of its items, could not be done."""

    product_order_item: list[ProductOrderItemReference] | None = None


class ProductOrderMilestone(OrderMilestone):
    """A point on the order's way that it has reached."""

    product_order_item: list[ProductOrderItemReference] | None = None


class ProductOrderJeopardyAlert(JeopardyAlert):
    """That the order, or a part of it, may be late."""

    product_order_item: list[ProductOrderItemReference] | None = None


class ProductOrder(_ProductOrder):
    """A product order as it stands; an answer that `fields` cut down has `@type`, `id` and `href`."""

    model_config = {"json_schema_extra": {"examples": [PRODUCT_ORDER_V5_ANSWER_EXAMPLE]}}

    type: str = Field(alias="@type")
    """`ProductOrder`, where it is no more special one."""
    id: str
    href: str
    """Where the order is."""
    state: OrderState | None = None
    creation_date: UtcDatetime | None = None
    """When it was taken in."""
    expected_completion_date: UtcDatetime | None = None
    """When it will be done, by what is known now."""
    completion_date: UtcDatetime | None = None
    """When it ended."""
    order_relationship: Any = None
    """The service orders that it has made, each with `id`, `href` and the type `child`."""
    product_order_error_message: list[ProductOrderErrorMessage] | None = None
    """Why it was rejected, or what failed."""
    product_order_item: list[ProductOrderItem] | None = None
    product_order_jeopardy_alert: list[ProductOrderJeopardyAlert] | None = None
    product_order_milestone: list[ProductOrderMilestone] | None = None
    residue: list[LeftBehind] | None = None
    """What could not be undone, and a person has to undo."""


class ProductOrderReference(OrderReference):
    """The order that is to be cancelled."""


class CancelProductOrderCreate(CancellationRequest):
    """A request to cancel a product order."""

    product_order: ProductOrderReference


class CancelProductOrder(Cancellation):
    """How a request to cancel stands; an answer that `fields` cut down has `@type`, `id` and `href`."""

    type: str = Field(alias="@type")
    """`CancelProductOrder`, where it is no more special one."""
    state: CancellationState | None = None
    product_order: ProductOrderReference | None = None
    error_message: ProductOrderErrorMessage | None = None
    """Why the order was not cancelled."""
