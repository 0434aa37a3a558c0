"""Answers of the systems, as far as they are read: typed, so that one of another shape is found out at once.

And the lists that they are told, in the same shapes.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from application.http import Identified
from orders.model.product_orders import Characteristic, OrderPrice, Reference, RelatedParty, RelatedPlace
from orders.plan.parts import Characteristics
from tmf.model import Resource

T = TypeVar("T")

Listed = Annotated[list[T], BeforeValidator(lambda value: [] if value is None else value), Field(default_factory=list)]
"""A list that may be missing or null: then it is empty."""


Places = Annotated[
    list[RelatedPlace],
    BeforeValidator(lambda value: [value] if isinstance(value, dict) else value or []),
    Field(default_factory=list),
]
"""Places: TMF638 and TMF640 have a list, TMF639 one; systems write either."""

_OF_A_PRODUCT = (
    "name",
    "status",
    "productCharacteristic",
    "productPrice",
    "productOffering",
    "productSpecification",
    "productRelationship",
    "realizingService",
    "place",
    "billingAccount",
)
_OF_A_SERVICE = ("state", "serviceCharacteristic", "supportingService", "supportingResource", "place")


class ProductRelationship(Resource):
    relationship_type: str = ""
    product: Reference


class ProductDocument(Identified):
    """TMF637 Product."""

    name: str | None = None
    status: str = "active"
    product_offering: Reference | None = None
    product_specification: Reference | None = None
    billing_account: Reference | None = None
    place: Listed[RelatedPlace]
    related_party: Listed[RelatedParty]
    product_characteristic: Listed[Characteristic]
    product_price: Listed[OrderPrice]
    product_relationship: Listed[ProductRelationship]
    realizing_service: Listed[Reference]

    def changeable(self) -> dict[str, Any]:
        """Return the attributes that an order may change, as they are: None for one that is not there."""
        return _changeable(self, _OF_A_PRODUCT)

    def related(self, kind: str) -> list[str]:
        """Return the ids of the products that it has this relation to."""
        return [each.product.id for each in self.product_relationship if each.relationship_type == kind]


class ServiceOrderItemReference(Resource):
    service_order_id: str | None = None
    item_id: str | None = None


class ServiceDocument(Identified):
    """TMF638 Service."""

    name: str | None = None
    state: str = "active"
    service_specification: Reference | None = None
    place: Listed[RelatedPlace]
    related_party: Listed[RelatedParty]
    service_characteristic: Listed[Characteristic]
    service_order_item: Listed[ServiceOrderItemReference]
    supporting_service: Listed[Reference]
    supporting_resource: Listed[Reference]

    def changeable(self) -> dict[str, Any]:
        """Return the attributes that an order may change, as they are: None for one that is not there."""
        return _changeable(self, _OF_A_SERVICE)


class ServiceRecord(Identified):
    """What is looked at of a TMF638 Service to see which order has made it."""

    state: str | None = None
    service_order_item: Listed[ServiceOrderItemReference]

    def is_of(self, order: str, item: str) -> bool:
        """Return whether an item of an order has made it."""
        return any((each.service_order_id, each.item_id) == (order, item) for each in self.service_order_item)


class ProductOrderItemReference(Resource):
    product_order_id: str | None = None
    plan_key: str | None = None


class ProductRecord(Identified):
    """What is looked at of a TMF637 Product to see which order has made it."""

    status: str | None = None
    product_order_item: Listed[ProductOrderItemReference]

    def is_of(self, order: str, key: str) -> bool:
        """Return whether a node of an order's plan has made it."""
        return any((each.product_order_id, each.plan_key) == (order, key) for each in self.product_order_item)


class Reservation(Resource):
    requested_by: str | None = None


class ResourceDocument(Identified):
    """TMF639 Resource; `value` is the thing itself, `category` its pool."""

    name: str | None = None
    value: str | None = None
    category: str | None = None
    resource_status: str | None = None
    usage_state: str | None = None
    reservation: Reservation | None = None
    place: Places
    resource_specification: Reference | None = None
    resource_characteristic: Listed[Characteristic]


class Charge(Identified):
    """What billing charges for a product."""

    product: Identified | None = None
    state: str | None = None
    end_date: str | None = None


class Configured(Identified):
    """What is set up in the network: a TMF640 Service or a TMF702 Resource."""

    state: str | None = None
    has_started: bool | None = None
    is_service_enabled: bool | None = None
    operating_status: str | None = None
    place: Places
    service_characteristic: Listed[Characteristic]
    resource_characteristic: Listed[Characteristic]

    def characteristics(self) -> Characteristics:
        return values([*self.service_characteristic, *self.resource_characteristic])

    def has_failed(self) -> bool:
        """Return whether a service has failed, in the words of TMF640."""
        return has_failed(self.state, self.operating_status, self.has_started, self.is_service_enabled)


class Monitor(Resource):
    """TMF640 Monitor; the body of its response is an error where the activation failed."""

    state: str
    response: Any = None

    def reason(self) -> str:
        """Return why the activation failed, as far as the response says it."""
        body = self.response.get("body") if isinstance(self.response, dict) else None
        if isinstance(body, str):
            # The standard has it as text; many systems send the object itself.
            with suppress(ValueError):
                body = json.loads(body)
        said = body if isinstance(body, dict) else {}
        return str(said.get("reason") or said.get("message") or "no reason given")


class ServiceTestResult(Resource):
    """TMF653 ServiceTest."""

    result: str
    message: str | None = None


class Reason(Resource):
    code: str | None = None
    label: str | None = None


class QualifiedItem(Resource):
    """TMF645 ServiceQualificationItem."""

    qualification_result: str
    eligibility_unavailability_reason: Listed[Reason]


class Qualification(Resource):
    """TMF645 CheckServiceQualification."""

    service_qualification_item: list[QualifiedItem]


class Availability(Resource):
    available: bool
    free: int = 0
    reason: str | None = None


class AvailabilityAnswer(Resource):
    results: list[Availability]


def has_failed(
    state: str | None, operating_status: str | None, has_started: bool | None, is_service_enabled: bool | None
) -> bool:
    """Return whether a service has failed: TMF638 and TMF640 v4 say so by what has started and is not enabled.

    Version 5 has the operating status for it; a state `failed`, which neither has, is understood as well.
    """
    return "failed" in (state, operating_status) or (has_started is True and is_service_enabled is False)


def values(characteristics: list[Characteristic]) -> Characteristics:
    """Return a list of characteristics as names and values."""
    return {each.name: each.value for each in characteristics}


def prices(charged: list[OrderPrice]) -> list[dict[str, Any]]:
    """Return prices as product inventory and billing take them."""
    return [price.model_dump(mode="json", exclude_none=True) for price in charged]


def _changeable(document: Resource, names: tuple[str, ...]) -> dict[str, Any]:
    sent = document.model_dump(mode="json", exclude_unset=True)
    return {name: sent.get(name) for name in names}
