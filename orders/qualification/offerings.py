"""TMF679 v4 ProductOfferingQualification: what it asks, the product order that it would become, and its answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from orders.model.product_orders import (
    Action,
    ItemRelationship,
    Listed,
    Product,
    ProductOrder,
    ProductOrderItem,
    Reference,
    RelatedParty,
    RelatedPlace,
)
from orders.model.violation import Violation
from orders.plan.keys import segment
from orders.qualification.results import (
    MAX_ITEMS,
    Note,
    OfferingQualificationState,
    Result,
    TerminationError,
    UnavailabilityReason,
)
from tmf.bodies import Document
from tmf.instants import UtcDatetime
from tmf.model import Resource

ORDER_ID = "qualification"
"""The id of the order that a qualification would become, for expressions of the catalogs that read it."""

_ITEMS = "productOfferingQualificationItem"
_RELIES_ON = "reliesOn"
_PART = "part"
"""The id of each part until its order is made."""


class QualifiedProduct(Product):
    """TMF679 ProductRefOrValue; `product` has the parts of a bundle, each with its offering."""

    product: Listed[QualifiedProduct] = Field(default_factory=list)


class AlternateProductOfferingProposal(Resource):
    """Something close to what was asked for, that can be had."""

    id: str
    alternate_activation_date: UtcDatetime | None = Field(default=None, description="From when on, where not now.")
    alternate_product_offering: Reference
    alternate_product: QualifiedProduct


class ProductOfferingQualificationItem(Resource):
    """A question about one product; one that names neither offering nor product asks for all that can be had."""

    id: str = Field(min_length=1, max_length=100)
    action: Annotated[Action, BeforeValidator(lambda value: Action.ADD if value is None else value)] = Action.ADD
    expected_activation_date: UtcDatetime | None = None
    product: QualifiedProduct | None = None
    product_offering: Reference | None = None
    qualification_item_relationship: Listed[ItemRelationship] = Field(default_factory=list)
    note: list[Note] | None = None
    state: OfferingQualificationState | None = None
    qualification_item_result: Result | None = None
    eligibility_unavailability_reason: list[UnavailabilityReason] | None = None
    alternate_product_offering_proposal: list[AlternateProductOfferingProposal] | None = Field(
        default=None, description="What can be had in its place, the closest first."
    )
    termination_error: list[TerminationError] | None = None

    def is_search(self) -> bool:
        """Return whether the item asks which offerings can be had, rather than for a certain one."""
        return self.offering() is None and (self.product is None or self.product.id is None)

    def offering(self) -> Reference | None:
        """Return the offering that the item, or else its product, names."""
        return self.product_offering or (self.product.product_offering if self.product else None)

    def specification_id(self) -> str | None:
        """Return the id of the product specification that the item names."""
        return self.product.product_specification.id if self.product and self.product.product_specification else None


class ProductOfferingQualification(Resource):
    """TMF679 v4 ProductOfferingQualification."""

    id: str | None = None
    href: str | None = None
    description: str | None = None
    state: OfferingQualificationState | None = None
    qualification_result: Result | None = Field(default=None, description="That of its worst item.")
    instant_sync_qualification: bool | None = Field(
        default=None, description="Whether the answer is to be in the response (200), rather than worked on (201)."
    )
    provide_alternative: bool | None = Field(default=None, description="Whether to look for alternatives.")
    provide_only_available: bool | None = Field(default=None, description="Leaves out items that cannot be had.")
    provide_unavailability_reason: bool | None = Field(
        default=None, description="With `false` items that cannot be had are given without a reason."
    )
    requested_poq_completion_date: UtcDatetime | None = Field(
        default=None,
        alias="requestedPOQCompletionDate",
        description="After that an answer is of no use: what could not be answered by then is ended.",
    )
    product_offering_qualification_date: UtcDatetime | None = None
    effective_qualification_date: UtcDatetime | None = Field(default=None, description="When it was answered.")
    expiration_date: UtcDatetime | None = Field(
        default=None, description="When the first of its offerings ceases to be on sale."
    )
    category: Reference | None = Field(default=None, description="Without items: offerings of this category alone.")
    channel: Reference | None = None
    place: Listed[RelatedPlace] = Field(default_factory=list, description="Where; for items that name no place.")
    note: list[Note] | None = None
    related_party: Listed[RelatedParty] = Field(default_factory=list)
    product_offering_qualification_item: Listed[ProductOfferingQualificationItem] = Field(
        default_factory=list, max_length=MAX_ITEMS
    )


class PossibleOrder(ProductOrder):
    """The order that a qualification would become: what can be had may be asked for nobody in particular."""

    needs_customer: ClassVar[bool] = False


def order_items(
    asked: ProductOfferingQualification, items: Sequence[ProductOfferingQualificationItem]
) -> list[ProductOrderItem]:
    """Return these items of a qualification as those of the product order that they would become."""
    ids = {item.id for item in items}
    return [_order_item(item, asked.place, ids) for item in items]


def order_with(asked: ProductOfferingQualification, items: Sequence[ProductOrderItem], on: datetime) -> ProductOrder:
    """Return an order of these items, placed at the moment `on` for the customer of a qualification, if it has one."""
    taken = {item.id for item in items}
    return PossibleOrder(
        id=ORDER_ID,
        order_date=on,
        related_party=asked.related_party,
        product_order_item=[_with_part_ids(item, item.id, count(1), taken) for item in items],
    )


def by_item(violations: Iterable[Violation], order: ProductOrder) -> dict[str, list[Violation]]:
    """Return violations by the outermost item that they concern; what concerns no item concerns them all."""
    outermost: dict[str, str] = {}
    for item, parent, _ in order.items():
        outermost[item.id] = outermost[parent.id] if parent else item.id
    found: dict[str, list[Violation]] = {}
    for violation in violations:
        owner = outermost.get(violation.item_id or "")
        for item_id in [owner] if owner else [each.id for each in order.product_order_item]:
            found.setdefault(item_id, []).append(violation)
    return found


def left_without(
    items: Sequence[ProductOfferingQualificationItem], unavailable: Iterable[str]
) -> Mapping[str, list[Violation]]:
    """Return for each item that relies on one that cannot be had, why it cannot be had either."""
    gone, found = set(unavailable), dict[str, list[Violation]]()
    more = True
    while more:
        more = False
        for item in items:
            needs = [
                each.id
                for each in item.qualification_item_relationship
                if each.relationship_type == _RELIES_ON and each.id in gone
            ]
            if needs and item.id not in gone:
                message = f"it relies on item {needs[0]}, which cannot be had"
                found[item.id] = [Violation(code="relianceUnavailable", path=_ITEMS, message=message, item_id=item.id)]
                gone.add(item.id)
                more = True
    return found


def proposal(number: int, item: ProductOrderItem, not_before: datetime | None = None) -> Document:
    """Return an order item as an alternative that is proposed: its offering, and its product with all its parts."""
    product = _product_document(item)
    offering = product.pop("productOffering")
    told = AlternateProductOfferingProposal(
        id=str(number),
        alternate_activation_date=not_before,
        alternate_product_offering=Reference.model_validate(offering),
        alternate_product=QualifiedProduct.model_validate(product),
    )
    return told.model_dump(mode="json", exclude_none=True, exclude_unset=True)


def _order_item(item: ProductOfferingQualificationItem, place: list[RelatedPlace], ids: set[str]) -> ProductOrderItem:
    product = item.product or QualifiedProduct()
    if not product.place and place and item.action is Action.ADD:
        product = product.model_copy(update={"place": place})
    return ProductOrderItem(
        id=item.id,
        action=item.action,
        product_offering=item.offering(),
        product=_ordered(product),
        product_order_item=_parts(item.action, product) or None,
        product_order_item_relationship=[each for each in item.qualification_item_relationship if each.id in ids],
    )


def _parts(action: Action, product: QualifiedProduct) -> list[ProductOrderItem]:
    """Return the parts of a bundle as items within its own; a part that is not there yet is one to add."""
    return [
        ProductOrderItem(
            id=_PART,
            action=action if action in (Action.ADD, Action.DELETE) or part.id else Action.ADD,
            product_offering=part.product_offering,
            product=_ordered(part),
            product_order_item=_parts(action, part) or None,
        )
        for part in product.product
    ]


def _with_part_ids(item: ProductOrderItem, whole: str, numbers: Iterator[int], taken: set[str]) -> ProductOrderItem:
    """Return an item whose parts, and those of these, have ids that no other item of the order has."""
    parts = []
    for part in item.product_order_item or []:
        ids = (segment(f"{whole}.{number}") for number in numbers)
        part_id = next(each for each in ids if each not in taken)
        parts.append(_with_part_ids(part.model_copy(update={"id": part_id}), whole, numbers, taken))
    return item.model_copy(update={"product_order_item": parts or None})


def _ordered(product: QualifiedProduct) -> Product:
    known = product.model_dump(by_alias=False, exclude={"product"}, exclude_unset=True)
    return Product.model_validate(known)


def _product_document(item: ProductOrderItem) -> dict[str, Any]:
    product = item.product.model_dump(mode="json", exclude_none=True, exclude_unset=True) if item.product else {}
    if item.product_offering:
        product["productOffering"] = item.product_offering.model_dump(mode="json", exclude_none=True)
        if item.product_offering.name:
            product["name"] = item.product_offering.name
    if item.product_order_item:
        product["product"] = [_product_document(part) for part in item.product_order_item]
    return {name: value for name, value in product.items() if value != []}
