"""Characteristics: defaults, and values brought to the type that their specification says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catalogs.model.entities import (
    CharacteristicSpecification,
    CharacteristicValue,
    ProductOffering,
    ProductSpecification,
    ValueType,
)
from catalogs.model.expressions import compiled


def of_offering(
    specification: ProductSpecification | None, offering: ProductOffering | None
) -> list[CharacteristicSpecification]:
    """Return the characteristics of a specification as an offering narrows them."""
    if specification is None:
        return []
    uses = {use.name: use for use in offering.prod_spec_char_value_use} if offering else {}
    narrowed: list[CharacteristicSpecification] = []
    for characteristic in specification.characteristics:
        use = uses.get(characteristic.name)
        if use is None:
            narrowed.append(characteristic)
            continue
        given = {
            "min_cardinality": use.min_cardinality,
            "max_cardinality": use.max_cardinality,
            "values": use.values or None,
        }
        changes = {name: each for name, each in given.items() if each is not None}
        narrowed.append(characteristic.model_copy(update=changes))
    return narrowed


def default_of(characteristic: CharacteristicSpecification) -> Any:
    """Return the default value: the one marked so, or the only one there is; else None."""
    for value in characteristic.values:
        if value.is_default:
            return value.value
    only = characteristic.values[0] if len(characteristic.values) == 1 and characteristic.min_cardinality else None
    return only.value if only else None


def with_defaults(specifications: Sequence[CharacteristicSpecification], *given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all characteristics: defaults, overlaid by each of `given`; those without a value are None.

    None in an overlay takes away what those before it give: its characteristic has its default again, if there is one.
    """
    defaults: dict[str, Any] = {each.name: default_of(each) for each in specifications}
    values = dict(defaults)
    for overlay in given:
        values |= {name: defaults.get(name) if value is None else value for name, value in overlay.items()}
    for each in specifications:
        values[each.name] = in_type(values[each.name], each.value_type)
    return values


def in_type(value: Any, value_type: ValueType) -> Any:
    """Return the value in the type of its characteristic where JSON left it open: 250.0 for 250, 3 for 3.0."""
    if isinstance(value, bool):
        return value
    if value_type is ValueType.INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)
    if value_type is ValueType.NUMBER and isinstance(value, int):
        return float(value)
    return value


def matches(value: Any, allowed: CharacteristicValue) -> bool:
    """Return whether a value is the one allowed, or within the range allowed."""
    if allowed.value_from is None and allowed.value_to is None:
        return bool(value == allowed.value) and isinstance(value, bool) == isinstance(allowed.value, bool)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low = allowed.value_from if allowed.value_from is not None else float("-inf")
    high = allowed.value_to if allowed.value_to is not None else float("inf")
    above = value >= low if allowed.range_interval in ("closed", "closedBottom") else value > low
    below = value <= high if allowed.range_interval in ("closed", "closedTop") else value < high
    return above and below


_TYPES: dict[ValueType, tuple[type, ...]] = {
    ValueType.STRING: (str,),
    ValueType.INTEGER: (int,),
    ValueType.NUMBER: (int, float),
    ValueType.BOOLEAN: (bool,),
    ValueType.OBJECT: (dict,),
    ValueType.ARRAY: (list,),
}


def is_of_type(value: Any, value_type: ValueType) -> bool:
    """Return whether a JSON value is of a characteristic's type; a truth value is no number."""
    if isinstance(value, bool):
        return value_type is ValueType.BOOLEAN
    return isinstance(value, _TYPES[value_type])


def fits_pattern(text: str, pattern: str) -> bool:
    """Return whether all of a text fits a pattern, in time that grows with its length alone.

    Raises:
        ExpressionError: when the pattern is none.
    """
    fits = compiled("text.matches(pattern)").evaluate({"text": text, "pattern": f"^(?:{pattern})$"})
    return bool(fits)
