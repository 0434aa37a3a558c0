"""Activities against the same reference systems as the application's own tests."""

from __future__ import annotations

from tests.application.conftest import (
    activation,
    billing,
    catalogs,
    charges,
    database,
    full_inventory,
    inventory,
    network,
    small_inventory,
    stocked,
)

__all__ = [
    "activation",
    "billing",
    "catalogs",
    "charges",
    "database",
    "full_inventory",
    "inventory",
    "network",
    "small_inventory",
    "stocked",
]
