"""What an order shows at its end, against what the systems hold: both read from documents alone, by rules of its own.

An item's customer is the order's. Its place and its billing account are its own, or else those of what is installed, or
else those of its bundle, or for an account the order's; a bundle that moves takes along what was where it was. Its
product has the characteristics that it gives, over those that are installed, or else over the catalog's defaults, and
costs what the item shows as its price.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tmf.bodies import Document

CENT = Decimal("0.01")
_INSTALLATION = "installation"


@dataclass(frozen=True)
class HeldService:
    """A customer-facing service as inventory has it."""

    id: str
    specification: str | None
    customer: str | None
    place: str | None
    characteristics: Document = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """A product in use as the systems have it."""

    id: str
    item: str | None
    """The item of the order that made it, where that is known."""
    offering: str | None
    customer: str | None
    account: str | None
    place: str | None
    characteristics: Document = field(default_factory=dict)
    prices: Sequence[Document] = ()
    services: Mapping[str, HeldService] = field(default_factory=dict)
    components: frozenset[str] = frozenset()


Base = Mapping[str, Held]
"""The products in use, by id."""

Defaults = Callable[[str], Document]
"""Offering → the values that its characteristics take where an order gives none."""


@dataclass(frozen=True)
class _Item:
    """An item, with what it and those around it show of its product."""

    document: Document
    before: Held | None
    customer: str | None
    account: str | None
    place: str | None
    left: str | None = None
    """The place that its product leaves for another."""
    followers: Sequence[Held] = ()
    """The parts of its bundle that no item names and that move with it, as they were."""

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def action(self) -> str:
        return str(self.document["action"])

    @property
    def given(self) -> Document:
        return {name: value for name, value in self._said.items() if value is not None}

    @property
    def taken_away(self) -> set[str]:
        """The characteristics that it gives no value: they have their defaults."""
        return {name for name, value in self._said.items() if value is None}

    @property
    def _said(self) -> Document:
        product = self.document.get("product") or {}
        return {each["name"]: each.get("value") for each in product.get("productCharacteristic") or []}


def disagreements(order: Document, before: Base, after: Base, defaults: Defaults | None = None) -> list[str]:
    """Return every point, in words, in which what is held after an order is not what the order shows.

    Args:
        order: its document, with its prices.
        before: what its customer had.
        after: what its customer has.
        defaults: without it, what an order leaves out is not looked at.
    """
    items = list(_items(order, before))
    followers = {each.id for item in items for each in item.followers}
    named = {item.before.id for item in items if item.before} | followers
    prices = {item.id: [price for each in item.followers for price in _repeated(each.prices)] for item in items}
    found = [*wrong_sums(order, prices)]
    for item in items:
        found += [f"item {item.id}: {each}" for each in _faults(item, before, after, defaults)]
    made = {item.id for item in items if item.action == "add"}
    ended = {
        part for item in items if item.action == "delete" and item.before for part in _with_parts(item.before, before)
    }
    for key in before.keys() - named - ended:
        found += differences(f"product {key}, which no item names", _lasting(before[key]), _lasting(after.get(key)))
    found += [
        f"product {key} is there, and nobody ordered it"
        for key in after.keys() - before.keys()
        if after[key].item not in made
    ]
    return found


def _items(order: Document, before: Base) -> Iterator[_Item]:
    """Yield every item, bundles before their parts."""
    customer = _customer(order)
    flat, parents = _flat(order)
    named = {(each.get("product") or {}).get("id") for each in flat.values()}
    seen: dict[str, _Item] = {}

    def item(key: str) -> _Item:
        if key not in seen:
            bundle = item(parents[key]) if key in parents else None
            there = before.get((flat[key].get("product") or {}).get("id") or "")
            around = (bundle and bundle.account) or _id(order.get("billingAccount"))
            kept = there and flat[key]["action"] == "noChange"
            place = _place(flat[key], there, bundle)
            left = _left(there, place, before) if there and flat[key]["action"] == "modify" else None
            seen[key] = _Item(
                document=flat[key],
                before=there,
                customer=customer,
                account=_id(flat[key].get("billingAccount")) or (there and there.account) or (None if kept else around),
                place=place,
                left=left,
                followers=[*_followers(there, left, before, named)] if there and left else [],
            )
        return seen[key]

    yield from (item(key) for key in flat)


def _place(item: Document, there: Held | None, bundle: _Item | None) -> str | None:
    if own := own_place(item.get("product") or {}):
        return own
    moves = bundle and bundle.left
    if there and there.place:
        return bundle.place if bundle and item["action"] == "modify" and moves == there.place else there.place
    return bundle.place if bundle and not (there and moves) else None


def _left(there: Held, place: str | None, before: Base) -> str | None:
    """Return the place that a product leaves; a bundle that is nowhere itself is where all its parts are."""
    places = (
        {there.place} if there.place else {before[part].place for part in there.components & before.keys()} - {None}
    )
    return places.pop() if place and len(places) == 1 and place not in places else None


def _followers(bundle: Held, left: str, before: Base, named: set[str | None]) -> Iterator[Held]:
    for part in sorted(bundle.components & before.keys() - named):
        if before[part].place == left:
            yield before[part]
            yield from _followers(before[part], left, before, named)


def _flat(order: Document) -> tuple[dict[str, Document], dict[str, str]]:
    """Return every item by its id, and the bundle that each is in: nested in it, or related to by it."""
    flat = dict(walk(order["productOrderItem"]))
    parents = {part["id"]: each["id"] for each in flat.values() for part in each.get("productOrderItem") or []}
    for each in flat.values():
        for relation in each.get("productOrderItemRelationship") or []:
            if relation["relationshipType"] == "bundles":
                parents.setdefault(relation["id"], each["id"])
    return flat, parents


def walk(items: Sequence[Document], nested: str = "productOrderItem") -> Iterator[tuple[str, Document]]:
    """Yield every item by its id, those nested in others too."""
    for item in items:
        yield item["id"], item
        yield from walk(item.get(nested) or [], nested)


def _customer(order: Document) -> str:
    found = customers_in(order)
    assert len(found) == 1, f"who is the customer among {order.get('relatedParty')}?"
    return found.pop()


def customers_in(order: Document) -> set[str]:
    """Return the customers that an order names: by their role, or alone and without one."""
    parties = order.get("relatedParty") or []
    found = {each["id"] for each in parties if (each.get("role") or "").lower() == "customer"}
    if not found and len(parties) == 1 and not parties[0].get("role"):
        found = {parties[0]["id"]}
    return found


def own_place(thing: Document) -> str | None:
    """Return the place that is written at a product, service or resource, the one of its installation before others."""
    places = thing.get("place") or []
    places = places if isinstance(places, list) else [places]
    ranked = sorted(places, key=lambda each: (each.get("role") or "").lower() != _INSTALLATION)
    return _id(ranked[0]) if ranked else None


def _id(reference: Document | None) -> str | None:
    return reference.get("id") if reference else None


def _faults(item: _Item, before: Base, after: Base, defaults: Defaults | None) -> Iterator[str]:
    match item.action:
        case "add":
            yield from _faults_of_new(item, before, after, defaults)
        case "modify" | "noChange" if item.before is None:
            yield "its product was not there"
        case "modify" | "noChange":
            yield from _faults_of_kept(item, after, defaults)
        case "delete":
            for key in _with_parts(item.before, before) if item.before else ():
                if key in after:
                    yield f"product {key} is still there"


def _faults_of_new(item: _Item, before: Base, after: Base, defaults: Defaults | None) -> Iterator[str]:
    made = [each for key, each in after.items() if each.item == item.id and key not in before]
    if len(made) != (item.document.get("quantity") or 1):
        yield f"it came to {len(made)} products"
    offering = item.document["productOffering"]["id"]
    for product in made:
        if defaults:
            yield from differences("characteristics", defaults(offering) | item.given, product.characteristics)
        yield from _faults_of_product(item, product)


def _faults_of_kept(item: _Item, after: Base, defaults: Defaults | None) -> Iterator[str]:
    assert item.before
    product = after.get(item.before.id)
    if product is None:
        yield "its product is gone"
        return
    if item.action == "noChange":
        yield from differences("what was to stay", _lasting(item.before), _lasting(product))
    kept = {name: value for name, value in item.before.characteristics.items() if name not in item.taken_away}
    usual = defaults(product.offering) if defaults and product.offering else {}
    again = {name: value for name, value in usual.items() if name in item.taken_away}
    yield from differences("characteristics", again | kept | item.given, product.characteristics)
    yield from _faults_of_product(item, product)
    for each in item.followers:
        yield from _faults_of_follower(item, each, after.get(each.id))


def _faults_of_follower(item: _Item, before: Held, product: Held | None) -> Iterator[str]:
    moved = replace(before, place=item.place, services={})
    yield from differences("what goes along", _lasting(moved), _lasting(product and replace(product, services={})))
    for key, service in product.services.items() if product else ():
        yield from differences(f"place of service {key}, which goes along", item.place, service.place)


def _faults_of_product(item: _Item, product: Held) -> Iterator[str]:
    yield from differences("customer", item.customer, product.customer)
    yield from differences("billing account", item.account, product.account)
    yield from differences("place", item.place, product.place)
    yield from differences("characteristics", item.given, _named(item.given, product.characteristics))
    # What was paid once, when the product came to be, is not to be paid again for leaving it as it is.
    as_before = item.before and item.before.prices == product.prices
    prices = _repeated(product.prices) if as_before else product.prices
    yield from differences("prices", _comparable(item.document.get("itemPrice")), _comparable(prices))
    offering = _id(item.document.get("productOffering")) or (item.before and item.before.offering)
    yield from differences("offering", offering, product.offering)
    for key, service in product.services.items():
        yield from differences(f"customer of service {key}", item.customer, service.customer)
        yield from differences(f"place of service {key}", item.place, service.place)
        same = service.characteristics.keys() & product.characteristics.keys()
        yield from differences(
            f"characteristics of service {key}",
            _named(same, product.characteristics),
            _named(same, service.characteristics),
        )


def differences(what: str, shown: Any, held: Any) -> Iterator[str]:
    """Yield what is shown and what is held in words, where they are not the same."""
    if shown != held:
        yield f"{what}: {shown} is shown, {held} is held"


def _named(names: Any, values: Document) -> Document:
    return {name: value for name, value in values.items() if name in names}


def _lasting(product: Held | None) -> Held | None:
    """Return a product without what comes and goes while it is left alone: its parts, and what is paid once."""
    return product and replace(product, components=frozenset(), item=None, prices=_repeated(product.prices))


def _repeated(prices: Sequence[Document]) -> list[Document]:
    return [each for each in prices if each["priceType"] != "oneTime"]


def _with_parts(product: Held, base: Base) -> Iterator[str]:
    yield product.id
    for part in product.components & base.keys():
        yield from _with_parts(base[part], base)


def _comparable(prices: Sequence[Document] | None) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in prices or [])


# --- what an order shows as its totals ---


def wrong_sums(order: Document, others: Mapping[str, Sequence[Document]]) -> Iterator[str]:
    """Yield every total that an order shows and that is not the sum of what is below it.

    Args:
        others: Item → the prices of what belongs to it and has no item of its own.
    """
    flat, parents = _flat(order)
    for key, item in flat.items():
        own = [_discounted(price) for price in item.get("itemPrice") or []] * (item.get("quantity") or 1)
        parts = [flat[part].get("itemTotalPrice") or [] for part, bundle in parents.items() if bundle == key]
        more = [_discounted(price) for price in others[key]]
        sums = _summed([*own, *more, *(price for part in parts for price in part)])
        yield from differences(f"item {key}: total", _totals(item.get("itemTotalPrice")), sums)
    roots = [price for key in flat.keys() - parents.keys() for price in flat[key].get("itemTotalPrice") or []]
    yield from differences("the order's total", _totals(order.get("orderTotalPrice")), _summed(roots))


Totals = dict[tuple[str, str | None, str], tuple[Decimal, Decimal]]
"""Type, period and currency → net and gross."""


def _summed(prices: Sequence[Document]) -> Totals:
    totals: Totals = {}
    for each in prices:
        if each["priceType"] != "usage":
            key, (net, gross) = _key(each), _amounts(each["price"])
            before = totals.get(key, (Decimal(0), Decimal(0)))
            totals[key] = (before[0] + net, before[1] + gross)
    return totals


def _totals(prices: Sequence[Document] | None) -> Totals:
    return {_key(each): _amounts(each["price"]) for each in prices or []}


def _key(price: Document) -> tuple[str, str | None, str]:
    return price["priceType"], price.get("recurringChargePeriod"), price["price"]["dutyFreeAmount"]["unit"]


def _amounts(price: Document) -> tuple[Decimal, Decimal]:
    return Decimal(str(price["dutyFreeAmount"]["value"])), Decimal(str(price["taxIncludedAmount"]["value"]))


def _discounted(price: Document) -> Document:
    """Return a price with its discounts taken off, taxed after that."""
    alterations = price.get("priceAlteration") or []
    if not alterations:
        return price
    net = sum((_amounts(each["price"])[0] for each in (price, *alterations)), Decimal(0))
    rate = Decimal(str(price["price"].get("taxRate") or 0))
    gross = (net * (100 + rate) / 100).quantize(CENT, rounding=ROUND_HALF_UP)
    unit = price["price"]["dutyFreeAmount"]["unit"]
    amounts = {"dutyFreeAmount": {"unit": unit, "value": net}, "taxIncludedAmount": {"unit": unit, "value": gross}}
    return {**price, "price": amounts}
