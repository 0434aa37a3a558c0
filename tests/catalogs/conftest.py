"""The catalogs under test, loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalogs.loader import load_catalogs
from catalogs.model.catalog_set import CatalogSet


@pytest.fixture(scope="session")
def lab() -> CatalogSet:
    """A catalog of what the shipped ones have no use for."""
    return load_catalogs(Path(__file__).parent / "lab")
