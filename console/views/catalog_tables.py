"""Entries of catalogs in tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from tmf.bodies import Document
from tmf.words import bare

_CHARACTERISTICS = {
    "productSpecCharacteristic": "productSpecCharacteristicValue",
    "specCharacteristic": "characteristicValueSpecification",
    "resourceSpecCharacteristic": "resourceSpecCharacteristicValue",
}
"""Where a specification has its characteristics → where each has its values."""


def entries_table(kind: str, entries: Sequence[Document], total: int) -> Table:
    """Return a list of entries, a row each, and how many match in all."""
    caption = f"{len(entries)} of {total}" if total > len(entries) else None
    table = Table(kind, "version", "status", "name", "what", caption=caption, box=None)
    for entry in entries:
        table.add_row(
            str(entry["id"]),
            str(entry.get("version") or ""),
            str(entry.get("lifecycleStatus") or ""),
            str(entry.get("name") or ""),
            Text(_what(entry), overflow="ellipsis", no_wrap=True),
        )
    return table


def entry_facts(entry: Document) -> list[tuple[str, str]]:
    """Return what stands at the head of an entry, as far as it has it."""
    period = entry.get("validFor") or {}
    facts = [
        ("Name", entry.get("name")),
        ("Version", entry.get("version")),
        ("Status", entry.get("lifecycleStatus")),
        ("Description", entry.get("description")),
        ("Valid from", period.get("startDateTime")),
        ("Valid until", period.get("endDateTime")),
        ("Categories", _named(entry.get("category"))),
        ("Below", entry.get("parentId")),
        ("Sub-categories", _named(entry.get("subCategory"))),
        ("Offerings", _named(entry.get("productOffering"))),
        ("Product", _named(entry.get("productSpecification"))),
        ("Parts", ", ".join(_part(each) for each in entry.get("bundledProductOffering") or [])),
        ("Price", _amount(entry)),
        ("Services", _named(entry.get("serviceSpecification") or entry.get("serviceSpecRelationship"))),
        ("Resources", _named(entry.get("resourceSpecification"))),
    ]
    return [(name, str(value)) for name, value in facts if value]


def prices_table(prices: Sequence[Document]) -> Table:
    """Return the prices of an offering, a row each."""
    table = Table("price", "costs", "where", box=None)
    for price in prices:
        table.add_row(str(price.get("name") or price["id"]), _amount(price), _applies(price))
    return table


def characteristics_of(specification: Document) -> list[tuple[Document, list[Document]]]:
    """Return the characteristics of a specification, each with its values."""
    return [
        (each, each.get(values) or [])
        for attribute, values in _CHARACTERISTICS.items()
        for each in specification.get(attribute) or []
    ]


def characteristics_table(characteristics: Sequence[tuple[Document, list[Document]]]) -> Table:
    """Return characteristics, a row each: mandatory ones with a star, defaults in brackets."""
    table = Table("characteristic", "type", "values", box=None)
    for each, values in characteristics:
        star = "*" if each.get("minCardinality") else ""
        shown = ", ".join(_value(value) for value in values) or str(each.get("regex") or "")
        table.add_row(f"{each['name']}{star}", str(each.get("valueType") or ""), Text(shown, overflow="fold"))
    return table


def _what(entry: Document) -> str:
    return str(entry.get("description") or _amount(entry) or "")


def _named(references: Any) -> str:
    """Return the ids of references, or of a single one; a text is itself."""
    if isinstance(references, str):
        return references
    given = references if isinstance(references, list) else [references] if references else []
    return ", ".join(str(each["id"]) for each in given)


def _part(part: Document) -> str:
    option = part.get("bundledProductOfferingOption") or {}
    return f"{part['id']} ({option.get('numberRelOfferLowerLimit', 0)}–{option.get('numberRelOfferUpperLimit', '∞')})"


def _amount(price: Document) -> str:
    """Return what a price says: `29.99 EUR a month`, `50 % off`; nothing where the document is none."""
    if price.get("priceType") is None:
        return ""
    money, percentage = price.get("price"), price.get("percentage")
    text = f"{_money(money['value'])} {money['unit']}" if money else f"{percentage:g} %" if percentage else ""
    if price["priceType"] == "usage" or price.get("countedCharacteristic"):
        text = f"{text} for {_unit(price)}"
    if price["priceType"] == "discount":
        return f"{text} off"
    if price["priceType"] == "usage":
        return text
    period, length = price.get("recurringChargePeriodType"), price.get("recurringChargePeriodLength", 1)
    return f"{text} a {period}" if period and length == 1 else f"{text} each {length} {period}s" if period else text


def _money(value: float) -> str:
    """Return an amount in cents, or with as many digits as it has where a unit costs less than that."""
    return f"{value:.2f}" if round(value, 2) == value else f"{value}"


def _unit(price: Document) -> str:
    """Return what a price is for one of: `1 min`, `10 GB of dataVolume above 5`."""
    quantity, counted = price.get("unitOfMeasure") or {}, price.get("countedCharacteristic") or {}
    unit = f"{quantity.get('amount', 1):g} {quantity.get('units', '')}".strip()
    above = f" above {counted['included']:g}" if counted.get("included") else ""
    return f"{unit} of {counted['name']}{above}" if counted else unit


def _applies(price: Document) -> str:
    """Return where a price applies: the values it is for, and its condition."""
    uses = [
        f"{use['name']} {' or '.join(_value(each) for each in use.get('productSpecCharacteristicValue') or [])}"
        for use in price.get("prodSpecCharValueUse") or []
    ]
    return ", ".join([*uses, *(str(each.get("description")) for each in price.get("pricingLogicAlgorithm") or [])])


def _value(value: Document) -> str:
    if "valueFrom" in value or "valueTo" in value:
        text = f"{value.get('valueFrom', '')}–{value.get('valueTo', '')}"
    else:
        text = bare(value.get("value"))
    return f"[{text}]" if value.get("isDefault") else text
