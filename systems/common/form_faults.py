"""What is wrong with the form of a body, in words for the person who sent it: where, what is allowed, what was sent."""

from collections.abc import Mapping
from typing import Any

from systems.common.words import place, shown

_KINDS = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
}
"""First word of the name of a kind of error → what the value must be."""

_BOUNDS = {
    "greater_than": ("gt", "more than {}"),
    "greater_than_equal": ("ge", "{} or more"),
    "less_than": ("lt", "less than {}"),
    "less_than_equal": ("le", "{} or less"),
    "string_too_short": ("min_length", "a text of {} or more characters"),
    "string_too_long": ("max_length", "a text of {} characters at most"),
    "string_pattern_mismatch": ("pattern", "a text that matches {}"),
    "too_short": ("min_length", "a list of {} or more"),
    "too_long": ("max_length", "a list of {} at most"),
}
"""Kind of error → what of its context says the bound, and what the value must be."""


def in_words(fault: Mapping[str, Any]) -> str:
    """One of pydantic's faults: ``quantity: must be a whole number, not "two"``."""
    # FastAPI says where a value stood in the request before it says where it stood in the body.
    path = fault["loc"][1:] if fault["loc"][:1] == ("body",) else fault["loc"]
    return (
        "the body is not JSON" if fault["type"] == "json_invalid" else f"{place(path) or 'the body'}: {_wrong(fault)}"
    )


def _wrong(fault: Mapping[str, Any]) -> str:
    kind, value, context = fault["type"], fault["input"], fault.get("ctx", {})
    if kind == "missing":
        return f"is missing{_beside(value)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return "is not known here"
    if kind == "literal_error":
        allowed = str(context["expected"]).replace("'", '"')
    elif kind in _BOUNDS:
        name, bound = _BOUNDS[kind]
        allowed = bound.format(context[name])
    else:
        allowed = _KINDS[kind.partition("_")[0]]
    return f"must be {allowed}, not {shown(value)}"


def _beside(value: Any) -> str:
    """What there is where something is missing."""
    if not isinstance(value, Mapping):
        return ""
    names = ", ".join(list(value)[:10]) + (", …" if len(value) > 10 else "")
    return f"; there is {names}" if names else "; the object is empty"
