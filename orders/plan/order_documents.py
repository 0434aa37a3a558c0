"""The TMF641 and TMF652 documents of the service and resource orders that an order comes down to.

An `href` is not part of what is stored: the gateway writes it, since it knows the address it is reached by.
"""

from __future__ import annotations

from collections.abc import Sequence

from orders.lifecycle.states import OrderKind, OrderState, resource_name
from orders.model.order_ids import is_root, root_kind
from orders.plan.parts import (
    Characteristics,
    ResourceItem,
    ResourceOrderPlan,
    ServiceItem,
    ServiceOrderPlan,
    Specification,
)
from tmf.bodies import Document


def service_order(plan: ServiceOrderPlan, order_id: str, parent_id: str, order_date: str) -> Document:
    """Return the TMF641 v4.1 document of a service order as it is when it is acknowledged."""
    return {
        "id": order_id,
        "@type": "ServiceOrder",
        "state": OrderState.ACKNOWLEDGED,
        "orderDate": order_date,
        "description": f"{plan.action} {plan.specification.name}",
        "orderRelationship": _parent(parent_id, OrderKind.SERVICE),
        "relatedParty": _customer(plan.customer_id),
        "serviceOrderItem": [service_order_item(item, plan.place_of(item)) for item in plan.items],
    }


def service_order_item(
    item: ServiceItem,
    place: str | None,
    state: OrderState = OrderState.ACKNOWLEDGED,
    service_id: str | None = None,
    characteristics: Characteristics | None = None,
) -> Document:
    """Return one item of a TMF641 document; id and characteristics as they came to be, where they have."""
    document: Document = {
        "id": item.key,
        "@type": "ServiceOrderItem",
        "action": item.action,
        "state": state,
        "service": {
            "@type": "Service",
            "category": item.category,
            "serviceSpecification": _specification(item.specification, "ServiceSpecification"),
            "serviceCharacteristic": characteristic_list(
                item.characteristics if characteristics is None else characteristics
            ),
        },
        "serviceOrderItemRelationship": [
            {"relationshipType": "dependency", "orderItem": {"itemId": key}} for key in item.depends_on
        ],
    }
    if place:
        document["service"]["place"] = [{**place_reference(place), "@referredType": "GeographicSite"}]
    if service_id or item.service_id:
        document["service"]["id"] = service_id or item.service_id
    return document


def resource_order(plan: ResourceOrderPlan, order_id: str, parent_id: str, order_date: str) -> Document:
    """Return the TMF652 v4 document of a resource order as it is when it is acknowledged."""
    return {
        "id": order_id,
        "@type": "ResourceOrder",
        "state": OrderState.ACKNOWLEDGED,
        "orderDate": order_date,
        "description": f"Resources of {plan.specification.name}",
        "orderRelationship": _parent(parent_id, OrderKind.RESOURCE),
        "relatedParty": _customer(plan.customer_id),
        "orderItem": [resource_order_item(item) for item in plan.resources],
    }


def resource_order_item(
    item: ResourceItem,
    state: OrderState = OrderState.ACKNOWLEDGED,
    resource_id: str | None = None,
    value: str | None = None,
    characteristics: Characteristics | None = None,
) -> Document:
    """Return one item of a TMF652 document; id and value of the resource as they came to be, where they have."""
    resource: Document = {
        "@type": "LogicalResource",
        "resourceSpecification": _specification(item.specification, "ResourceSpecification"),
        "resourceCharacteristic": characteristic_list(
            item.characteristics if characteristics is None else characteristics
        ),
    }
    if resource_id or item.resource_id:
        resource["id"] = resource_id or item.resource_id
    if value is not None:
        resource["value"] = value
    return {
        "id": item.key,
        "@type": "ResourceOrderItem",
        "action": item.action,
        "state": state,
        "resource": resource,
        "orderItemRelationship": [
            {"relationshipType": "dependency", "orderItem": {"itemId": key}} for key in item.depends_on
        ],
    }


def characteristic_list(values: Characteristics) -> list[Document]:
    """Return characteristics in the TMF shape, a list of names and values."""
    return [{"name": name, "value": value} for name, value in values.items()]


def place_reference(place: str) -> Document:
    """Return the place where something is, in the TMF shape."""
    return {"id": place, "role": "installation"}


def moved_places(recorded: Sequence[Document], previous: str | None, place: str | None) -> list[Document]:
    """Return the places that inventory is to have of something that goes from one place to another.

    Places of other roles, such as a billing address, stay as they are recorded.
    """
    if previous == place:
        return [*recorded]
    others = [each for each in recorded if each.get("id") not in (previous, place)]
    return [*([place_reference(place)] if place else []), *others]


def _specification(specification: Specification, kind: str) -> Document:
    return {
        "id": specification.id,
        "name": specification.name,
        "version": specification.version,
        "@referredType": kind,
    }


def _parent(parent_id: str, kind: OrderKind) -> list[Document]:
    """Return the relation of an order of a kind to the one that made it, which is posted or made itself."""
    made = OrderKind.SERVICE if kind == OrderKind.RESOURCE else kind
    parent = root_kind(parent_id) if is_root(parent_id) else made
    return [{"id": parent_id, "relationshipType": "parent", "@referredType": resource_name(parent)}]


def _customer(customer_id: str | None) -> list[Document]:
    if not customer_id:
        return []
    return [{"id": customer_id, "role": "customer", "@type": "RelatedParty", "@referredType": "Customer"}]
