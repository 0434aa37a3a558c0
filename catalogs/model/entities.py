"""The entities of a catalog, in the shapes of TMF620 v4.1, TMF633 v4.0 and TMF634 v4.1.

Attributes that nothing here reads are kept. The `fulfilment` block is ours, and so are `when` on a price and `policy`
on a catalog. Dumped as JSON, an entry has the standards' names again.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, PlainSerializer, PrivateAttr, StringConstraints

from catalogs.model.expressions import Expression
from catalogs.model.fulfilment import PolicyBlock, ProductFulfilment, ResourceFulfilment, ServiceFulfilment
from catalogs.model.money import LARGEST
from orders.plan.parts import Specification
from tmf.instants import UtcDatetime, UtcDayOrDatetime
from tmf.model import Resource, StrictModel


def _json_number(value: Decimal | float) -> int | float:
    return int(value) if value == int(value) else float(value)


Number = Annotated[float, Field(allow_inf_nan=False), PlainSerializer(_json_number, when_used="json")]
Exact = Annotated[Decimal, PlainSerializer(_json_number, when_used="json")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
LifecycleStatus = Literal[
    "In Study", "In Design", "In Test", "Rejected", "Active", "Launched", "Retired", "Obsolete"
]  # the life cycle of TMF620's catalog entities
ON_SALE = frozenset({"Active", "Launched"})
ONCE = "oneTime"
"""The type of prices that are charged when an order is done, and not again."""


class TimePeriod(Resource):
    """From `startDateTime` on, until just before `endDateTime`; open where one is absent."""

    start_date_time: UtcDayOrDatetime | None = None
    end_date_time: UtcDayOrDatetime | None = None

    def contains(self, moment: datetime) -> bool:
        return not self.begins_after(moment) and not self.ended_by(moment)

    def begins_after(self, moment: datetime) -> bool:
        return self.start_date_time is not None and moment < self.start_date_time

    def ended_by(self, moment: datetime) -> bool:
        return self.end_date_time is not None and moment >= self.end_date_time


class SpecificationReference(Resource):
    """A reference by id to another entry of the catalogs; without a version, to its latest."""

    id: str
    version: str | None = None


class TypedReference(SpecificationReference):
    relationship_type: str


class Entry(Resource):
    """What every entry of a catalog has; one id may have several versions side by side.

    The file says in `lastUpdate` when it was changed; an entry that does not is as old as its catalog says.
    """

    id: Identifier
    name: str = Field(min_length=1)
    version: Annotated[str, StringConstraints(pattern=r"^[^/]+$")] = "1.0"
    description: str | None = None
    lifecycle_status: LifecycleStatus = "Active"
    valid_for: TimePeriod | None = None
    last_update: UtcDatetime | None = None
    _catalog_id: str = PrivateAttr(default="")

    @property
    def catalog_id(self) -> str:
        """The id of the catalog that it was loaded with."""
        return self._catalog_id

    def belong_to(self, catalog: Catalog) -> None:
        """Make it an entry of a catalog."""
        self._catalog_id = catalog.id
        if self.last_update is None:
            self.last_update = catalog.last_update

    def on_sale(self, moment: datetime) -> bool:
        return self.lifecycle_status in ON_SALE and (self.valid_for is None or self.valid_for.contains(moment))

    @cached_property
    def as_specification(self) -> Specification:
        """What a plan says of this entry."""
        return Specification(id=self.id, name=self.name, version=self.version)


class Catalog(Entry):
    """A folder of entries, with the policy that they inherit."""

    policy: PolicyBlock | None = None


class Category(Entry):
    """A group of offerings, by which people find their way in a shop; a root where it has no parent."""

    parent_id: str | None = None
    is_root: bool | None = None


class ValueType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"


class CharacteristicValue(Resource):
    """One allowed value, or a range of them; `rangeInterval` says which ends belong to it (closed without it)."""

    value: Any = None
    is_default: bool = False
    value_from: Number | None = None
    value_to: Number | None = None
    range_interval: Literal["open", "closed", "closedBottom", "closedTop"] = "closed"
    unit_of_measure: str | None = None


class CharacteristicSpecification(Resource):
    """A characteristic and the rule that its values keep to; mandatory where `minCardinality` is 1.

    Texts may be bounded in characters, and in the octets that they take in UTF-8, which is what devices count.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$")]
    value_type: ValueType = ValueType.STRING
    configurable: bool = True
    min_cardinality: int = Field(default=0, ge=0)
    max_cardinality: int = Field(default=1, ge=1)
    regex: str | None = None
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    max_octets: int | None = Field(default=None, ge=1)
    values: list[CharacteristicValue] = Field(default_factory=list)


class ProductCharacteristic(CharacteristicSpecification):
    values: list[CharacteristicValue] = Field(
        default_factory=list,
        validation_alias=AliasChoices("productSpecCharacteristicValue"),
        serialization_alias="productSpecCharacteristicValue",
    )


class ServiceCharacteristic(CharacteristicSpecification):
    values: list[CharacteristicValue] = Field(
        default_factory=list,
        validation_alias=AliasChoices("characteristicValueSpecification"),
        serialization_alias="characteristicValueSpecification",
    )


class ResourceCharacteristic(CharacteristicSpecification):
    values: list[CharacteristicValue] = Field(
        default_factory=list,
        validation_alias=AliasChoices("resourceSpecCharacteristicValue"),
        serialization_alias="resourceSpecCharacteristicValue",
    )


class CharacteristicValueUse(Resource):
    """What an offering allows of a characteristic, or which of its values a price is for."""

    name: str
    min_cardinality: int | None = Field(default=None, ge=0)
    max_cardinality: int | None = Field(default=None, ge=1)
    values: list[CharacteristicValue] = Field(
        default_factory=list,
        validation_alias=AliasChoices("productSpecCharacteristicValue"),
        serialization_alias="productSpecCharacteristicValue",
    )


class ProductSpecification(Entry):
    characteristics: list[ProductCharacteristic] = Field(
        default_factory=list,
        validation_alias=AliasChoices("productSpecCharacteristic"),
        serialization_alias="productSpecCharacteristic",
    )
    product_specification_relationship: list[TypedReference] = Field(default_factory=list)
    fulfilment: ProductFulfilment = Field(default_factory=ProductFulfilment)


class ServiceSpecification(Entry):
    type: Literal["CustomerFacingServiceSpecification", "ResourceFacingServiceSpecification"] = Field(
        validation_alias=AliasChoices("@type"), serialization_alias="@type"
    )
    characteristics: list[ServiceCharacteristic] = Field(
        default_factory=list,
        validation_alias=AliasChoices("specCharacteristic"),
        serialization_alias="specCharacteristic",
    )
    fulfilment: ServiceFulfilment = Field(default_factory=ServiceFulfilment)

    @property
    def customer_facing(self) -> bool:
        return self.type == "CustomerFacingServiceSpecification"


class ResourceSpecification(Entry):
    characteristics: list[ResourceCharacteristic] = Field(
        default_factory=list,
        validation_alias=AliasChoices("resourceSpecCharacteristic"),
        serialization_alias="resourceSpecCharacteristic",
    )
    fulfilment: ResourceFulfilment = Field(default_factory=ResourceFulfilment)


class Amount(StrictModel):
    """Money as a catalog writes it, kept exact."""

    unit: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "EUR"
    value: Exact = Field(ge=-LARGEST, le=LARGEST)


class Quantity(Resource):
    amount: Number = 1
    units: str


class CountedCharacteristic(Resource):
    """The characteristic by whose value a price is charged, for each unit beyond what is included."""

    name: str
    included: Exact = Field(default=Decimal(0), ge=0, le=LARGEST)


class TaxItem(Resource):
    """A tax in percent of the net price."""

    tax_category: str | None = None
    tax_rate: Exact = Field(ge=0, le=100)


class ProductOfferingPrice(Entry):
    """A price, or with the price type `discount` an alteration of those that refer to it.

    An alteration has either a percentage or a price to take off, and lasts `applicationDuration` charge periods.
    What counts a characteristic is charged, or taken off, for each `unitOfMeasure` of it.
    """

    price_type: Literal["oneTime", "recurring", "usage", "discount"]
    recurring_charge_period_type: Literal["hour", "day", "week", "month", "quarter", "year"] | None = None
    recurring_charge_period_length: int = Field(default=1, ge=1)
    price: Amount | None = None
    percentage: Exact | None = Field(default=None, gt=0, le=100)
    application_duration: int | None = Field(default=None, ge=1)
    priority: int | None = None
    unit_of_measure: Quantity | None = None
    counted_characteristic: CountedCharacteristic | None = None
    tax: list[TaxItem] = Field(default_factory=list)
    is_bundle: bool = False
    pop_relationship: list[TypedReference] = Field(default_factory=list)
    bundled_pop_relationship: list[SpecificationReference] = Field(default_factory=list)
    prod_spec_char_value_use: list[CharacteristicValueUse] = Field(default_factory=list)
    when: Expression | None = None


class BundledProductOfferingOption(Resource):
    """How many of a child a bundle takes; without an upper limit, any number."""

    number_rel_offer_lower_limit: int = Field(default=0, ge=0)
    number_rel_offer_upper_limit: int | None = Field(default=None, ge=1)
    number_rel_offer_default: int | None = Field(default=None, ge=0)


class BundledProductOffering(SpecificationReference):
    option: BundledProductOfferingOption = Field(
        default_factory=BundledProductOfferingOption,
        validation_alias=AliasChoices("bundledProductOfferingOption"),
        serialization_alias="bundledProductOfferingOption",
    )


class ProductOffering(Entry):
    is_bundle: bool = False
    is_sellable: bool = True
    category: list[SpecificationReference] = Field(default_factory=list)
    product_specification: SpecificationReference | None = None
    bundled_product_offering: list[BundledProductOffering] = Field(default_factory=list)
    product_offering_price: list[SpecificationReference] = Field(default_factory=list)
    product_offering_relationship: list[TypedReference] = Field(default_factory=list)
    prod_spec_char_value_use: list[CharacteristicValueUse] = Field(default_factory=list)
