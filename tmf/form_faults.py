"""What pydantic finds wrong with a value, in words for the person who sent it: what is allowed, and what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails, ValidationError

from tmf.words import place, shown

_KINDS = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "an object",
    "mapping": "an object",
    "model": "an object",
    "none": "null",
    "datetime": "a date and time such as 2026-12-24T09:00:00Z",
    "timezone": "a date and time such as 2026-12-24T09:00:00Z",
    "date": "a day such as 2026-12-24",
    "time": "a duration such as PT1H30M, or a number of seconds",
    "url": "an address such as https://example.com",
}
"""First word of the name of a kind of error → what the value must be."""

_BOUNDS = {
    "greater_than": ("gt", "more than {}"),
    "greater_than_equal": ("ge", "{} or more"),
    "less_than": ("lt", "less than {}"),
    "less_than_equal": ("le", "{} or less"),
    "multiple_of": ("multiple_of", "a multiple of {}"),
    "string_pattern_mismatch": ("pattern", "a text that matches {}"),
}
"""Kind of error → what of its context says the bound, and what the value must be."""


def in_words(fault: ErrorDetails) -> str:
    """Return what is wrong with a value: `must be a whole number, not "two"`."""
    said = wanted(fault)
    return said if fault["type"] in _WHOLE else f"{said}, not {shown(fault['input'])}"


def wanted(fault: ErrorDetails) -> str:
    """Return what a value must be, without the value itself: `must be a whole number`."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind in _WHOLE:
        return _WHOLE[kind](fault["input"], context)
    if kind in _BOUNDS:
        name, bound = _BOUNDS[kind]
        return f"must be {bound.format(_plain(context[name]))}"
    if kind in ("enum", "literal_error"):
        return f"must be {str(context['expected']).replace(chr(39), chr(34))}"
    if allowed := _KINDS.get(kind.partition("_")[0]):
        return f"must be {allowed}"
    said = fault["msg"]
    return f"{said[:1].lower()}{said[1:]}".replace("input should", "must")


def faults_without_values(error: ValidationError) -> str:
    """Return what is wrong with a value, and where, for logs: of the value itself only what validators of ours say."""
    return "; ".join(f"{place(each['loc'])} {wanted(each)}".strip() for each in error.errors(include_url=False))


def _plain(bound: Any) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _missing(value: Any, _context: Mapping[str, Any]) -> str:
    if not isinstance(value, dict):
        return "is missing"
    names = ", ".join(map(str, list(value)[:10])) + (", …" if len(value) > 10 else "")
    return f"is missing; there is {names}" if names else "is missing; the object is empty"


def _text_too_short(value: Any, context: Mapping[str, Any]) -> str:
    least = context["min_length"]
    return "must not be empty" if least == 1 else f"must have {least} characters at least, and has {len(value)}"


def _text_too_long(value: Any, context: Mapping[str, Any]) -> str:
    return f"may have {context['max_length']} characters, and has {len(value)}"


def _too_few(value: Any, context: Mapping[str, Any]) -> str:
    if isinstance(value, str):
        return _text_too_short(value, context)
    least, count = context["min_length"], context["actual_length"]
    return "must not be empty" if least == 1 else f"must have {least} entries at least, and has {count}"


def _too_many(_value: Any, context: Mapping[str, Any]) -> str:
    return f"may have {context['max_length']} at most, and has {context['actual_length']}"


_WHOLE: dict[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "missing": _missing,
    "string_too_short": _text_too_short,
    "string_too_long": _text_too_long,
    "too_short": _too_few,
    "too_long": _too_many,
    "value_error": lambda _value, context: str(context["error"]),
    "extra_forbidden": lambda _value, _context: "is not known here",
    "frozen_field": lambda _value, _context: "cannot be changed",
}
"""Kind of error → the whole sentence, which says of the value what is to be said."""
