"""TMF641 service orders (v4.1) that are posted; only what the orchestrator reads is typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from orders.lifecycle.states import OrderKind, OrderState
from orders.model.assurance import Assurance
from orders.model.product_orders import (
    Action,
    Characteristic,
    Count,
    Listed,
    Order,
    Reference,
    RelatedParty,
    RelatedPlace,
    values_of,
    walk,
)
from tmf.model import Resource


class OrderItemRef(Resource):
    """A reference to an item, of the same order where it names no other."""

    item_id: str | None = None
    service_order_id: str | None = None
    resource_order_id: str | None = None


class ItemRelation(Resource):
    """A relation of an item to another one, as TMF641 and TMF652 write it."""

    relationship_type: str = ""
    order_item: OrderItemRef | None = None

    @property
    def target(self) -> str | None:
        """The id of the item of the same order that it leads to; None where it leads to another order's."""
        other = self.order_item
        if other is None or other.service_order_id or other.resource_order_id:
            return None
        return other.item_id


class Service(Resource):
    """TMF641 ServiceRefOrValue: the service that an item adds, changes or ends."""

    id: str | None = None
    name: str | None = None
    place: Listed[RelatedPlace] = Field(default_factory=list)
    related_party: Listed[RelatedParty] = Field(default_factory=list)
    service_characteristic: Listed[Characteristic] = Field(default_factory=list)
    service_specification: Reference | None = None

    def characteristics(self) -> dict[str, Any]:
        return values_of(self.service_characteristic)


class PostedServiceItem(Resource):
    id: str = Field(min_length=1, max_length=100)
    action: Action
    quantity: Count = None
    state: OrderState | None = None
    service: Service
    assurance: Assurance | None = None
    """What it does about a service that has failed."""
    related_party: Listed[RelatedParty] = Field(default_factory=list)
    service_order_item: list[PostedServiceItem] | None = None
    service_order_item_relationship: Listed[ItemRelation] = Field(default_factory=list)

    def subject(self) -> str:
        """Return what the item is about, in a word: its specification, or else its service."""
        specification = self.service.service_specification
        return (
            (specification and (specification.name or specification.id)) or self.service.name or self.service.id or ""
        )


class ServiceOrder(Order):
    """TMF641 v4.1 ServiceOrder."""

    kind: ClassVar[OrderKind] = OrderKind.SERVICE

    priority: str | None = None
    service_order_item: list[PostedServiceItem] = Field(min_length=1)

    def items(self) -> Iterator[tuple[PostedServiceItem, PostedServiceItem | None, str]]:
        """Yield every item, nested ones too, with its parent and its JSON path, parents first."""
        yield from walk(self.service_order_item, "serviceOrderItem", lambda item: item.service_order_item)

    def parents(self) -> dict[str, str]:
        """Return the item that each nested one is nested in."""
        return {item.id: parent.id for item, parent, _ in self.items() if parent}
