"""Which attributes a resource has, by the model that its answers are described with."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

_SHOWN = 3


class UnknownAttributeError(ValueError):
    """A path that leads to no attribute; the message names the nearest ones that there are."""


class Attributes:
    """The attributes of a resource, nested ones by their path.

    Attributes(ProductOrder).check(("productOrderItem", "product", "id"))

    Every object may have attributes that begin with `@`. Where a model leaves open what a value is, anything may be.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

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
                raise UnknownAttributeError(self._unknown(path[:position], name, known))
            types = known[name]

    def declares(self, path: Sequence[str]) -> bool:
        """Return whether the model names the attribute itself."""
        types: list[Any] = [self._model]
        for name in path:
            known = _fields(types)
            if known is None or name not in known:
                return False
            types = known[name]
        return True

    def _unknown(self, above: Sequence[str], name: str, known: Mapping[str, Any]) -> str:
        where = f"{self._model.__name__}.{'.'.join(above)}" if above else self._model.__name__
        if not known:
            return f"{where} has no attributes"
        by_lower = {each.lower(): each for each in known}
        near = difflib.get_close_matches(name.lower(), by_lower, _SHOWN, cutoff=0.5)
        shown = ", ".join(".".join((*above, by_lower[each])) for each in near)
        return f"{where} has no attribute {name}" + (f"; did you mean {shown}?" if near else "")


@lru_cache(maxsize=256)
def attributes_of(model: type[BaseModel]) -> Attributes:
    """Return the attributes of a resource."""
    return Attributes(model)


def _fields(types: Sequence[Any]) -> dict[str, list[Any]] | None:
    """Return the attributes of values of these types, with their types; None where anything may be."""
    known: dict[str, list[Any]] = {}
    for each in types:
        if each is Any or not isinstance(each, type) or issubclass(each, dict):
            return None
        if issubclass(each, BaseModel):
            for name, found in _declared(each).items():
                known.setdefault(name, []).extend(found)
    return known


@lru_cache(maxsize=1024)
def _declared(model: type[BaseModel]) -> dict[str, list[Any]]:
    fields = {field.serialization_alias or field.alias or name: field for name, field in model.model_fields.items()}
    return {name: list(_plain(field.annotation)) for name, field in fields.items()}


def _plain(annotation: Any) -> Iterator[Any]:
    """Yield the types that a value may be of, without what is around them: lists, unions, annotations."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _plain(parts[0])
    elif origin in (Union, UnionType, list, tuple, set, frozenset):
        for part in parts:
            yield from _plain(part)
    elif origin is Literal:
        yield from map(type, parts)
    elif isinstance(origin, type):
        yield origin
    else:
        yield annotation
