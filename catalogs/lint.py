"""Checks the entries of all catalogs against each other."""

from __future__ import annotations

from catalogs.entries import Entries
from catalogs.faults import Fault


def check(entries: Entries) -> list[Fault]:
    """Return every fault that shows only between entries."""
    return []
