"""Alternatives to what cannot be had: other values, fewer parts, other offerings; the closest first.

Nothing here says that an alternative can be had: each is to be checked like the order that it would become.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from catalogs.checks.characteristics import faults_of_value
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.characteristics import of_offering, with_defaults
from catalogs.model.entities import BundledProductOffering, CharacteristicSpecification, Entry, ProductOffering
from catalogs.nodes.products import offering_of
from orders.model.product_orders import Action, Characteristic, Product, ProductOrderItem, Reference

MAX_CANDIDATES = 20
"""Alternatives that are looked at for one item."""

_NEEDED = frozenset({"requires", "excludes", "reliesOn"})
"""Relations of an offering to others that do not stand in for it."""

# How far away an alternative is, before the distance of its values, which is below 1 for each characteristic.
_LATER, _FEWER_PARTS, _SAME_PRODUCT, _RELATED, _BUNDLE, _SAME_CATEGORY = 10.0, 20.0, 30.0, 40.0, 50.0, 60.0


@dataclass(frozen=True)
class Alternative:
    """An item to order in place of another; the smaller the distance, the closer it is to that one."""

    item: ProductOrderItem
    distance: float
    not_before: datetime | None = None
    """From when on it can be ordered, where that is not now."""


def alternatives(
    item: ProductOrderItem, blamed: Collection[str], catalogs: CatalogSet, on: datetime
) -> list[Alternative]:
    """Return what could be ordered in place of an item to add, the closest first, at most `MAX_CANDIDATES`.

    Args:
        blamed: the ids of the items, of this one and its parts, that something speaks against.
    """
    if item.action is not Action.ADD:
        return []
    offering = offering_of(item, None, catalogs, on)
    if offering is None:
        return []
    found = [*_variants(item, blamed, catalogs, on), *_fewer_parts(item, blamed, catalogs, on)]
    found += _others(item, offering, catalogs, on)
    if (period := offering.valid_for) and period.start_date_time and period.begins_after(on):
        found.append(Alternative(item, _LATER, period.start_date_time))
    closest = sorted(found, key=lambda each: each.distance)[:MAX_CANDIDATES]
    return [replace(each, item=_named(each.item, catalogs, on)) for each in closest]


def assembled(item: ProductOrderItem, catalogs: CatalogSet, on: datetime) -> ProductOrderItem:
    """Return an item with the parts that its bundle cannot do without, where it names no parts of its own."""
    return _assembled(item, catalogs, on, frozenset())


def offered(
    catalogs: CatalogSet, on: datetime, category: str | None = None, specification: str | None = None
) -> list[ProductOffering]:
    """Return the offerings that can be ordered by themselves at a moment, of a category or specification only."""
    return [
        offering
        for offering in (catalogs.offerings.on_sale(each, None, on) for each in catalogs.offerings.ids())
        if offering
        and _sold(offering, on)
        and (category is None or category in categories_of(offering))
        and (specification is None or _specification(offering) == specification)
    ]


def new_item(
    item_id: str, offering: ProductOffering, product: Product | None, catalogs: CatalogSet, on: datetime
) -> ProductOrderItem:
    """Return an item that orders an offering, with those characteristics of a product that it takes."""
    item = ProductOrderItem(
        id=item_id,
        action=Action.ADD,
        product_offering=Reference(id=offering.id),
        product=_fitting(product or Product(), offering, catalogs),
    )
    return _named(assembled(item, catalogs, on), catalogs, on)


def takes(offering: ProductOffering, characteristics: Iterable[Characteristic], catalogs: CatalogSet) -> bool:
    """Return whether an offering has these characteristics, and allows these values of them."""
    rules = {rule.name: rule for rule in of_offering(catalogs.product_of(offering), offering)}
    return all(
        each.name in rules and not list(faults_of_value(rules[each.name], each.value)) for each in characteristics
    )


def categories_of(entry: Entry) -> set[str]:
    """Return the ids of the categories that an offering or a specification names."""
    if isinstance(entry, ProductOffering):
        return {each.id for each in entry.category}
    named = (entry.model_extra or {}).get("category")
    return {str(each["id"]) for each in named if isinstance(each, dict) and "id" in each} if named else set()


def distance(asked: Mapping[str, Any], got: Mapping[str, Any]) -> float:
    """Return how far values are from those asked for: for each that was, 0 where it is the same, else up to 1.

    Less of a number is closer than more of it: it costs less.
    """
    return sum(_apart(value, got.get(name)) for name, value in asked.items() if value is not None)


def _apart(asked: Any, got: Any) -> float:
    if asked == got:
        return 0.0
    if not _is_number(asked) or not _is_number(got):
        return 0.9
    far = abs(asked - got) / max(abs(asked), abs(got))
    return float(min(far, 1.0) * 0.9 + (0.05 if got > asked else 0.0))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _variants(
    item: ProductOrderItem, blamed: Collection[str], catalogs: CatalogSet, on: datetime
) -> Iterator[Alternative]:
    """Yield the item with another of the allowed values for one characteristic of it, or of a part, that is blamed."""
    if item.id in blamed:
        offering = offering_of(item, None, catalogs, on)
        rules = of_offering(catalogs.product_of(offering), offering)
        given = item.product.characteristics() if item.product else {}
        values = with_defaults(rules, given)
        for rule in rules:
            for value in _allowed(rule):
                if rule.configurable and value != values[rule.name]:
                    changed = item.model_copy(update={"product": _with(item.product, rule.name, value)})
                    yield Alternative(changed, _apart(values[rule.name], value))
    for index, part in enumerate(item.product_order_item or []):
        for variant in _variants(part, blamed, catalogs, on):
            parts = list(item.product_order_item or [])
            parts[index] = variant.item
            yield Alternative(item.model_copy(update={"product_order_item": parts}), variant.distance)


def _fewer_parts(
    item: ProductOrderItem, blamed: Collection[str], catalogs: CatalogSet, on: datetime
) -> Iterator[Alternative]:
    """Yield a bundle without the blamed parts that it can do without, and what can be varied about the rest."""
    offering = offering_of(item, None, catalogs, on)
    needed = {each.id for each in offering.bundled_product_offering if _least(each)} if offering else set()
    parts = item.product_order_item or []
    left = [part for part in parts if part.id not in blamed or _offering_id(part) in needed]
    if len(left) < len(parts):
        reduced = item.model_copy(update={"product_order_item": left or None})
        away = _FEWER_PARTS + len(parts) - len(left)
        yield Alternative(reduced, away)
        for variant in _variants(reduced, blamed, catalogs, on):
            yield Alternative(variant.item, away + variant.distance)


def _others(
    item: ProductOrderItem, offering: ProductOffering, catalogs: CatalogSet, on: datetime
) -> Iterator[Alternative]:
    """Yield other offerings: of the same product, related ones, bundles that have this one, of the same category."""
    related = {each.id for each in offering.product_offering_relationship if each.relationship_type not in _NEEDED}
    asked = with_defaults(
        of_offering(catalogs.product_of(offering), offering), item.product.characteristics() if item.product else {}
    )
    for other in offered(catalogs, on):
        if other.id == offering.id:
            continue
        if _specification(offering) and _specification(other) == _specification(offering):
            away = _SAME_PRODUCT
        elif other.id in related:
            away = _RELATED
        elif offering.id in {each.id for each in other.bundled_product_offering}:
            yield Alternative(_bundle_with(item, other, catalogs, on), _BUNDLE)
            continue
        elif categories_of(offering) & categories_of(other):
            away = _SAME_CATEGORY
        else:
            continue
        ordered = new_item(item.id, other, item.product, catalogs, on)
        rules = of_offering(catalogs.product_of(other), other)
        got = with_defaults(rules, ordered.product.characteristics() if ordered.product else {})
        yield Alternative(ordered, away + distance(asked, got))


def _bundle_with(
    item: ProductOrderItem, bundle: ProductOffering, catalogs: CatalogSet, on: datetime
) -> ProductOrderItem:
    """Return a bundle with the parts that it needs, and the item as one of its parts."""
    place = item.product.place if item.product else []
    whole = new_item(item.id, bundle, Product(place=place), catalogs, on)
    others = [part for part in whole.product_order_item or [] if _offering_id(part) != _offering_id(item)]
    return whole.model_copy(update={"product_order_item": [*others, item]})


def _assembled(item: ProductOrderItem, catalogs: CatalogSet, on: datetime, around: frozenset[str]) -> ProductOrderItem:
    offering = offering_of(item, None, catalogs, on) if item.action is Action.ADD else None
    if offering is None or offering.id in around:
        return item
    parts = item.product_order_item or []
    if not parts and not any(each.relationship_type == "bundles" for each in item.product_order_item_relationship):
        parts = list(_needed_parts(offering))
    inside = around | {offering.id}
    whole = [_assembled(part, catalogs, on, inside) for part in parts]
    return item.model_copy(update={"product_order_item": whole or None})


def _needed_parts(bundle: ProductOffering) -> Iterator[ProductOrderItem]:
    """Yield the parts that a bundle cannot do without; they have their ids from the order that they come into."""
    for child in bundle.bundled_product_offering:
        for _ in range(_least(child)):
            yield ProductOrderItem(id=child.id, action=Action.ADD, product_offering=Reference(id=child.id))


def _named(item: ProductOrderItem, catalogs: CatalogSet, on: datetime) -> ProductOrderItem:
    """Return an item whose offering, and those of its parts, have their names."""
    offering, reference = offering_of(item, None, catalogs, on), item.product_offering
    named = reference.model_copy(update={"name": offering.name}) if offering and reference else reference
    parts = [_named(part, catalogs, on) for part in item.product_order_item or []]
    return item.model_copy(update={"product_offering": named, "product_order_item": parts or None})


def _least(child: BundledProductOffering) -> int:
    return child.option.number_rel_offer_lower_limit


def _fitting(product: Product, offering: ProductOffering, catalogs: CatalogSet) -> Product:
    """Return a new product at the same place, with those characteristics that the offering takes."""
    taken = [each for each in product.product_characteristic if takes(offering, [each], catalogs)]
    given = {"place": product.place, "product_characteristic": taken}
    return Product(**{name: value for name, value in given.items() if value})


def _with(product: Product | None, name: str, value: Any) -> Product:
    """Return the product with another value for a characteristic."""
    product = product or Product()
    others = [each for each in product.product_characteristic if each.name != name]
    return product.model_copy(update={"product_characteristic": [*others, Characteristic(name=name, value=value)]})


def _allowed(rule: CharacteristicSpecification) -> Iterable[Any]:
    return [each.value for each in rule.values if each.value is not None]


def _sold(offering: ProductOffering, on: datetime) -> bool:
    return offering.is_sellable and offering.on_sale(on)


def _offering_id(item: ProductOrderItem) -> str | None:
    return item.product_offering.id if item.product_offering else None


def _specification(offering: ProductOffering) -> str | None:
    return offering.product_specification.id if offering.product_specification else None
