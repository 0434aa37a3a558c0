"""Which attributes a resource has by its model, and what they can hold."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from systems.common.tmf import Moment


class UnknownAttributeError(ValueError):
    """A path that leads to no attribute; the message says which there are."""


def attributes(model: type[BaseModel]) -> frozenset[str]:
    """The first-level attributes that ``model`` knows, as they are written."""
    return frozenset(_fields(model))


def is_text(model: type[BaseModel], steps: Sequence[str]) -> bool:
    """Whether what ``model`` has behind these attributes, one in the other, is one text where it is there at all.

    A date is none: it may be written in several ways.
    """
    try:
        kinds = kinds_at(model, steps)
    except UnknownAttributeError:
        return False
    texts = bool(kinds) and all(kind is str or get_origin(kind) is Literal for kind in kinds)
    return texts and not is_repeated(model, steps) and not steps[-1].endswith("Date")


def kinds_at(model: type[BaseModel], steps: Sequence[str], levels: int = 1) -> list[Any]:
    """The types that a value behind these attributes may be of, a date as ``datetime``; none where it may be anything.

    Lists on the way are searched through. On the first ``levels`` there is what the models know, below also what else a
    body may say. Raises UnknownAttributeError.
    """
    kinds: list[Any] = [model]
    for level, step in enumerate(steps):
        if not kinds:
            return []
        models = [kind for kind in kinds if _is_model(kind)]
        known = {name: annotation for each in models for name, annotation in _fields(each).items()}
        if step not in known:
            if (
                step.startswith("@")
                or dict in kinds
                or (level >= levels and any(each.model_config.get("extra") == "allow" for each in models))
            ):
                return []
            raise UnknownAttributeError(_unknown(steps[:level], step, sorted(known)))
        kinds = list(_kinds(known[step]))
    return kinds


def is_repeated(model: type[BaseModel], steps: Sequence[str]) -> bool:
    """Whether there may be several values behind these attributes: one on the way is a list, or may be anything."""
    kinds: list[Any] = [model]
    for step in steps:
        known = {name: annotation for each in kinds if _is_model(each) for name, annotation in _fields(each).items()}
        if step not in known or any(get_origin(option) is list for option in _options(known[step])):
            return True
        kinds = list(_kinds(known[step]))
    return not kinds


def _unknown(above: Sequence[str], step: str, known: Sequence[str]) -> str:
    where = ".".join(above)
    if not known:
        return f"{where} has no attributes, and no {step}"
    names = ", ".join(name for name in known if not name.startswith("@"))
    return f"{f'{where} has ' if where else 'there is '}no attribute {step}; there is {names}"


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {
        field.serialization_alias or field.alias or name: _whole(field) for name, field in model.model_fields.items()
    }


def _whole(field: Any) -> Any:
    """A field's annotation; of a date pydantic keeps apart what makes it one."""
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _options(annotation: Any) -> Iterator[Any]:
    """The types of an annotation, without None and what is around them."""
    origin = get_origin(annotation)
    if annotation == Moment:
        yield datetime
    elif origin is Annotated:
        yield from _options(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for option in get_args(annotation):
            yield from _options(option)
    elif annotation not in (None, type(None)):
        yield annotation


def _kinds(annotation: Any) -> Iterator[Any]:
    """The same, with lists taken apart; none at all where anything may be."""
    for option in _options(annotation):
        origin = get_origin(option)
        if origin is list:
            yield from _kinds(get_args(option)[0])
        elif origin is dict:
            yield dict
        elif option is not Any:
            yield option
