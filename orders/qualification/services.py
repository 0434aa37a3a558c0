"""TMF645 v4 CheckServiceQualification and QueryServiceQualification: what they ask, and how they are answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from orders.model.product_orders import (
    Action,
    Characteristic,
    ItemRelationship,
    Listed,
    Reference,
    RelatedParty,
    RelatedPlace,
    values_of,
)
from orders.model.service_orders import PostedServiceItem, Service, ServiceOrder
from orders.plan.parts import Characteristics
from orders.qualification.results import (
    MAX_ITEMS,
    Result,
    ServiceQualificationState,
    TerminationError,
    UnavailabilityReason,
)
from tmf.bodies import Document
from tmf.instants import UtcDatetime
from tmf.model import Resource

ITEMS = "serviceQualificationItem"


class QualifiedService(Resource):
    """TMF645 ServiceRefOrValue; with an `id` the question is about changing that service."""

    id: str | None = Field(default=None, min_length=1)
    name: str | None = None
    service_specification: Reference | None = None
    place: Listed[RelatedPlace] = Field(default_factory=list)
    service_characteristic: Listed[Characteristic] = Field(default_factory=list)
    related_party: Listed[RelatedParty] = Field(default_factory=list)

    def characteristics(self) -> Characteristics:
        return values_of(self.service_characteristic)


class AlternateServiceProposal(Resource):
    """Something close to the service that was asked for, that can be had."""

    id: str
    alternate_service_availability_date: UtcDatetime | None = None
    alternate_service: QualifiedService


class ServiceQualificationItem(Resource):
    """What a query looks for, and each service that it finds."""

    id: str | None = None
    category: Reference | None = None
    service: QualifiedService | None = None
    expected_activation_date: UtcDatetime | None = Field(
        default=None, description="When the service would be active, by what its parts are expected to take."
    )
    expected_service_availability_date: UtcDatetime | None = None
    expiration_date: UtcDatetime | None = None


class CheckServiceQualificationItem(ServiceQualificationItem):
    """A question about one service, and its answer."""

    qualification_item_relationship: Listed[ItemRelationship] = Field(default_factory=list)
    state: ServiceQualificationState | None = None
    qualification_result: Result | None = None
    eligibility_unavailability_reason: list[UnavailabilityReason] | None = None
    alternate_service_proposal: list[AlternateServiceProposal] | None = Field(
        default=None, description="What can be had in its place, the closest first."
    )
    termination_error: list[TerminationError] | None = None


class _ServiceQualification(Resource):
    id: str | None = None
    href: str | None = None
    description: str | None = None
    external_id: str | None = None
    state: ServiceQualificationState | None = None
    instant_sync_qualification: bool | None = Field(
        default=None, description="Whether the answer is to be in the response (200), rather than worked on (201)."
    )
    expected_qualification_date: UtcDatetime | None = Field(
        default=None, description="After that an answer is of no use: what could not be answered by then is ended."
    )
    effective_qualification_date: UtcDatetime | None = Field(default=None, description="When it was answered.")
    related_party: Listed[RelatedParty] = Field(default_factory=list)

    def order_of(self, key: str, service: QualifiedService, on: datetime) -> ServiceOrder:
        """Return the order that a service comes to: one item with the id `key`, which adds or changes it."""
        action = Action.MODIFY if service.id else Action.ADD
        item = PostedServiceItem(id=key, action=action, service=Service.model_validate(service.model_dump()))
        return ServiceOrder(order_date=on, related_party=self.related_party, service_order_item=[item])


class CheckServiceQualification(_ServiceQualification):
    """TMF645 v4 CheckServiceQualification."""

    check_service_qualification_date: UtcDatetime | None = None
    provide_alternative: bool | None = Field(default=None, description="Whether to look for alternatives.")
    provide_unavailability_reason: bool | None = Field(
        default=None, description="With `false` items that cannot be had are given without a reason."
    )
    qualification_result: Result | None = Field(default=None, description="That of its worst item.")
    service_qualification_item: list[CheckServiceQualificationItem] | None = None


class CheckServiceQualificationCreate(CheckServiceQualification):
    """What a check asks."""

    service_qualification_item: list[CheckServiceQualificationItem] = Field(min_length=1, max_length=MAX_ITEMS)


class QueryServiceQualification(_ServiceQualification):
    """TMF645 v4 QueryServiceQualification."""

    query_service_qualification_date: UtcDatetime | None = None
    search_criteria: ServiceQualificationItem | None = Field(
        default=None,
        description="Place and characteristics that must be had; specification and category that are looked for.",
    )
    service_qualification_item: list[ServiceQualificationItem] | None = Field(
        default=None, description="The services that can be had."
    )


class QueryServiceQualificationCreate(QueryServiceQualification):
    """What a query asks."""

    search_criteria: ServiceQualificationItem


def with_item_ids(document: Document) -> Document:
    """Return a check whose items all have an id: those without one get a number."""
    taken = {item.get("id") for item in document[ITEMS]}
    free = (str(number) for number in range(1, 2 * len(document[ITEMS]) + 1) if str(number) not in taken)
    return {**document, ITEMS: [item if item.get("id") else {"id": next(free), **item} for item in document[ITEMS]]}
