"""Which values a filter may name: those that its attribute can have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from tmf.query.attributes import Attributes
from tmf.query.values import written_instant, written_number
from tmf.words import shown

_TRUTH = ("true", "false")
_BY_ORDER = frozenset({"gt", "gte", "lt", "lte"})


def check_value(attributes: Attributes, path: Sequence[str], operator: str, value: str) -> str | None:
    """Return what is wrong with comparing an attribute with a value, in words; None where it may match something."""
    types = [each for each in attributes.types(path) or [] if each is not type(None)]
    if not types:
        return None
    if all(isinstance(each, type) and issubclass(each, BaseModel) for each in types):
        return f"is an object, and has no value of its own: name one of its attributes{_example(attributes, path)}"
    faults = [_fault(each, operator, value) for each in types]
    if None in faults:
        return None
    return " or ".join(dict.fromkeys(fault for fault in faults if fault))


def _fault(kind: Any, operator: str, value: str) -> str | None:
    """Return why no value of a type can match; None where one can."""
    if words := list(_words(kind)):
        return _fault_of_word(words, operator, value)
    if not isinstance(kind, type):
        return None
    if issubclass(kind, bool):
        return _fault_of_truth(operator, value)
    if issubclass(kind, int | float):
        return _fault_of_number(operator, value)
    if issubclass(kind, date):
        return _fault_of_date(operator, value)
    return "it is an object, and has no value of its own" if issubclass(kind, BaseModel) else None


def _fault_of_word(words: Sequence[str], operator: str, value: str) -> str | None:
    if operator == "regex" or value in words:
        return None
    return f"{shown(value)} is not one of {', '.join(words)}"


def _fault_of_truth(operator: str, value: str) -> str | None:
    if operator == "regex" or operator in _BY_ORDER:
        return f"is true or false: only .eq and .ne compare with it, not .{operator}"
    return None if value in _TRUTH else f"{shown(value)} is neither true nor false"


def _fault_of_number(operator: str, value: str) -> str | None:
    if operator == "regex":
        return "is a number: a pattern is for text; compare with .gte and .lte"
    return None if written_number(value) is not None else f"{shown(value)} is no number, such as 2 or 0.5"


def _fault_of_date(operator: str, value: str) -> str | None:
    if operator == "regex" or written_instant(value) is not None:
        return None
    return f"{shown(value)} is no date, such as 2026-11-23 or 2026-11-23T09:00:00Z (in an address a + is written %2B)"


def _words(kind: Any) -> Iterable[str]:
    if get_origin(kind) is Literal:
        return [str(each) for each in get_args(kind) if each is not None]
    return [str(each.value) for each in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []


def _example(attributes: Attributes, path: Sequence[str]) -> str:
    names = attributes.parts(path)
    return f", such as {'.'.join((*path, names[0]))}" if names else ""
