"""Checks of who and where: the customer that an order is for, and the place of what each item is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orders.model.posted import PostedOrder
from orders.model.product_orders import (
    Product,
    ProductOrder,
    ProductOrderItem,
    RelatedParty,
    RelatedPlace,
    customer_among,
    customers_among,
    places_among,
)
from orders.model.resource_orders import OrderedResource, PostedResourceItem
from orders.model.service_orders import PostedServiceItem, Service
from orders.model.violation import Violation
from tmf.words import listed

_CUSTOMER = "the role customer"
_INSTALLATION = "the role installation"


def check_parties(order: PostedOrder) -> Iterator[Violation]:
    """Check that an order has one customer where it needs one, never two, and that no item names another."""
    customers = customers_among(order.related_party)
    if len(customers) > 1:
        message = f"{listed(customers)} are customers; an order has one: write one for each, or give others their role"
        yield Violation(code="customerAmbiguous", path="relatedParty", message=message)
    elif customers and not customers[0].strip():
        yield Violation(code="customerMissing", path="relatedParty", message="the id of the customer is empty")
    elif not customers and order.needs_customer:
        named = f"its parties are {_roles(order.related_party)}" if order.related_party else "it names no party"
        message = f"an order of products is for one customer, and {named}; give whom it is for {_CUSTOMER}"
        yield Violation(code="customerMissing", path="relatedParty", message=message)
    customer = customer_among(order.related_party)
    for item, _, path in order.items():
        for part, parties in _parties(item):
            for other in customers_among(parties):
                if customer is not None and other != customer:
                    message = f"{other} is the customer here, {customer} that of the order; an order has one customer"
                    yield Violation(code="customerDiffers", path=f"{path}.{part}", message=message, item_id=item.id)


def check_accounts(order: ProductOrder) -> Iterator[Violation]:
    """Check that a billing account which an order or an item names is one: nobody would be billed by an empty id."""
    message = "the id of the billing account is empty; name the account, or leave it out"
    if order.billing_account and not order.billing_account.id.strip():
        yield Violation(code="billingAccountMissing", path="billingAccount.id", message=message)
    for item, _, path in order.items():
        if item.billing_account and not item.billing_account.id.strip():
            here = f"{path}.billingAccount.id"
            yield Violation(code="billingAccountMissing", path=here, message=message, item_id=item.id)


def check_places(order: PostedOrder) -> Iterator[Violation]:
    """Check that no item leaves open which place it means, by naming several, or by an empty id."""
    for item, _, path in order.items():
        part, thing = _about(item)
        found = places_among(places_of(thing))
        if any(_is_empty(place) for place in places_of(thing)):
            message = "the id of a place is empty; name the place, or leave it out"
            yield Violation(code="placeMissing", path=f"{path}.{part}.place", message=message, item_id=item.id)
        if len(found) > 1:
            message = f"it could be any of {_roles(found)}; give the one where it is to be {_INSTALLATION}"
            yield Violation(code="placeAmbiguous", path=f"{path}.{part}.place", message=message, item_id=item.id)


def leaves_place_open(thing: Service) -> bool:
    """Return whether `check_places` has something to say of the places that a service names."""
    places = places_of(thing)
    return len(places_among(places)) > 1 or any(map(_is_empty, places))


def _is_empty(place: RelatedPlace) -> bool:
    return place.id is not None and not place.id.strip()


def places_of(thing: Product | Service | OrderedResource | None) -> Sequence[RelatedPlace]:
    """Return the places that a product, service or resource names, whatever they are to it."""
    if thing is None:
        return []
    return thing.places() if isinstance(thing, OrderedResource) else thing.place


def _about(
    item: ProductOrderItem | PostedServiceItem | PostedResourceItem,
) -> tuple[str, Product | Service | OrderedResource | None]:
    """Return what an item is about, and the name of the attribute that has it."""
    match item:
        case ProductOrderItem():
            return "product", item.product
        case PostedServiceItem():
            return "service", item.service
        case PostedResourceItem():
            return "resource", item.resource


def _parties(
    item: ProductOrderItem | PostedServiceItem | PostedResourceItem,
) -> Iterator[tuple[str, Sequence[RelatedParty]]]:
    """Yield the parties of an item and of what it is about, each with where they stand in it."""
    part, thing = _about(item)
    yield "relatedParty", item.related_party
    yield f"{part}.relatedParty", thing.related_party if thing else []


def _roles(related: Sequence[RelatedParty] | Sequence[RelatedPlace]) -> str:
    """Return parties or places in words, each with its role."""
    return listed([f"{each.id or each.name or 'one without an id'} ({each.role or 'no role'})" for each in related])
