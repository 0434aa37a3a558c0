"""The product of a product order's item, as TMF622 v4 has it: a reference, or one with its own attributes."""

from __future__ import annotations

from typing import Any

from api.schemas.common import Characteristic, Quantity, TimePeriod, VersionedReference
from api.schemas.prices import ProductPrice
from tmf.instants import UtcDatetime
from tmf.resources import Extensible, Reference, Referring, RelatedParty, RelatedPlace


class AgreementItem(Reference):
    """An item of an agreement."""

    agreement_item_id: str | None = None


class ResourceReference(Reference):
    """A resource that a product is made of."""

    value: str | None = None


class ProductSpecification(VersionedReference):
    """The specification of a product."""

    target_product_schema: dict[str, Any] | None = None
    """The schema of the product's own attributes: `@type` and `@schemaLocation`."""


class ProductOrderItemReference(Referring):
    """An item of an order that has to do with a product."""

    order_item_action: str | None = None
    order_item_id: str | None = None
    product_order_id: str | None = None
    product_order_href: str | None = None
    role: str | None = None


class ProductTerm(Extensible):
    """A condition under which the customer has a product, such as how long at least."""

    name: str | None = None
    description: str | None = None
    duration: Quantity | None = None
    valid_for: TimePeriod | None = None


class ProductRelationship(Extensible):
    """How a product goes together with another."""

    relationship_type: str | None = None
    product: Product | None = None


class ProductAttributes(Referring):
    """What v4 and v5 say alike of a product."""

    id: str | None = None
    href: str | None = None
    name: str | None = None
    description: str | None = None
    is_bundle: bool | None = None
    is_customer_visible: bool | None = None
    order_date: UtcDatetime | None = None
    product_serial_number: str | None = None
    start_date: UtcDatetime | None = None
    termination_date: UtcDatetime | None = None
    status: str | None = None
    """Its state in product inventory, such as `active`."""
    billing_account: Reference | None = None
    product_characteristic: list[Characteristic] | None = None
    product_specification: ProductSpecification | None = None
    product_term: list[ProductTerm] | None = None
    realizing_service: list[Reference] | None = None


class Product(ProductAttributes):
    """The product that an item adds, changes or ends; by its `id` where the customer has it."""

    agreement: list[AgreementItem] | None = None
    place: list[RelatedPlace] | None = None
    product: list[Product] | None = None
    product_offering: Reference | None = None
    product_order_item: list[ProductOrderItemReference] | None = None
    product_price: list[ProductPrice] | None = None
    product_relationship: list[ProductRelationship] | None = None
    realizing_resource: list[ResourceReference] | None = None
    related_party: list[RelatedParty] | None = None
