"""What a posted order of services or resources shows, against what the systems hold: read from documents alone.

What an item adds is the order's customer's, where the item says; it has the characteristics that the item gives, over
its specification's defaults. What it changes stays whose and where it is unless the item says where else, and keeps the
characteristics that the item does not name. A value of null takes away: there is the default again, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.agreement import HeldService, customers_in, differences, own_place, walk
from tmf.bodies import Document

ABOUT = {"serviceOrderItem": "service", "orderItem": "resource"}


@dataclass(frozen=True)
class HeldResource(HeldService):
    """A resource in use as inventory has it."""

    pool: str | None = None
    value: str | None = None
    criteria: Document = field(default_factory=dict)
    """The attributes by which it was chosen among those of its pool."""


Held = HeldService | HeldResource
Single = Mapping[str, Held]
"""The services, or the resources, in use, by id."""

Choices = Callable[[str], Document]
"""Specification → the characteristics that an order may choose, each with its default, or None."""


def item_key(order: Document) -> str:
    """Return the attribute that has the items of an order."""
    return next(each for each in ABOUT if each in order)


def single_disagreements(
    order: Document, realised: Mapping[str, str], before: Single, after: Single, choices: Choices
) -> list[str]:
    """Return every point, in words, in which what is held after an order is not what the order shows.

    Args:
        realised: item → what it came to have realised, by id.
    """
    items = dict(walk(order[item_key(order)], item_key(order)))
    about = ABOUT[item_key(order)]
    customer = next(iter(customers_in(order)), None)
    left = dict(before)
    found: list[str] = []
    for key, item in items.items():
        thing = {"resourceSpecification": item.get("resourceSpecification")} | item[about]
        there = left.pop(thing.get("id") or "", None)
        held = after.get(realised.get(key) or thing.get("id") or "")
        match item["action"]:
            case "delete":
                faults = differences("what was to go", None, held)
            case "noChange":
                faults = differences("what was to stay", there, held)
            case _:
                faults = _faults(thing, there, held, customer, choices)
        found += [f"item {key}: {each}" for each in faults]
    for key, kept in left.items():
        found += differences(f"{key}, which no item names", kept, after.get(key))
    made = {realised.get(key) for key, item in items.items() if item["action"] in ("add", "modify")}
    return [*found, *(f"{key} is there, and nobody ordered it" for key in after.keys() - before.keys() - made)]


def _faults(
    thing: Document, there: Held | None, held: Held | None, customer: str | None, choices: Choices
) -> Iterator[str]:
    """Yield in what a service or resource that is added or modified is not as its item shows it."""
    if held is None:
        yield "nothing is there"
        return
    place = own_place(thing) or (there and there.place)
    specification = there.specification if there else _specification(thing)
    said = _said(thing)
    usual = choices(specification or "")
    kept = there.characteristics if there else {}
    wanted = {
        name: default if name in said and said[name] is None else said.get(name, kept.get(name, default))
        for name, default in usual.items()
    }
    yield from differences("specification", specification, held.specification)
    yield from differences("place", place, held.place)
    yield from differences(
        "characteristics",
        {name: value for name, value in wanted.items() if value is not None},
        {name: value for name, value in held.characteristics.items() if name in usual},
    )
    if isinstance(held, HeldResource):
        others = {name: value for name, value in said.items() if name not in usual and value is not None}
        yield from _faults_of_member(thing, there, held, others)
    else:
        yield from differences("customer", there.customer if there else customer, held.customer)


def _faults_of_member(thing: Document, there: Held | None, held: HeldResource, criteria: Document) -> Iterator[str]:
    """Yield in what a resource is not the member of its pool that the item, or what was there, says."""
    if isinstance(there, HeldResource) and there.place == held.place:
        yield from differences("member", (there.id, there.value, there.pool), (held.id, held.value, held.pool))
    else:
        yield from differences("criteria", criteria, held.criteria)
    # What an item says of the member that it moves is of the old one.
    meant = there if isinstance(there, HeldResource) else held
    for name, shown, value in (("value", thing.get("value"), meant.value), ("pool", thing.get("category"), meant.pool)):
        if shown:
            yield from differences(name, shown, value)


def _specification(thing: Document) -> str:
    return str((thing.get("serviceSpecification") or thing["resourceSpecification"])["id"])


def _said(thing: Document) -> Document:
    given = thing.get("serviceCharacteristic") or thing.get("resourceCharacteristic") or []
    return {each["name"]: each.get("value") for each in given}
