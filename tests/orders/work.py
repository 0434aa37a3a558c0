"""How much work something is, counted by the keys that it looks at: time would say more of the machine than of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Edges = dict[str, list[str]]


class Count:
    """How often keys were looked up since the counting began."""

    def __init__(self) -> None:
        self.looks = 0


_counts: list[Count] = []


class CountedKey(str):
    """A key that is counted whenever a mapping or a set looks for it."""

    __slots__ = ()

    def __hash__(self) -> int:
        for count in _counts:
            count.looks += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


@contextmanager
def counted() -> Iterator[Count]:
    """Count in this block."""
    count = Count()
    _counts.append(count)
    try:
        yield count
    finally:
        _counts.remove(count)


def keys(number: int) -> list[str]:
    return [CountedKey(f"n{place:05}") for place in range(number)]


def chain(number: int) -> Edges:
    """Each node waits for the one before it."""
    every = keys(number)
    return {key: every[place - 1 : place] if place else [] for place, key in enumerate(every)}


def flat(number: int) -> Edges:
    """No node waits for another."""
    return {key: [] for key in keys(number)}


def pairs(number: int) -> Edges:
    """Each second node waits for the one before it: many are ready, and many wait."""
    every = keys(number)
    return {key: every[place - 1 : place] if place % 2 else [] for place, key in enumerate(every)}


SHAPES: list[Callable[[int], Edges]] = [chain, flat, pairs]
