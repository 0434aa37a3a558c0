"""Checks of what items with `noChange` say: they change nothing, so that it must be as inventory has it already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalogs.checks.context import OrderContext
from catalogs.nodes.products import ProductNode
from orders.model.product_orders import Action, Characteristic, Reference, RelatedPlace, place_among
from orders.model.violation import Violation
from tmf.words import shown

NO_CHANGE_DIFFERS = "noChangeDiffers"


def check_unchanged(context: OrderContext) -> Iterator[Violation]:
    """Check that items which leave their product as it is say of it what inventory has."""
    for node in context.nodes.values():
        if node.action is Action.NO_CHANGE and node.installed and node.item:
            for part, message in _of_product(node):
                yield context.violation(node, NO_CHANGE_DIFFERS, part, message)


def _of_product(node: ProductNode) -> Iterator[tuple[str, str]]:
    item, there = node.item, node.installed
    assert item
    assert there
    yield from differing_reference("productOffering.id", item.product_offering, there.offering_id)
    yield from differing_reference("billingAccount.id", item.billing_account, there.billing_account)
    if product := item.product:
        yield from differing_text("product.name", product.name, there.name)
        wanted = product.product_specification
        yield from differing_reference("product.productSpecification.id", wanted, there.specification_id)
        yield from differing_place("product.place", product.place, there.place)
        values = node.before().product
        yield from differing_values("product.productCharacteristic", product.product_characteristic, values)


def differing_reference(part: str, said: Reference | None, there: str | None) -> Iterator[tuple[str, str]]:
    """Yield where and how a reference, if one is given, is to something else than inventory has."""
    if said and said.id != there:
        yield part, _message(part.removesuffix(".id").rpartition(".")[2], said.id, there)


def differing_place(part: str, said: Sequence[RelatedPlace], there: str | None) -> Iterator[tuple[str, str]]:
    """Yield where and how a place, if one is given, is another than that of inventory."""
    place = place_among(said)
    if place and place.id and place.id != there:
        yield part, _message("place", place.id, there)


def differing_text(part: str, said: str | None, there: str | None) -> Iterator[tuple[str, str]]:
    """Yield where and how a plain attribute, if it is given, is another than in inventory."""
    if said and said != there:
        yield part, _message(part.rpartition(".")[2], said, there)


def differing_values(part: str, said: Sequence[Characteristic], there: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield where and how the characteristics given at `part` differ in meaning from those of inventory."""
    for index, each in enumerate(said):
        if each.value is not None and _meaning(each.value) != _meaning(there.get(each.name)):
            yield f"{part}[{index}].value", _message(each.name, each.value, there.get(each.name))


def _message(name: str, said: Any, there: Any) -> str:
    has = f"inventory has {shown(there)}" if there is not None else "inventory has none"
    return f"{name}: the item says {shown(said)}, {has}; noChange changes nothing: say modify, or what is there"


def _meaning(value: Any) -> str:
    """Return the same text for values that mean the same: 1000 and 1000.0, lists in whatever order."""
    return json.dumps(_normal(value), sort_keys=True)


def _normal(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return sorted((_normal(each) for each in value), key=_meaning)
        case dict():
            return {name: _normal(each) for name, each in value.items()}
        case _:
            return value
