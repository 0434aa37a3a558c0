"""The shipped catalogs, loaded once."""

from __future__ import annotations

import pytest

from catalogs.catalog_set import CatalogSet
from catalogs.loader import default_catalogs, load_catalogs


@pytest.fixture(scope="session")
def shipped() -> CatalogSet:
    return load_catalogs(default_catalogs())
