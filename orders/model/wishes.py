"""Wishes: what an order asks of the way in which it is carried out, where only certain values mean something.

A value that means nothing is refused: an order that was to be done whole or not at all must not be done in part.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from orders.lifecycle.states import OrderKind
from tmf.forms import WholeNumber
from tmf.model import Resource

SCHEDULING = "scheduling"
"""The attribute of an order, not of TM Forum's, that says when its parts start."""

AS_LATE_AS_POSSIBLE = "asLateAsPossible"
"""Its value for parts that start no sooner than the requested completion makes them."""

HIGHEST, LOWEST = 0, 4
"""The priorities that there are; text in product and service orders, numbers in resource orders."""

_PRIORITIES = [str(each) for each in range(HIGHEST, LOWEST + 1)]


def _truth(value: Any) -> Any:
    if value is not None and not isinstance(value, bool):
        raise ValueError("must be true or false, without quotes")
    return value


def _scheduling(value: Any) -> Any:
    if value not in (None, AS_LATE_AS_POSSIBLE):
        raise ValueError(f'must be "{AS_LATE_AS_POSSIBLE}", or left out for an order that starts as soon as it can')
    return value


def _priority(value: Any) -> Any:
    if value is not None and value not in _PRIORITIES:
        raise ValueError(f'must be a digit in quotes, from "{HIGHEST}", the highest, to "{LOWEST}"')
    return value


def _priority_number(value: Any) -> Any:
    whole = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (whole and value in range(HIGHEST, LOWEST + 1)):
        raise ValueError(f"must be a whole number, from {HIGHEST}, the highest, to {LOWEST}")
    return value


AllOrNothing = Annotated[bool | None, BeforeValidator(_truth)]
Scheduling = Annotated[
    str | None,
    BeforeValidator(_scheduling),
    WithJsonSchema({"anyOf": [{"type": "string", "enum": [AS_LATE_AS_POSSIBLE]}, {"type": "null"}]}),
]
Priority = Annotated[
    str | None,
    BeforeValidator(_priority),
    WithJsonSchema({"anyOf": [{"type": "string", "enum": _PRIORITIES}, {"type": "null"}]}),
]
PriorityNumber = Annotated[
    WholeNumber | None,
    BeforeValidator(_priority_number),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": HIGHEST, "maximum": LOWEST}, {"type": "null"}]}),
]


class Wishes(Resource):
    """What a product or service order may ask for."""

    all_or_nothing: AllOrNothing = None
    """Whether the whole order is undone when a part of it fails."""
    scheduling: Scheduling = None
    """`asLateAsPossible`: each part starts no sooner than it must for `requestedCompletionDate`."""
    priority: Priority = None
    """From `0`, the highest, to `4`."""


class ResourceOrderWishes(Resource):
    """What a resource order may ask for."""

    all_or_nothing: AllOrNothing = None
    scheduling: Scheduling = None
    priority: PriorityNumber = None


WISHES: dict[OrderKind, type[Resource]] = {
    OrderKind.PRODUCT: Wishes,
    OrderKind.SERVICE: Wishes,
    OrderKind.RESOURCE: ResourceOrderWishes,
}
