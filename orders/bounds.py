"""Bounds of an order: what it asks for, what it comes down to, and what it hands on.

Temporal takes 2 MB at once, and planning takes time and memory with every part; so all of it has an end, which is told
before anything is worked out. What is only kept is bounded by the length of each text, and by the size of the request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

LONGEST_ID = 1000
"""Characters of an id."""

LARGEST_VALUES = 64 * 1024
"""Bytes of JSON that the characteristics of one product, service or resource take."""

LARGEST_ITEM_IDS = 512 * 1024
"""Bytes of JSON that the ids of all items together take: they go through Temporal with every plan."""

Location = tuple[int | str, ...]


@dataclass(frozen=True)
class OrderLimits:
    """How much one order may ask for; each is a setting."""

    items: int = 6000
    """Items, nested ones counted."""
    depth: int = 20
    """Levels of items that are parts of each other."""
    quantity: int = 1000
    """Products that one item orders by its quantity."""
    instances: int = 6000
    """Products that all items together order by their quantities."""
    text: int = 10_000
    """Characters of a text, wherever it stands but in characteristics, which have a bound of their own."""
    parts: int = 80_000
    """Products, services and resources that it comes down to."""
    nodes: int = 20_000
    """Parts that one workflow of it runs: it carries what it knows of each into every new run."""


def crowded(body: Any, name: str, limits: OrderLimits) -> Iterator[tuple[Location, str]]:
    """Yield where a JSON body has too many items under `name`, too large quantities, or nests too deeply, and why."""
    items = instances = ids = 0
    queue: list[tuple[dict[str, Any], Location]] = [(body, ())]
    while queue:
        around, location = queue.pop()
        nested = around.get(name)
        depth = len(location) // 2 + 1
        if nested and depth > limits.depth:
            yield (*location, name), f"is nested {depth} levels deep; at most {limits.depth}"
            return
        for index, item in enumerate(nested if isinstance(nested, list) else ()):
            items += 1
            if not isinstance(item, dict):
                continue
            here = (*location, name, index)
            quantity = _quantity(item)
            instances += quantity
            ids += len(to_json(item.get("id"))) if isinstance(item.get("id"), str) else 0
            if quantity > limits.quantity:
                yield (*here, "quantity"), f"is {quantity}; at most {limits.quantity} of one product in one item"
            queue.append((item, here))
    if items > limits.items:
        yield (name,), f"has {items} items, nested ones counted; at most {limits.items}: make it several orders"
    elif ids > LARGEST_ITEM_IDS:
        yield (name,), f"has item ids of {ids} bytes of JSON; at most {LARGEST_ITEM_IDS} together: shorten them"
    elif instances > limits.instances:
        told = f"orders {instances} products by the quantities of its items; at most {limits.instances}"
        yield (name,), f"{told}: make it several orders"


def composed(items: Any, name: str, limits: OrderLimits) -> Iterator[tuple[Location, str]]:
    """Yield that the products of a list of items have too many parts, each an item of its own, or too deep ones."""
    parts = 0
    whole = [each["product"] for each in items if isinstance(each, dict) and isinstance(each.get("product"), dict)]
    depth = 1
    while whole:
        within = [each["product"] for each in whole if isinstance(each.get("product"), list)]
        whole = [part for each in within for part in each if isinstance(part, dict)]
        parts += len(whole)
        depth += bool(whole)
    if parts and parts + len(items) > limits.items:
        yield (name,), f"has {parts + len(items)} items and parts of their products; at most {limits.items}"
    elif depth > limits.depth:
        yield (name,), f"has products in {depth} levels, one in the other; at most {limits.depth}"


def oversized(body: Any, limits: OrderLimits) -> Iterator[tuple[Location, str]]:
    """Yield where a JSON body has too long an id or text, or too large characteristics, and what is allowed."""
    queue: list[tuple[Any, Location, bool]] = [(body, (), False)]
    while queue:
        value, location, in_values = queue.pop()
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(each, str):
                most = LONGEST_ID if name == "id" else limits.text
                if len(each) > most and (name == "id" or not in_values):
                    yield (*location, name), f"has {len(each)} characters; at most {most}"
            elif isinstance(each, dict | list):
                are_values = isinstance(name, str) and name.endswith("haracteristic") and isinstance(each, list)
                if are_values:
                    yield from _too_large(each, (*location, name))
                queue.append((each, (*location, name), in_values or are_values))


def _quantity(item: dict[str, Any]) -> int:
    quantity = item.get("quantity")
    return int(quantity) if isinstance(quantity, int | float) and quantity > 1 else 1


def _too_large(characteristics: Any, location: Location) -> Iterator[tuple[Location, str]]:
    size = len(to_json(characteristics))
    if size > LARGEST_VALUES:
        yield location, f"takes {size} bytes of JSON; at most {LARGEST_VALUES} for all its characteristics together"
