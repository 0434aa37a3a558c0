"""A small catalog without a fault, to be broken at one place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from catalogs.loader import inspect_catalogs, load_catalogs
from catalogs.model.faults import CatalogFaultsError

SHOP: dict[str, Any] = {
    "catalog": {"id": "shop", "name": "Shop"},
    "productOffering": [
        {
            "id": "bundle",
            "name": "Bundle",
            "isBundle": True,
            "bundledProductOffering": [{"id": "line"}],
        },
        {
            "id": "line",
            "name": "Line",
            "productSpecification": {"id": "line"},
            "productOfferingPrice": [{"id": "monthly"}],
        },
    ],
    "productSpecification": [
        {
            "id": "line",
            "name": "Line",
            "productSpecCharacteristic": [
                {
                    "name": "speed",
                    "valueType": "integer",
                    "minCardinality": 1,
                    "productSpecCharacteristicValue": [{"value": 10, "isDefault": True}, {"value": 20}],
                },
                {"name": "label", "valueType": "string"},
                {"name": "gain", "valueType": "number"},
            ],
            "fulfilment": {
                "services": [
                    {"key": "line", "specification": "cfs", "characteristics": {"speed": "product.speed"}},
                ]
            },
        }
    ],
    "productOfferingPrice": [
        {
            "id": "monthly",
            "name": "Monthly",
            "priceType": "recurring",
            "recurringChargePeriodType": "month",
            "price": {"value": 5},
            "popRelationship": [{"id": "off", "relationshipType": "discount"}],
        },
        {"id": "off", "name": "Off", "priceType": "discount", "price": {"value": 1}},
    ],
    "serviceSpecification": [
        {
            "id": "cfs",
            "name": "Customer-facing",
            "@type": "CustomerFacingServiceSpecification",
            "specCharacteristic": [{"name": "speed", "valueType": "integer", "minCardinality": 1}],
            "fulfilment": {"services": [{"key": "access", "specification": "rfs"}]},
        },
        {
            "id": "rfs",
            "name": "Resource-facing",
            "@type": "ResourceFacingServiceSpecification",
            "specCharacteristic": [{"name": "port", "valueType": "string"}],
            "fulfilment": {
                "resources": [{"key": "port", "specification": "port"}],
                "characteristics": {"port": "assigned.port.value"},
            },
        },
    ],
    "resourceSpecification": [{"id": "port", "name": "Port"}],
}


def shop_with(path: str, value: Any, like: dict[str, Any] = SHOP) -> dict[str, Any]:
    """Return a shop like another with `value` at `path`: `a[0].b`; a number one past the end of a list appends."""
    shop: dict[str, Any] = json.loads(json.dumps(like))
    *around, last = path.replace("[", ".").replace("]", "").split(".")
    here: Any = shop
    for part in around:
        here = here[int(part)] if isinstance(here, list) else here.setdefault(part, {})
    if isinstance(here, list):
        here[int(last) : int(last) + 1] = [value]
    else:
        here[last] = value
    return shop


def written(root: Path, shop: dict[str, Any]) -> Path:
    """Write a shop into a folder of catalogs and return the folder."""
    (root / "shop").mkdir()
    (root / "shop" / "catalog.yaml").write_text(json.dumps(shop))
    return root


def faults_of(tmp_path: Path, shop: dict[str, Any]) -> list[str]:
    try:
        load_catalogs(written(tmp_path, shop))
    except CatalogFaultsError as refused:
        return [f"{fault.path}: {fault.message}" for fault in refused.faults]
    return []


def warnings_of(tmp_path: Path, shop: dict[str, Any]) -> list[str]:
    """Return the warnings of a shop that has no fault."""
    faults, warnings = inspect_catalogs(written(tmp_path, shop))
    assert faults == []
    return [f"{each.path}: {each.message}" for each in warnings]
