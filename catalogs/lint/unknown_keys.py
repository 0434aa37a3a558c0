"""Keys that nobody reads: a fault in our own blocks; in a TM Forum shape a warning, or a fault where it is a slip."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from catalogs.model.entries import Entries
from catalogs.model.faults import Fault, did_you_mean
from catalogs.model.sources import Source, plain

OTHER_TMF_ATTRIBUTES = frozenset(
    {
        "agreement",
        "attachment",
        "brand",
        "catalogType",
        "category",
        "channel",
        "charSpecRelationship",
        "constraint",
        "entitySpecRelationship",
        "extensible",
        "featureSpecification",
        "href",
        "isUnique",
        "marketSegment",
        "place",
        "pricingLogicAlgorithm",
        "productNumber",
        "productOffering",
        "productOfferingTerm",
        "bundledProductSpecification",
        "productSpecCharRelationship",
        "relatedParty",
        "resourceCandidate",
        "resourceSpecCharRelationship",
        "resourceSpecRelationship",
        "resourceSpecification",
        "role",
        "serviceCandidate",
        "serviceLevelAgreement",
        "serviceLevelSpecification",
        "serviceSpecRelationship",
        "serviceSpecification",
        "model",
        "part",
        "sku",
        "vendor",
        "lastUpdate",
        "lifecycleStatus",
        "statusReason",
        "subCategory",
        "targetEntitySchema",
        "targetProductSchema",
        "targetResourceSchema",
        "taxAmount",
        "productSpecification",
        "id",
        "name",
        "description",
        "isBundle",
        "validFor",
        "valueType",
        "regex",
        "maxCardinality",
        "minCardinality",
        "version",
    }
)
"""Attributes that TMF620, TMF633 and TMF634 have and nothing here reads; they are like some that are read."""

_SLIP = 0.8

Check = Callable[[type[BaseModel], Any, Source], Iterator[Fault]]


_INSTEAD = {
    "characteristics": "productSpecCharacteristic, specCharacteristic or resourceSpecCharacteristic",
    "values": "productSpecCharacteristicValue, characteristicValueSpecification or resourceSpecCharacteristicValue",
    "mandatory": "minCardinality: 1",
    "required": "minCardinality: 1",
    "default": "isDefault: true at one of the values",
    "defaultValue": "isDefault: true at one of the values",
    "enum": "a list of values",
    "min": "a value with valueFrom",
    "max": "a value with valueTo",
    "type": "valueType, priceType or @type",
    "prices": "productOfferingPrice",
    "requires": "productOfferingRelationship with relationshipType: requires",
    "excludes": "productOfferingRelationship with relationshipType: excludes",
    "bundles": "isBundle and bundledProductOffering",
    "status": "lifecycleStatus",
    "currency": "unit of price",
    "period": "recurringChargePeriodType",
    "discount": "popRelationship, which leads to a price with priceType: discount",
    "condition": "when",
    "if": "when",
}
"""What those who do not know the standards write, and what they mean."""


def unread_keys(entries: Entries) -> Iterator[Fault]:
    """Yield a warning for every key that neither anything here reads nor the standards have."""
    for section in vars(entries).values():
        for sourced in section:
            yield from _unread(section.model, plain(sourced.source.node), sourced.source)


def _unread(model: type[BaseModel], data: Any, source: Source) -> Iterator[Fault]:
    if not isinstance(data, dict) or model.model_config.get("extra") == "forbid":
        return
    fields = {_name(name, field): field for name, field in model.model_fields.items()}
    for key, value in data.items():
        if key in fields:
            yield from _nested(fields[key].annotation, value, source.at(key), _unread)
        elif key not in OTHER_TMF_ATTRIBUTES and not key.startswith(("@", "x-")):
            meant = f"; for {key!r} write {_INSTEAD[key]}" if key in _INSTEAD else ""
            yield source.fault([key], f"nothing reads {key!r}, nor has the standard such an attribute{meant}")


def unknown_keys(model: type[BaseModel], data: Any, source: Source) -> Iterator[Fault]:
    """Yield a fault for every key of `data`, nested ones too, that `model` should not have."""
    if not isinstance(data, dict):
        return
    fields = {_name(name, field): field for name, field in model.model_fields.items()}
    for key, value in data.items():
        if key in fields:
            yield from _nested(fields[key].annotation, value, source.at(key), unknown_keys)
        elif model.model_config.get("extra") == "forbid":
            yield source.fault([key], f"unknown key {key!r}{did_you_mean(key, fields) or _list(fields)}")
        elif key not in OTHER_TMF_ATTRIBUTES and difflib.get_close_matches(key, fields, n=1, cutoff=_SLIP):
            yield source.fault([key], f"unknown key {key!r}{did_you_mean(key, fields)}")


def _nested(annotation: Any, value: Any, source: Source, check: Check) -> Iterator[Fault]:
    model, many = _model_in(annotation)
    if model is None:
        return
    if many and isinstance(value, list):
        for index, each in enumerate(value):
            yield from check(model, each, source.at(index))
    elif not many:
        yield from check(model, value, source)


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the model that an annotation is made of, and whether it is a list of them."""
    origin = get_origin(annotation)
    if origin in (Annotated, Union, UnionType):
        return next((found for each in get_args(annotation) if (found := _model_in(each))[0]), (None, False))
    if origin is list:
        return _model_in(get_args(annotation)[0])[0], True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    return None, False


def _name(name: str, field: FieldInfo) -> str:
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return field.alias or name


def _list(fields: dict[str, FieldInfo]) -> str:
    return f"; known are {', '.join(fields)}"
