"""Filters that could match nothing, by what the model of a resource says that its attributes hold."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from systems.common.attributes import UnknownAttributeError, is_repeated, kinds_at
from systems.common.errors import Refusal
from systems.common.queries import NUMBER, OPERATORS, Condition, Filter
from tmf.instants import read_day_or_instant
from tmf.words import shown

_BY_ORDER = frozenset({"gt", "gte", "lt", "lte"})


def check_filters(conditions: Sequence[Condition], model: type[BaseModel], levels: int = 1) -> None:
    """Let filters pass that could match something.

    Raises Refusal 400 that names a filter, its value, and what is allowed: for an attribute that there is not (on the
    first ``levels``), for a value that its attribute cannot have, and for one value that is asked to be two.
    """
    asked: dict[str, Filter] = {}
    for condition in conditions:
        for each in condition.filters:
            _check(each, model, levels)
        if isinstance(condition, Filter) and condition.comparison == "eq":
            before = asked.setdefault(condition.path, condition)
            apart = not any(before.has(value) for value in condition.values)
            if apart and not is_repeated(model, condition.path.split(".")):
                either = f"{condition.path}={','.join([before.values[0], condition.values[0]])}"
                reason = f"{condition.path}: has one value, and is asked for two: for either write {either}"
                raise Refusal(400, "invalidQuery", reason)


def _check(wanted: Filter, model: type[BaseModel], levels: int) -> None:
    steps = wanted.path.split(".")
    try:
        kinds = kinds_at(model, steps, levels)
    except UnknownAttributeError as error:
        operators = f"; operators are {', '.join(OPERATORS)}" if len(steps) > 1 else ""
        raise Refusal(400, "unknownAttribute", f"{wanted.path}: {error}{operators}") from None
    if steps[-1].endswith("Date"):
        kinds = [datetime]
    for value in wanted.meant:
        faults = [_fault(kind, wanted.comparison, value) for kind in kinds]
        if faults and all(faults):
            raise Refusal(400, "invalidQuery", f"{wanted.written}: {faults[0]}")


def _fault(kind: Any, comparison: str, value: str) -> str | None:
    """Why nothing of this kind compares so with the value; None where something may."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "is an object, and has no value of its own: name one of its attributes"
    if get_origin(kind) is Literal:
        words = get_args(kind)
        return None if comparison == "regex" or value in words else f"{shown(value)} is not one of {', '.join(words)}"
    if kind is bool:
        if comparison == "regex" or comparison in _BY_ORDER:
            return f"is true or false: only .eq and .ne compare with it, not .{comparison}"
        return None if value in ("true", "false") else f"{shown(value)} is neither true nor false"
    if kind in (int, float):
        if comparison == "regex":
            return "is a number: a pattern is for text; compare with .gte and .lte"
        return None if re.fullmatch(NUMBER, value) else f"{shown(value)} is no number, such as 2 or 0.5"
    return _fault_of_date(value) if kind is datetime and comparison != "regex" else None


def _fault_of_date(value: str) -> str | None:
    try:
        read_day_or_instant(value)
    except ValueError:
        example = "2026-11-23 or 2026-11-23T09:00:00Z (in an address a + is written %2B)"
        return f"{shown(value)} is no date, such as {example}"
    return None
