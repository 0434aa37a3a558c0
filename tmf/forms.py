"""The one form in which a document is kept, where JSON says the same in several: dates and whole numbers.

What is kept of an attribute follows from its type in the models of the standards, not from its name; attributes
that no model has stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator

from tmf.words import shown

Writer = Callable[[Any], Any]
"""Returns a JSON value in the form in which it is kept."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """Beside a type: how its values are kept, as JSON."""

    form: Writer


def whole(value: Any) -> Any:
    """Return a number without a fraction as an integer: to JSON 1 and 1.0 are the same."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read_whole(value: Any) -> Any:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"must be a whole number, not {shown(value)}")
    return whole(value)


WholeNumber = Annotated[int, BeforeValidator(_read_whole), Kept(whole)]
"""An integer, which JSON may write with a fraction of zero."""


def in_kept_form(model: type[BaseModel], document: T) -> T:
    """Return a document in the form in which it is kept; what is not as the `model` has it stays as it is."""
    kept: T = _of_model(model)(document)
    return kept


@cache
def _of_model(model: type[BaseModel]) -> Writer:
    writers: dict[str, Writer] | None = None

    def write(value: Any) -> Any:
        nonlocal writers
        if not isinstance(value, dict):
            return value
        if writers is None:
            # Not before it is needed: a model may hold its own kind.
            writers = _of_fields(model)
        return {name: writers[name](each) if name in writers else each for name, each in value.items()}

    return write


def _of_fields(model: type[BaseModel]) -> dict[str, Writer]:
    found = {}
    for name, field in model.model_fields.items():
        own = [each.form for each in field.metadata if isinstance(each, Kept)]
        if writer := own[0] if own else _of_type(field.annotation):
            found[field.alias or name] = writer
    return found


def _of_type(kind: Any) -> Writer | None:
    """Return how values of a type are written; None where they stay as they are."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _of_model(kind)
    arguments = get_args(kind)
    if get_origin(kind) is Annotated:
        own = [each.form for each in arguments[1:] if isinstance(each, Kept)]
        return own[0] if own else _of_type(arguments[0])
    writers = [writer for each in arguments if (writer := _of_type(each))]
    if not writers or get_origin(kind) not in (list, Union, UnionType):
        return None
    # Of a union each writer leaves alone what is not of its type.
    return _of_each(writers[0]) if get_origin(kind) is list else _one_after_another(writers)


def _of_each(writer: Writer) -> Writer:
    return lambda value: [writer(each) for each in value] if isinstance(value, list) else value


def _one_after_another(writers: list[Writer]) -> Writer:
    def write(value: Any) -> Any:
        for writer in writers:
            value = writer(value)
        return value

    return write if len(writers) > 1 else writers[0]
