"""JSON bodies: read so that every store and reader can hold them, and what keeps one from being what it must be."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from tmf.form_faults import in_words
from tmf.words import place

Document = dict[str, Any]

MAX_DEPTH = 100
"""Levels of arrays and objects that a body may nest: far more than any order, far less than any reader's stack."""

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""A character that no database can hold."""

_MAX_FAULTS = 100
_CONTAINERS = (dict, list)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a body, and where: a path such as `productOrderItem[0].action`, empty for the whole body."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidBodyError(ValueError):
    """A body that is not what it must be; `faults` has each thing that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        shown = "; ".join(str(fault) for fault in faults[:_MAX_FAULTS])
        more = len(faults) - _MAX_FAULTS
        super().__init__(f"{shown}; and {more} more" if more > 0 else shown)
        self.faults = faults


def parse_json(raw: bytes) -> Any:
    """Read `raw` as JSON (RFC 8259, UTF-8, with a byte order mark or without) that every store and reader can hold.

    Raises:
        InvalidBodyError: when it is not JSON, nests too deeply, or has characters or numbers that cannot be kept.
    """
    try:
        value = from_json(raw.removeprefix(codecs.BOM_UTF8), allow_inf_nan=False)
    except ValueError as error:
        raise InvalidBodyError([Fault("", _unreadable(raw, error))]) from error
    if faults := list(_unstorable(value)):
        raise InvalidBodyError(faults)
    return value


def _unreadable(raw: bytes, error: ValueError) -> str:
    """Return why a body is not JSON, in words."""
    if not raw.strip():
        return "the body is empty: send JSON"
    try:
        raw.decode()
    except UnicodeDecodeError as wrong:
        return f"the body is not in UTF-8: byte {wrong.start + 1} of it is {raw[wrong.start]:#04x}"
    return f"the body is not valid JSON: {error}"


def faults_of(model: type[BaseModel], document: Any, written: bytes | None = None) -> Iterator[Fault]:
    """Yield what keeps a JSON value from being a `model`; `written`: the value as JSON, where that is at hand."""
    try:
        # JSON mode is strict where Python mode could not be: "add" is an action there, "1" is no number.
        model.model_validate_json(to_json(document) if written is None else written, strict=True)
    except ValidationError as error:
        yield from faults_in(error, document)


def faults_in(error: ValidationError, document: Any) -> Iterator[Fault]:
    """Yield what pydantic found wrong with a JSON value, each where it is in the value."""
    for detail in error.errors(include_url=False):
        steps = _steps(document, detail["loc"])
        missing = detail["loc"][-1:] if detail["type"] == "missing" else ()
        yield Fault(place((*steps, *missing)), in_words(detail))


def _steps(document: Any, location: tuple[int | str, ...]) -> Iterator[int | str]:
    """Yield the steps of a location that lead through a document; others name the types that a value may be of."""
    node = document
    for step in location:
        is_there = step in node if isinstance(node, dict) else isinstance(node, list) and isinstance(step, int)
        if is_there:
            node = node[step]
            yield step


def is_storable(text: str) -> bool:
    """Return whether every database can hold `text`: PostgreSQL refuses NUL, and none has half surrogate pairs."""
    return not UNSTORABLE.search(text)


def _unstorable(body: Any) -> Iterator[Fault]:
    """Yield what is JSON but cannot be kept: the NUL character, numbers beyond a double, endless nesting."""
    queue: list[tuple[Any, tuple[int | str, ...]]] = [(body, ())]
    while queue:
        value, location = queue.pop()
        if isinstance(value, _CONTAINERS):
            if len(location) >= MAX_DEPTH:
                yield Fault("", f"the body nests deeper than {MAX_DEPTH} levels")
                return
            for name, each in value.items() if isinstance(value, dict) else enumerate(value):
                if isinstance(name, str) and "\0" in name:
                    yield Fault(place(location), "the NUL character is not allowed in an attribute's name")
                # What has no parts waits only if there is something wrong with it: most of a body is such values.
                if isinstance(each, _CONTAINERS) or _unstorable_scalar(each):
                    queue.append((each, (*location, name)))
        elif told := _unstorable_scalar(value):
            yield Fault(place(location), told)


def _unstorable_scalar(value: Any) -> str | None:
    """Return what keeps a JSON value without parts from being kept, in words."""
    if isinstance(value, str):
        return "the NUL character is not allowed" if "\0" in value else None
    if isinstance(value, int | float) and not _is_double(value):
        return "the number is out of range"
    return None


def _is_double(number: float) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False
