"""The shipped catalogs, the examples and the prices fit the published TM Forum files, where these are at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker  # type: ignore[import-untyped]

from catalogs.decomposition.product_orders import decompose
from catalogs.loader import default_catalogs
from catalogs.model.catalog_set import CatalogSet
from catalogs.model.sources import plain, read_yaml
from catalogs.pricing.order_prices import price_order
from orders.model.installed import InstalledBase
from orders.model.product_orders import ProductOrder
from tests.catalogs.sample_orders import fibre_bundle, mobile, order, tv, voice

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT.parent / "shared" / "tmf" / "specs"

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason=f"the published TM Forum files are not at {SPECS}")

SECTIONS = {
    "catalog": ("TMF620-v4.1.0.swagger.json", "Catalog"),
    "category": ("TMF620-v4.1.0.swagger.json", "Category"),
    "productOffering": ("TMF620-v4.1.0.swagger.json", "ProductOffering"),
    "productSpecification": ("TMF620-v4.1.0.swagger.json", "ProductSpecification"),
    "productOfferingPrice": ("TMF620-v4.1.0.swagger.json", "ProductOfferingPrice"),
    "serviceSpecification": ("TMF633-v4.0.0.swagger.json", "ServiceSpecification"),
    "resourceSpecification": ("TMF634-v4.1.0.swagger.json", "ResourceSpecification"),
}
OWN = {"fulfilment", "policy", "when", "applicationDuration", "priority", "countedCharacteristic"}
"""Attributes that are this project's own."""


def faults(value: Any, file: str, definition: str) -> list[str]:
    published = json.loads((SPECS / file).read_text(encoding="utf-8"))
    schema = {"$ref": f"#/definitions/{definition}", "definitions": published["definitions"]}
    found = Draft4Validator(schema, format_checker=FormatChecker()).iter_errors(value)
    return [f"{'.'.join(map(str, each.path))}: {each.message}" for each in found]


@pytest.mark.parametrize(
    "path", sorted(default_catalogs().glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_the_shipped_catalogs_have_the_published_shapes_and_names(path: Path) -> None:
    source, unread = read_yaml(path, path.name)
    assert source is not None
    assert unread == []
    for section, content in plain(source.node).items():
        file, definition = SECTIONS[section]
        known = json.loads((SPECS / file).read_text(encoding="utf-8"))["definitions"][definition]["properties"]
        for entry in content if isinstance(content, list) else [content]:
            assert faults(entry, file, definition) == []
            assert set(entry) - set(known) <= OWN


_ERRATUM = "orderItem: 'id' is a required property"
"""TMF641 and TMF652 require of a reference to an item an `id` that they do not define: what it has is `itemId`."""

TAKEN = {
    "productOrderItem": ("TMF622-v4.0.0.swagger.json", "ProductOrder_Create"),
    "serviceOrderItem": ("TMF641-v4.1.0.swagger.json", "ServiceOrder_Create"),
    # The data model's file: the other one wants every resource to have an id already.
    "orderItem": ("TMF652-v4.0.0-datamodel.swagger.json", "ResourceOrder_Create"),
}


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "examples").glob("*.json")), ids=lambda path: path.stem)
def test_the_example_orders_are_what_the_standards_take(path: Path) -> None:
    body = json.loads(path.read_text(encoding="utf-8"))
    file, definition = next(taken for items, taken in TAKEN.items() if items in body)
    assert [each for each in faults(body, file, definition) if not each.endswith(_ERRATUM)] == []


def test_a_priced_order_is_what_tmf622_gives(shipped: CatalogSet) -> None:
    placed = order(fibre_bundle(voice(), tv()), mobile(), href="http://localhost/1", state="acknowledged")
    priced = price_order(placed, decompose(placed, shipped, InstalledBase())).model_dump(mode="json", exclude_none=True)
    assert faults(priced, "TMF622-v4.0.0.swagger.json", "ProductOrder") == []
    assert ProductOrder.model_validate(priced).order_total_price is not None
