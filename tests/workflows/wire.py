"""What crosses the wire between releases: the types that workflows and activities name, and values of them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, get_args, get_origin

import httpx2
from pydantic import BaseModel
from temporalio import activity, workflow

from application.http import DownstreamSystem
from application.listeners import Listeners
from catalogs.model.catalog_set import CatalogSet
from store.sql.database import open_database
from tests.over_httpx import HttpxConnection
from worker import WORKFLOWS, activities_by_queue
from workflows.contracts import policies

UNKNOWN = "ofALaterRelease"
"""A field that no model of ours has."""
_PLAIN: dict[Any, Any] = {
    str: "x",
    int: 1,
    float: 1.0,
    bool: True,
    Decimal: "1",
    Any: 1,
    object: 1,
    timedelta: "PT1S",
    date: "2026-01-01",
    datetime: datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
}


def types_of_workflows() -> Iterator[tuple[str, Any]]:
    """Yield the type of each workflow's input and result, and of each of its messages and their answers."""
    for each in WORKFLOWS:
        definition = workflow._Definition.must_from_class(each)
        hints = typing.get_type_hints(definition.run_fn)
        yield from _named(f"{definition.name}.run", hints)
        for kind in ("signals", "updates", "queries"):
            for name, message in getattr(definition, kind).items():
                function = message.fn
                yield from _named(f"{definition.name} {kind}: {name}", typing.get_type_hints(function))


def types_of_activities(catalogs: CatalogSet) -> Iterator[tuple[str, Any]]:
    """Yield the type of each argument and result of each activity."""
    client = httpx2.AsyncClient()
    systems = {name: DownstreamSystem(name, HttpxConnection(client)) for name in policies.SYSTEMS}
    by_queue = activities_by_queue(
        open_database("sqlite:///nothing.db"), catalogs, systems, Listeners(client, "http://gateway")
    )
    for queue, activities in by_queue.items():
        for each in activities:
            definition = activity._Definition.must_from_callable(each)
            yield from _named(f"{queue}: {definition.name}", typing.get_type_hints(each))


def _named(of: str, hints: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, hint in hints.items():
        if hint is not types.NoneType:
            yield f"{of} ({name})", hint


def sample(hint: Any, around: tuple[type, ...] = ()) -> Any:
    """Return a value of a type as JSON has it, each field set, and each model with a field that is unknown today."""
    origin, arguments = get_origin(hint), get_args(hint)
    if isinstance(hint, typing.TypeVar):
        return sample(hint.__bound__ or Any, around)
    if origin is typing.Annotated:
        return sample(arguments[0], around)
    if origin in (types.UnionType, typing.Union):
        return next((found for each in arguments if (found := sample(each, around)) is not None), None)
    if origin is typing.Literal:
        return arguments[0].value if isinstance(arguments[0], Enum) else arguments[0]
    if origin in (list, set, frozenset):
        found = sample(arguments[0], around)
        return [] if found is None else [found]
    if origin is tuple:
        return [sample(each, around) for each in arguments if each is not ...]
    if origin is dict:
        found = sample(arguments[1], around)
        return {} if found is None else {sample(arguments[0], around): found}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint)).value
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return _model(hint, around)
    return None if hint is types.NoneType else _PLAIN[hint]


def _model(model: type[BaseModel], around: tuple[type, ...]) -> Any:
    if model in around:
        return None
    values = {UNKNOWN: {"deep": [1]}}
    for name, field in model.model_fields.items():
        found = sample(field.annotation, (*around, model))
        if found is not None or field.is_required():
            values[field.validation_alias if isinstance(field.validation_alias, str) else field.alias or name] = found
    return values


def without_unknown(value: Any) -> Any:
    """Return a value as JSON has it, without what is unknown today."""
    if isinstance(value, dict):
        return {name: without_unknown(each) for name, each in value.items() if name != UNKNOWN}
    return [without_unknown(each) for each in value] if isinstance(value, list) else value
