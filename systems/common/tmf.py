"""TM Forum's resources, as far as the systems look at them; what else a body says is kept as well."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from tmf.instants import read_instant

LONGEST_ID = 200


def _moment(text: str) -> str:
    read_instant(text)
    return text


# Kept and compared as it was written.
Moment = Annotated[str, AfterValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]


class Extensible(BaseModel):
    """Anything may be added: it is kept and given back."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="allow")

    at_type: str | None = Field(default=None, alias="@type")
    at_base_type: str | None = Field(default=None, alias="@baseType")
    at_schema_location: str | None = Field(default=None, alias="@schemaLocation")


class EntityRef(Extensible):
    """A reference by id."""

    id: str
    href: str | None = None
    name: str | None = None
    at_referred_type: str | None = Field(default=None, alias="@referredType")


class RelatedParty(EntityRef):
    """Who has to do with it."""

    role: str | None = None


class RelatedPlace(Extensible):
    """Where it is."""

    id: str | None = None
    name: str | None = None
    role: str | None = None


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
    agreement: list[EntityRef] | None = None
    billing_account: EntityRef | None = None
    place: list[RelatedPlace] | None = None
    product: list[Extensible] | None = None
    product_characteristic: list[Characteristic] | None = None
    product_offering: EntityRef | None = None
    product_order_item: list[RelatedProductOrderItem] | None = None
    product_price: list[ProductPrice] | None = None
    product_relationship: list[ProductRelationship] | None = None
    product_specification: EntityRef | None = None
    product_term: list[Extensible] | None = None
    realizing_resource: list[EntityRef] | None = None
    realizing_service: list[EntityRef] | None = None
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
    service_specification: EntityRef | None = None
    supporting_resource: list[EntityRef] | None = None
    supporting_service: list[EntityRef] | None = None


class ServiceCreate(Service):
    """A service to record, or to activate."""

    state: ServiceState
    service_specification: EntityRef


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
    resource_specification: EntityRef | None = None
