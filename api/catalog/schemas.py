"""Schemas of the catalog APIs for the OpenAPI document: TMF620 v4.1, TMF633 v4.0 and TMF634 v4.1.

Entries may have further attributes, those of the standards and others that their files give.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from catalogs.model.entities import LifecycleStatus, TimePeriod, ValueType
from orders.model.product_orders import Money
from tmf.instants import UtcDatetime
from tmf.model import Resource


class EntryReference(Resource):
    """A reference to an entry of the catalogs; without a version, to its latest."""

    id: str
    href: str | None = None
    name: str | None = None
    version: str | None = None
    referred_type: str | None = Field(default=None, alias="@referredType")


class EntryRelationship(EntryReference):
    relationship_type: str
    role: str | None = None
    valid_for: TimePeriod | None = None


class CatalogParty(EntryReference):
    """A party that has to do with an entry, and what it is to it."""

    role: str | None = None


class CatalogAttachment(EntryReference):
    """Something to look at, such as a picture."""

    attachment_type: str | None = None
    description: str | None = None
    mime_type: str | None = None
    url: str | None = None


class CatalogEntry(Resource):
    """What all entries have."""

    id: str
    href: str
    name: str | None = None
    version: str | None = None
    description: str | None = None
    lifecycle_status: LifecycleStatus | None = None
    valid_for: TimePeriod | None = None
    last_update: UtcDatetime | None = None
    type: str | None = Field(default=None, alias="@type")
    base_type: str | None = Field(default=None, alias="@baseType")
    schema_location: str | None = Field(default=None, alias="@schemaLocation")


class CharacteristicValueSpecification(Resource):
    """A value that a characteristic may have, or a range of them."""

    value: Any = None
    is_default: bool | None = None
    value_from: float | None = None
    value_to: float | None = None
    range_interval: Literal["open", "closed", "closedBottom", "closedTop"] | None = None
    unit_of_measure: str | None = None


class SpecificationCharacteristic(Resource):
    """A characteristic; mandatory where `minCardinality` is 1."""

    name: str
    description: str | None = None
    value_type: ValueType
    configurable: bool
    min_cardinality: int
    max_cardinality: int
    regex: str | None = None
    min_length: int | None = None
    """How many characters a text has at least."""
    max_length: int | None = None
    """How many characters a text has at most."""
    max_octets: int | None = None
    """How many octets a text takes at most in UTF-8."""


class ProductSpecificationCharacteristic(SpecificationCharacteristic):
    product_spec_characteristic_value: list[CharacteristicValueSpecification] | None = None


class ServiceSpecificationCharacteristic(SpecificationCharacteristic):
    characteristic_value_specification: list[CharacteristicValueSpecification] | None = None


class ResourceSpecificationCharacteristic(SpecificationCharacteristic):
    resource_spec_characteristic_value: list[CharacteristicValueSpecification] | None = None


class ProductSpecificationCharacteristicValueUse(Resource):
    """What an offering allows of a characteristic, or which of its values a price is for."""

    name: str
    min_cardinality: int | None = None
    max_cardinality: int | None = None
    product_spec_characteristic_value: list[CharacteristicValueSpecification] | None = None


class CatalogQuantity(Resource):
    amount: float | None = None
    units: str | None = None


class CountedCharacteristic(Resource):
    """The characteristic that a price counts: it is charged for each `unitOfMeasure` beyond what is included."""

    name: str
    included: float | None = None


class ProductOfferingTerm(Resource):
    """How long an offering binds."""

    name: str | None = None
    description: str | None = None
    duration: CatalogQuantity | None = None
    valid_for: TimePeriod | None = None


class BundledOfferingOption(Resource):
    number_rel_offer_lower_limit: int | None = None
    number_rel_offer_upper_limit: int | None = None
    number_rel_offer_default: int | None = None


class BundledOffering(EntryReference):
    """A part of a bundle, and how many of it."""

    lifecycle_status: LifecycleStatus | None = None
    bundled_product_offering_option: BundledOfferingOption | None = None


class PricingLogicAlgorithm(Resource):
    """When a price applies: its `description` is an expression in CEL."""

    id: str | None = None
    name: str | None = None
    description: str | None = None


class CatalogTaxItem(Resource):
    tax_category: str | None = None
    tax_rate: float | None = None


class Catalog(CatalogEntry):
    """TMF620 v4 Catalog."""

    catalog_type: str | None = None
    category: list[EntryReference] | None = None
    related_party: list[CatalogParty] | None = None


class Category(CatalogEntry):
    """TMF620 v4 Category."""

    is_root: bool | None = None
    parent_id: str | None = None
    sub_category: list[EntryReference] | None = None
    product_offering: list[EntryReference] | None = None


class ProductOffering(CatalogEntry):
    """TMF620 v4 ProductOffering."""

    is_bundle: bool | None = None
    is_sellable: bool | None = None
    category: list[EntryReference] | None = None
    channel: list[EntryReference] | None = None
    market_segment: list[EntryReference] | None = None
    place: list[EntryReference] | None = None
    product_specification: EntryReference | None = None
    bundled_product_offering: list[BundledOffering] | None = None
    product_offering_price: list[EntryReference] | None = None
    product_offering_relationship: list[EntryRelationship] | None = None
    product_offering_term: list[ProductOfferingTerm] | None = None
    prod_spec_char_value_use: list[ProductSpecificationCharacteristicValueUse] | None = None
    service_candidate: EntryReference | None = None
    resource_candidate: EntryReference | None = None
    service_level_agreement: EntryReference | None = None
    agreement: list[EntryReference] | None = None
    attachment: list[CatalogAttachment] | None = None
    status_reason: str | None = None


class ProductOfferingPrice(CatalogEntry):
    """TMF620 v4 ProductOfferingPrice; one of type `discount` alters those that refer to it."""

    price_type: Literal["oneTime", "recurring", "usage", "discount"] | None = None
    recurring_charge_period_type: str | None = None
    recurring_charge_period_length: int | None = None
    price: Money | None = None
    percentage: float | None = None
    priority: int | None = None
    application_duration: int | None = None
    unit_of_measure: CatalogQuantity | None = None
    counted_characteristic: CountedCharacteristic | None = None
    tax: list[CatalogTaxItem] | None = None
    is_bundle: bool | None = None
    bundled_pop_relationship: list[EntryReference] | None = None
    pop_relationship: list[EntryRelationship] | None = None
    prod_spec_char_value_use: list[ProductSpecificationCharacteristicValueUse] | None = None
    pricing_logic_algorithm: list[PricingLogicAlgorithm] | None = None
    product_offering_term: list[ProductOfferingTerm] | None = None
    constraint: list[EntryReference] | None = None
    place: list[EntryReference] | None = None


class ProductSpecification(CatalogEntry):
    """TMF620 v4 ProductSpecification."""

    brand: str | None = None
    product_number: str | None = None
    is_bundle: bool | None = None
    product_spec_characteristic: list[ProductSpecificationCharacteristic] | None = None
    product_specification_relationship: list[EntryRelationship] | None = None
    bundled_product_specification: list[EntryReference] | None = None
    service_specification: list[EntryReference] | None = None
    resource_specification: list[EntryReference] | None = None
    related_party: list[CatalogParty] | None = None
    attachment: list[CatalogAttachment] | None = None
    target_product_schema: dict[str, Any] | None = None


class ServiceCatalog(CatalogEntry):
    """TMF633 v4 ServiceCatalog."""

    category: list[EntryReference] | None = None
    related_party: list[CatalogParty] | None = None


class ServiceCategory(CatalogEntry):
    """TMF633 v4 ServiceCategory."""

    is_root: bool | None = None
    parent_id: str | None = None
    category: list[EntryReference] | None = None
    service_candidate: list[EntryReference] | None = None


class ServiceCandidate(CatalogEntry):
    """TMF633 v4 ServiceCandidate."""

    category: list[EntryReference] | None = None
    service_specification: EntryReference | None = None


class ServiceSpecification(CatalogEntry):
    """TMF633 v4 ServiceSpecification, customer-facing or resource-facing."""

    is_bundle: bool | None = None
    spec_characteristic: list[ServiceSpecificationCharacteristic] | None = None
    service_spec_relationship: list[EntryRelationship] | None = None
    resource_specification: list[EntryReference] | None = None
    related_party: list[CatalogParty] | None = None
    attachment: list[CatalogAttachment] | None = None
    constraint: list[EntryReference] | None = None
    entity_spec_relationship: list[EntryRelationship] | None = None
    feature_specification: list[dict[str, Any]] | None = None
    service_level_specification: list[EntryReference] | None = None
    target_entity_schema: dict[str, Any] | None = None


class ResourceCatalog(CatalogEntry):
    """TMF634 v4 ResourceCatalog."""

    category: list[EntryReference] | None = None
    related_party: list[CatalogParty] | None = None


class ResourceCategory(CatalogEntry):
    """TMF634 v4 ResourceCategory."""

    is_root: bool | None = None
    parent_id: str | None = None
    category: list[EntryReference] | None = None
    related_party: list[CatalogParty] | None = None
    resource_candidate: list[EntryReference] | None = None


class ResourceCandidate(CatalogEntry):
    """TMF634 v4 ResourceCandidate."""

    category: list[EntryReference] | None = None
    resource_specification: EntryReference | None = None


class ResourceSpecification(CatalogEntry):
    """TMF634 v4 ResourceSpecification, of a physical or a logical resource."""

    category: str | None = None
    is_bundle: bool | None = None
    resource_spec_characteristic: list[ResourceSpecificationCharacteristic] | None = None
    resource_spec_relationship: list[EntryRelationship] | None = None
    related_party: list[CatalogParty] | None = None
    attachment: list[CatalogAttachment] | None = None
    feature_specification: list[dict[str, Any]] | None = None
    target_resource_schema: dict[str, Any] | None = None
