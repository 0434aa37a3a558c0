"""The catalogs that are shipped, read once in each process: it takes as long as a hundred small tests."""

from __future__ import annotations

from functools import cache

from catalogs.loader import default_catalogs, load_catalogs
from catalogs.model.catalog_set import CatalogSet


@cache
def shipped_catalogs() -> CatalogSet:
    """Return the catalogs of the project itself."""
    return load_catalogs(default_catalogs())
