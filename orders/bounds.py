"""How large may be what an order hands on to its plan and its workflows: Temporal takes 2 MB at once.

Descriptions, notes and whatever is only kept are bounded by the size of the request alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic_core import to_json

LONGEST_ID = 1000
"""Characters of an id."""

LARGEST_VALUES = 64 * 1024
"""Bytes of JSON that the characteristics of one product, service or resource take."""

Location = tuple[int | str, ...]


def oversized(body: Any) -> Iterator[tuple[Location, str]]:
    """Yield where a JSON body has too long an id, or too large characteristics, and what is allowed."""
    queue: list[tuple[Any, Location]] = [(body, ())]
    while queue:
        value, location = queue.pop()
        if isinstance(value, list):
            queue += [(each, (*location, index)) for index, each in enumerate(value) if isinstance(each, dict | list)]
        elif isinstance(value, dict):
            for name, each in value.items():
                if name == "id" and isinstance(each, str) and len(each) > LONGEST_ID:
                    yield (*location, name), f"has {len(each)} characters; at most {LONGEST_ID}"
                elif name.endswith("haracteristic") and isinstance(each, list):
                    yield from _too_large(each, (*location, name))
                if isinstance(each, dict | list):
                    queue.append((each, (*location, name)))


def _too_large(characteristics: list[Any], location: Location) -> Iterator[tuple[Location, str]]:
    size = len(to_json(characteristics))
    if size > LARGEST_VALUES:
        yield location, f"takes {size} bytes of JSON; at most {LARGEST_VALUES} for all its characteristics together"
