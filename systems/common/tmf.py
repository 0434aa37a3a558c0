"""TM Forum's resources, as far as the systems look at them; what else a body says is kept as well."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from tmf.instants import read_instant
from tmf.resources import Extensible, Reference, RelatedParty, RelatedPlace

LONGEST_ID = 200


def _moment(text: str) -> str:
    read_instant(text)
    return text


# Kept and compared as it was written.
Moment = Annotated[str, AfterValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]


class Characteristic(Extensible):
    """A value by name."""

    name: str
    value: Any
    value_type: str | None = None


class RelatedProductOrderItem(Extensible):
    """The item of the product order that brought it about."""

    product_order_id: str
    order_item_id: str


class RelatedServiceOrderItem(Extensible):
    """The item of the service order that brought it about."""

    service_order_id: str
    item_id: str


class ProductRelationship(Extensible):
    """Another product that it bundles, or relies on."""

    relationship_type: str
    product: Extensible


class ProductPrice(Extensible):
    """What it costs."""

    price_type: str
    price: Extensible


class ServiceRelationship(Extensible):
    """Another service that it has to do with."""

    relationship_type: str
    service: Extensible | None = None


class ResourceRelationship(Extensible):
    """Another resource that it has to do with."""

    relationship_type: str
    resource: Extensible


class Note(Extensible):
    """What somebody had to say."""

    text: str | None = None
    author: str | None = None
    date: Moment | None = None


ProductStatus = Literal[
    "created", "pendingActive", "active", "suspended", "pendingTerminate", "terminated", "aborted", "cancelled"
]
ServiceState = Literal["feasibilityChecked", "designed", "reserved", "inactive", "active", "terminated"]
Id = Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]


class Product(Extensible):
    """A TMF637 product."""

    id: Id | None = None
    href: str | None = None
    name: str | None = None
    description: str | None = None
    status: ProductStatus | None = None
    is_bundle: bool | None = None
    is_customer_visible: bool | None = None
    order_date: Moment | None = None
    start_date: Moment | None = None
    termination_date: Moment | None = None
    product_serial_number: str | None = None
    agreement: list[Reference] | None = None
    billing_account: Reference | None = None
    place: list[RelatedPlace] | None = None
    product: list[Extensible] | None = None
    product_characteristic: list[Characteristic] | None = None
    product_offering: Reference | None = None
    product_order_item: list[RelatedProductOrderItem] | None = None
    product_price: list[ProductPrice] | None = None
    product_relationship: list[ProductRelationship] | None = None
    product_specification: Reference | None = None
    product_term: list[Extensible] | None = None
    realizing_resource: list[Reference] | None = None
    realizing_service: list[Reference] | None = None
    related_party: list[RelatedParty] | None = None


class ProductCreate(Product):
    """A product to record."""

    status: ProductStatus


class Service(Extensible):
    """A TMF638 or TMF640 service."""

    id: Id | None = None
    href: str | None = None
    name: str | None = None
    description: str | None = None
    category: str | None = None
    service_type: str | None = None
    state: ServiceState | None = None
    start_mode: str | None = None
    has_started: bool | None = None
    is_bundle: bool | None = None
    is_service_enabled: bool | None = None
    is_stateful: bool | None = None
    service_date: str | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None
    feature: list[Extensible] | None = None
    note: list[Note] | None = None
    place: list[RelatedPlace] | None = None
    related_entity: list[Extensible] | None = None
    related_party: list[RelatedParty] | None = None
    service_characteristic: list[Characteristic] | None = None
    service_order_item: list[RelatedServiceOrderItem] | None = None
    service_relationship: list[ServiceRelationship] | None = None
    service_specification: Reference | None = None
    supporting_resource: list[Reference] | None = None
    supporting_service: list[Reference] | None = None


class ServiceCreate(Service):
    """A service to record, or to activate."""

    state: ServiceState
    service_specification: Reference


class Resource(Extensible):
    """A TMF639 or TMF702 resource."""

    id: Id | None = None
    href: str | None = None
    name: str | None = None
    description: str | None = None
    category: str | None = None
    resource_version: str | None = None
    start_operating_date: Moment | None = None
    end_operating_date: Moment | None = None
    administrative_state: Literal["locked", "unlocked", "shutdown"] | None = None
    operational_state: Literal["enable", "disable"] | None = None
    resource_status: Literal["standby", "alarm", "available", "reserved", "unknown", "suspended"] | None = None
    usage_state: Literal["idle", "active", "busy"] | None = None
    activation_feature: list[Extensible] | None = None
    attachment: list[Extensible] | None = None
    note: list[Note] | None = None
    place: RelatedPlace | None = None
    related_party: list[RelatedParty] | None = None
    resource_characteristic: list[Characteristic] | None = None
    resource_relationship: list[ResourceRelationship] | None = None
    resource_specification: Reference | None = None
