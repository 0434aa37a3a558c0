"""TMF622 v4 product orders: what a request to order may have, and what an answer gives."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.schemas.common import ErrorMessage, ItemAttributes, OrderAttributes, OrderProgress, Quantity, RelatedChannel
from api.schemas.examples import PRODUCT_ORDER_ANSWER_EXAMPLE, PRODUCT_ORDER_EXAMPLE
from api.schemas.prices import OrderPrice
from api.schemas.product import Product
from orders.lifecycle.states import OrderState
from orders.model.wishes import Priority
from tmf.instants import UtcDatetime
from tmf.resources import Extensible, Reference


class QuoteItem(Reference):
    """The item of a quote that an item of an order follows from."""

    quote_id: str | None = None
    quote_href: str | None = None
    quote_name: str | None = None


class QualificationItem(Reference):
    """The item of a product offering qualification that an item of an order follows from."""

    product_offering_qualification_id: str | None = None
    product_offering_qualification_href: str | None = None
    product_offering_qualification_name: str | None = None


class OrderTerm(Extensible):
    """A condition under which an item is ordered, such as a minimum duration."""

    name: str | None = None
    description: str | None = None
    duration: Quantity | None = None


class ItemRelationship(Extensible):
    """How an item goes together with another of the same order: `reliesOn` and `bundles` are standard types."""

    id: str
    """The other item's."""
    relationship_type: str | None = None


class ProductOrderItem(ItemAttributes):
    """What is ordered: an offering, and the product that it makes, changes or ends."""

    id: str = Field(min_length=1, max_length=100)
    """Names the item within its order."""
    state: OrderState | None = None
    """Set by the orchestrator."""
    billing_account: Reference | None = None
    item_price: list[OrderPrice] | None = None
    """Set by the orchestrator, from the catalogs; so is `itemTotalPrice`."""
    item_term: list[OrderTerm] | None = None
    item_total_price: list[OrderPrice] | None = None
    payment: list[Reference] | None = None
    product: Product | None = None
    product_offering: Reference | None = None
    product_offering_qualification_item: QualificationItem | None = None
    product_order_item: list[ProductOrderItem] | None = None
    """What belongs to the item, such as the parts of a bundle."""
    product_order_item_relationship: list[ItemRelationship] | None = None
    qualification: list[Reference] | None = None
    quote_item: QuoteItem | None = None
    realized_product: list[Reference] | None = None
    """Set by the orchestrator: the products that it made, where it ordered several; Ordersaga's own."""


class ProductOrderAttributes(OrderAttributes):
    """What a product order has, whoever sets it, beside its items."""

    agreement: list[Reference] | None = None
    billing_account: Reference | None = None
    """Who pays; an item may name another account."""
    cancellation_date: UtcDatetime | None = None
    """When the order was cancelled."""
    cancellation_reason: str | None = None
    """Why it was cancelled, as its cancellation says."""
    channel: list[RelatedChannel] | None = None
    notification_contact: str | None = None
    """Where the customer is told of the order."""
    order_total_price: list[OrderPrice] | None = None
    """Set by the orchestrator: what the products of all items cost once the order is done."""
    payment: list[Reference] | None = None
    priority: Priority = None
    """From `0`, the highest, to `4`."""
    product_offering_qualification: list[Reference] | None = None
    quote: list[Reference] | None = None


class ProductOrderCreate(ProductOrderAttributes):
    """A request to order products. Attributes that only the orchestrator sets are ignored, unknown ones are kept."""

    model_config = {"json_schema_extra": {"examples": [PRODUCT_ORDER_EXAMPLE]}}

    product_order_item: list[ProductOrderItem] = Field(min_length=1)


class ProductOrderUpdate(ProductOrderAttributes):
    """What is to change in a product order; `null` removes an attribute."""

    product_order_item: list[ProductOrderItem] | None = None
    """All items of the new version."""


class ProductOrderErrorMessage(ErrorMessage):
    """Why a product order, or some of its items, could not be done."""

    product_order_item: list[dict[str, Any]] | None = None
    """The items that it is about, by their `id`."""


class ProductOrder(OrderProgress, ProductOrderAttributes):
    """A product order as it stands."""

    model_config = {"json_schema_extra": {"examples": [PRODUCT_ORDER_ANSWER_EXAMPLE]}}

    product_order_item: list[ProductOrderItem] | None = None
    order_relationship: Any = None
    """The service orders that it has made, each with `id`, `href` and the type `child`."""
    product_order_error_message: list[ProductOrderErrorMessage] | None = None
    """Why it was rejected, or what failed."""
