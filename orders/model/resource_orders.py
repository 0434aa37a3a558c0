"""TMF652 resource orders (v4) that are posted; only what the orchestrator reads is typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from orders.lifecycle.states import OrderKind, OrderState
from orders.model.product_orders import (
    Action,
    Characteristic,
    Count,
    Listed,
    Order,
    Reference,
    RelatedParty,
    RelatedPlace,
    place_among,
    values_of,
)
from orders.model.service_orders import ItemRelation
from tmf.forms import WholeNumber
from tmf.model import Resource


class OrderedResource(Resource):
    """TMF652 ResourceRefOrValue: the resource that an item adds, changes or ends.

    `category` is the pool that it comes from, `value` the very member of the pool that is wanted.
    """

    id: str | None = None
    name: str | None = None
    value: str | None = None
    category: str | None = None
    place: RelatedPlace | list[RelatedPlace] | None = None
    related_party: Listed[RelatedParty] = Field(default_factory=list)
    resource_characteristic: Listed[Characteristic] = Field(default_factory=list)
    resource_specification: Reference | None = None

    def characteristics(self) -> dict[str, Any]:
        return values_of(self.resource_characteristic)

    def places(self) -> list[RelatedPlace]:
        places = self.place if isinstance(self.place, list) else [self.place]
        return [place for place in places if place]

    def place_id(self) -> str | None:
        place = place_among(self.places())
        return place.id or None if place else None


class PostedResourceItem(Resource):
    id: str = Field(min_length=1, max_length=100)
    action: Action
    quantity: Count = None
    state: OrderState | None = None
    resource: OrderedResource
    related_party: Listed[RelatedParty] = Field(default_factory=list)
    resource_specification: Reference | None = None
    order_item_relationship: Listed[ItemRelation] = Field(default_factory=list)

    def specification(self) -> Reference | None:
        """Return the specification that the resource, or else the item, names."""
        return self.resource.resource_specification or self.resource_specification

    def subject(self) -> str:
        """Return what the item is about, in a word: its specification, or else its resource."""
        specification = self.specification()
        named = specification and (specification.name or specification.id)
        return named or self.resource.name or self.resource.id or ""


class ResourceOrder(Order):
    """TMF652 v4 ResourceOrder."""

    kind: ClassVar[OrderKind] = OrderKind.RESOURCE

    priority: WholeNumber | None = None
    order_item: list[PostedResourceItem] = Field(min_length=1)

    def items(self) -> Iterator[tuple[PostedResourceItem, None, str]]:
        """Yield every item with its JSON path; none is nested."""
        for index, item in enumerate(self.order_item):
            yield item, None, f"orderItem[{index}]"
