"""TMF622 product orders and the parts they share with TMF641 and TMF652 (all v4).

Only what the orchestrator reads is typed; every other attribute is kept as it was sent and given back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from orders.lifecycle.states import OrderKind, OrderState
from tmf.forms import WholeNumber
from tmf.instants import UtcDatetime
from tmf.model import Resource

AnyItem = TypeVar("AnyItem")


class Action(StrEnum):
    """What an order item does to its product, service or resource (TMF OrderItemActionType)."""

    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"
    NO_CHANGE = "noChange"


WITH_VALUES = (Action.ADD, Action.MODIFY)
"""The actions by which a product, service or resource gets values."""

T = TypeVar("T")

if TYPE_CHECKING:
    Listed = list
else:
    # Clients that write out every attribute send null for a list without entries.
    Listed = Annotated[list[T] | None, AfterValidator(lambda value: value or [])]


Count = Annotated[WholeNumber | None, Field(ge=1)]
"""How many of the same thing an item orders."""


class Reference(Resource):
    """A reference to something kept elsewhere."""

    id: str
    href: str | None = None
    name: str | None = None


class Characteristic(Resource):
    name: str
    value: Any = None
    value_type: str | None = None


def values_of(characteristics: Iterable[Characteristic]) -> dict[str, Any]:
    """Return characteristics by name; one without a value, or with null, has None."""
    return {each.name: each.value for each in characteristics}


class Money(Resource):
    unit: str = "EUR"
    value: float


class Price(Resource):
    tax_rate: float | None = None
    duty_free_amount: Money | None = None
    tax_included_amount: Money | None = None
    percentage: float | None = None


class PriceAlteration(Resource):
    name: str | None = None
    description: str | None = None
    price_type: str
    priority: WholeNumber | None = None
    application_duration: WholeNumber | None = None
    recurring_charge_period: str | None = None
    unit_of_measure: str | None = None
    price: Price
    product_offering_price: Reference | None = None


class CountedUnits(Resource):
    """How a price comes about that counts a characteristic: so many units beyond what is included, at so much each."""

    name: str
    included: float = 0
    quantity: int
    unit_of_measure: str | None = None
    unit_price: Price


class OrderPrice(Resource):
    name: str | None = None
    description: str | None = None
    price_type: str | None = None
    recurring_charge_period: str | None = None
    unit_of_measure: str | None = None
    price: Price | None = None
    counted_characteristic: CountedUnits | None = None
    price_alteration: list[PriceAlteration] | None = None
    product_offering_price: Reference | None = None


class RelatedParty(Resource):
    id: str
    role: str | None = None
    name: str | None = None


class RelatedPlace(Resource):
    id: str | None = None
    role: str | None = None
    name: str | None = None


class ItemRelationship(Resource):
    """A relation to another item of the same order; `reliesOn` and `bundles` are standard types."""

    id: str
    relationship_type: str = ""


class Product(Resource):
    """TMF622 ProductRefOrValue: the product that an item adds, changes or ends."""

    id: str | None = None
    name: str | None = None
    place: Listed[RelatedPlace] = Field(default_factory=list)
    product_characteristic: Listed[Characteristic] = Field(default_factory=list)
    product_offering: Reference | None = None
    product_specification: Reference | None = None
    related_party: Listed[RelatedParty] = Field(default_factory=list)

    def characteristics(self) -> dict[str, Any]:
        return values_of(self.product_characteristic)


class ProductOrderItem(Resource):
    id: str = Field(min_length=1, max_length=100)
    action: Action
    quantity: Count = None
    state: OrderState | None = None
    billing_account: Reference | None = None
    item_price: list[OrderPrice] | None = None
    item_total_price: list[OrderPrice] | None = None
    product: Product | None = None
    product_offering: Reference | None = None
    related_party: Listed[RelatedParty] = Field(default_factory=list)
    product_order_item: list[ProductOrderItem] | None = None
    product_order_item_relationship: Listed[ItemRelationship] = Field(default_factory=list)

    @model_validator(mode="after")
    def _offering_of_product(self) -> Self:
        """Take the offering that only the product names: TMF622 has it in either place."""
        if self.product_offering is None and self.product is not None:
            self.product_offering = self.product.product_offering
        return self

    def subject(self) -> str:
        """Return what the item is about, in a word: its offering, or else its product."""
        if self.product_offering:
            return self.product_offering.name or self.product_offering.id
        return (self.product and (self.product.name or self.product.id)) or ""


class Order(Resource):
    """What the orders of all three standards have."""

    kind: ClassVar[OrderKind]
    needs_customer: ClassVar[bool] = False
    """Whether it is worth nothing without somebody to bill."""

    id: str | None = None
    href: str | None = None
    category: str | None = None
    description: str | None = None
    external_id: str | None = None
    order_date: UtcDatetime | None = None
    requested_start_date: UtcDatetime | None = None
    requested_completion_date: UtcDatetime | None = None
    expected_completion_date: UtcDatetime | None = None
    completion_date: UtcDatetime | None = None
    cancellation_date: UtcDatetime | None = None
    cancellation_reason: str | None = None
    state: OrderState | None = None
    related_party: Listed[RelatedParty] = Field(default_factory=list)

    def customer_id(self) -> str | None:
        """Return the id of the order's customer, as `customer_among` finds it."""
        return customer_among(self.related_party)


def customers_among(parties: Sequence[RelatedParty]) -> list[str]:
    """Return the ids of the parties with the role `customer` in any case, or of a single party without any role."""
    named = [party.id for party in parties if _plain(party.role) == "customer"]
    alone = [party.id for party in parties if len(parties) == 1 and not _plain(party.role)]
    return list(dict.fromkeys(named or alone))


def customer_among(parties: Sequence[RelatedParty]) -> str | None:
    """Return the id of the one customer among parties; None where there is none, or more than one."""
    found = customers_among(parties)
    return found[0] if len(found) == 1 and found[0].strip() else None


def places_among(places: Sequence[RelatedPlace]) -> list[RelatedPlace]:
    """Return the places where something may be meant to be, each once.

    These are the ones for its installation, by `INSTALLATION_ROLES`; without any, all whose role is not known to be
    another one, by `OTHER_PLACE_ROLES`.
    """
    named = [place for place in places if _plain(place.role) in INSTALLATION_ROLES]
    found = named or [place for place in places if _plain(place.role) not in OTHER_PLACE_ROLES]
    return list({place.id or index: place for index, place in enumerate(found)}.values())


def place_among(places: Sequence[RelatedPlace]) -> RelatedPlace | None:
    """Return the one place where something is meant to be; None where there is none, or more than one."""
    found = places_among(places)
    return found[0] if len(found) == 1 else None


_KINDS_OF_PLACE = ("", "address", "location", "place", "site")

INSTALLATION_ROLES = frozenset(
    [
        "site",
        "installation",
        *(f"{why}{kind}" for why in ("installation", "install", "service") for kind in _KINDS_OF_PLACE[1:]),
    ]
)
"""Roles of the place where something is installed, in small letters and without what parts their words."""

OTHER_PLACE_ROLES = frozenset(
    f"{purpose}{kind}"
    for purpose in (
        "billing", "bill", "invoice", "invoicing", "contact", "correspondence", "delivery", "shipping", "shipment",
        "shipto", "billto", "legal", "mailing", "payment", "pickup", "postal", "registered", "return",
    )
    for kind in _KINDS_OF_PLACE
)  # fmt: skip
"""Roles of places that say nothing of where something is installed, written alike."""


def _plain(role: str | None) -> str:
    """Return a role in small letters and without what parts its words: `INSTALL_LOCATION` → `installlocation`."""
    return "".join(letter for letter in (role or "").lower() if letter.isalnum())


class ProductOrder(Order):
    """TMF622 v4 ProductOrder."""

    kind: ClassVar[OrderKind] = OrderKind.PRODUCT
    needs_customer: ClassVar[bool] = True

    priority: str | None = None
    billing_account: Reference | None = None
    order_total_price: list[OrderPrice] | None = None
    product_order_item: list[ProductOrderItem] = Field(min_length=1)

    def items(self) -> Iterator[tuple[ProductOrderItem, ProductOrderItem | None, str]]:
        """Yield every item, nested ones too, with its parent and its JSON path, parents first."""
        yield from walk(self.product_order_item, "productOrderItem", lambda item: item.product_order_item)


def walk(
    items: Iterable[AnyItem], name: str, nested: Callable[[AnyItem], Iterable[AnyItem] | None]
) -> Iterator[tuple[AnyItem, AnyItem | None, str]]:
    """Yield items, and those nested in them under `name`, each with its parent and its JSON path, parents first."""
    for index, item in enumerate(items):
        here = f"{name}[{index}]"
        yield item, None, here
        for inner, parent, path in walk(nested(item) or [], name, nested):
            yield inner, parent or item, f"{here}.{path}"
