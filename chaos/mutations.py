"""Deliberate faults of the product, each of which the checks must find. They are outside of it: put on from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """One fault: what it is, which check finds it, and what puts it on."""

    says: str
    found_by: str
    apply: Callable[[], None]


MUTATIONS: dict[str, Mutation] = {}
