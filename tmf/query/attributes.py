"""Which attributes a resource has, by the model that its answers are described with."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo

_SHOWN = 3
_INSTANT = WithJsonSchema({"type": "string", "format": "date-time"})
"""Beside a type: its values are texts that write instants."""


class UnknownAttributeError(ValueError):
    """A path that leads to no attribute; the message names the nearest ones that there are."""


class Attributes:
    """The attributes of a resource, nested ones by their path.

    Attributes(ProductOrder).check(("productOrderItem", "product", "id"))

    Every object may have attributes that begin with `@`. Where a model leaves open what a value is, anything may be.
    """

    def __init__(self, model: type[BaseModel], levels: int | None = None) -> None:
        """`levels`: how many have no others than the model names; below, there is also what else a body may say."""
        self._model, self._levels = model, levels

    def check(self, path: Sequence[str]) -> None:
        """Let the path of an attribute pass.

        Raises:
            UnknownAttributeError: when the resource can have no such attribute.
        """
        types: list[Any] = [self._model]
        for position, name in enumerate(path):
            known = _fields(types)
            if known is None or name.startswith("@"):
                return
            if name not in known:
                if self._levels is not None and position >= self._levels and any(map(_is_open, types)):
                    return
                raise UnknownAttributeError(self._unknown(path[:position], name, known))
            types = known[name]

    def declares(self, path: Sequence[str]) -> bool:
        """Return whether the model names the attribute itself."""
        return self.types(path) is not None

    def types(self, path: Sequence[str]) -> list[Any] | None:
        """Return the types that a value at a path may be of; None where it may be anything."""
        types: list[Any] = [self._model]
        for name in path:
            known = _fields(types)
            if known is None or name not in known:
                return None
            types = known[name]
        return types

    def parts(self, path: Sequence[str]) -> list[str]:
        """Return the attributes that a value at a path has by the model."""
        types = self.types(path)
        return list((types and _fields(types)) or [])

    def is_repeated(self, path: Sequence[str]) -> bool:
        """Return whether there may be several values at a path, since it leads through a list, or anywhere."""
        types: list[Any] = [self._model]
        for name in path:
            known = _fields(types)
            if known is None or name not in known:
                return True
            if any(name in _lists(each) for each in types if isinstance(each, type) and issubclass(each, BaseModel)):
                return True
            types = known[name]
        return bool(types) and _fields(types) is None

    def _unknown(self, above: Sequence[str], name: str, known: Mapping[str, Any]) -> str:
        where = f"{self._model.__name__}.{'.'.join(above)}" if above else self._model.__name__
        if not known:
            return f"{where} has no attributes"
        by_lower = {each.lower(): each for each in known}
        near = difflib.get_close_matches(name.lower(), by_lower, _SHOWN, cutoff=0.5)
        if near:
            hint = f"; did you mean {', '.join('.'.join((*above, by_lower[each])) for each in near)}?"
        else:
            hint = f"; it has {', '.join(sorted(each for each in known if not each.startswith('@')))}"
        return f"{where} has no attribute {name}{hint}"


@lru_cache(maxsize=256)
def attributes_of(model: type[BaseModel], levels: int | None = None) -> Attributes:
    """Return the attributes of a resource."""
    return Attributes(model, levels)


def _is_open(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel) and kind.model_config.get("extra") == "allow"


def _fields(types: Sequence[Any]) -> dict[str, list[Any]] | None:
    """Return the attributes of values of these types, with their types; None where anything may be."""
    known: dict[str, list[Any]] = {}
    for each in types:
        if get_origin(each) is Literal:
            continue
        if each is Any or not isinstance(each, type) or issubclass(each, dict):
            return None
        if issubclass(each, BaseModel):
            for name, found in _declared(each).items():
                known.setdefault(name, []).extend(found)
    return known


def _named(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model by the names that they have in JSON."""
    return {field.serialization_alias or field.alias or name: field for name, field in model.model_fields.items()}


def _annotation(field: FieldInfo) -> Any:
    """Return how a field is annotated, with what pydantic has taken off."""
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


@lru_cache(maxsize=1024)
def _declared(model: type[BaseModel]) -> dict[str, list[Any]]:
    return {name: list(_plain(_annotation(field))) for name, field in _named(model).items()}


@lru_cache(maxsize=1024)
def _lists(model: type[BaseModel]) -> frozenset[str]:
    """Return the attributes that are lists, or may be anything."""
    return frozenset(name for name, field in _named(model).items() if _is_list(field.annotation))


def _is_list(annotation: Any) -> bool:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _is_list(parts[0])
    if origin in (Union, UnionType):
        return any(map(_is_list, parts))
    return annotation is Any or origin in (list, tuple, set, frozenset)


def _plain(annotation: Any) -> Iterator[Any]:
    """Yield the types that a value may be of, without what is around them: lists, unions, annotations."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from (datetime,) if _INSTANT in parts else _plain(parts[0])
    elif origin in (Union, UnionType, list, tuple, set, frozenset):
        for part in parts:
            yield from _plain(part)
    elif origin is Literal:
        yield annotation
    elif isinstance(origin, type):
        yield origin
    else:
        yield annotation
