"""Examples for the OpenAPI documents."""

from __future__ import annotations

from typing import Any

_PLACE = {"id": "BER-1", "role": "installation", "@referredType": "GeographicSite"}

PRODUCT_ORDER_EXAMPLE: dict[str, Any] = {
    "externalId": "CRM-2026-000417",
    "category": "fibre",
    "description": "Fibre Home at BER-1",
    "priority": "2",
    "requestedStartDate": "2026-11-23T09:00:00.000Z",
    "relatedParty": [{"id": "C-1001", "role": "customer", "name": "Ada Example", "@referredType": "Customer"}],
    "productOrderItem": [
        {
            "id": "1",
            "action": "add",
            "productOffering": {"id": "fibre-home-bundle"},
            "product": {"place": [_PLACE]},
            "productOrderItem": [
                {
                    "id": "1.internet",
                    "action": "add",
                    "productOffering": {"id": "fibre-internet"},
                    "product": {
                        "place": [_PLACE],
                        "productCharacteristic": [{"name": "downloadSpeed", "value": 250}],
                    },
                },
                {
                    "id": "1.router",
                    "action": "add",
                    "productOffering": {"id": "home-router"},
                    "product": {
                        "place": [_PLACE],
                        "productCharacteristic": [{"name": "wifiName", "value": "Our Home"}],
                    },
                },
            ],
        }
    ],
}
"""An order that the shipped catalogs know, for a place that the reference inventory knows."""

PATCH_EXAMPLE: dict[str, Any] = {
    "requestedCompletionDate": "2026-12-01T17:00:00.000Z",
    "priority": "1",
    "productOrderItem": PRODUCT_ORDER_EXAMPLE["productOrderItem"],
}

CANCEL_PREVIEW_EXAMPLE: dict[str, Any] = {"cancel": True}

_GATEWAY = "https://orders.example"
_ORDER_ID = "7f3k2a9dqe"
_SERVICE_ORDER_ID = f"{_ORDER_ID}:1.internet:internet"
_CUSTOMER = {"id": "C-1001", "role": "customer", "@type": "RelatedParty", "@referredType": "Customer"}


def _order(base: str, order_id: str, ordered: dict[str, Any]) -> dict[str, Any]:
    """Return how an order that was taken in is answered."""
    href = f"{_GATEWAY}/tmf-api/{base}/{order_id}"
    return {"id": order_id, "href": href, "state": "inProgress", "orderDate": "2026-11-23T08:15:00.000Z", **ordered}


PRODUCT_ORDER_ANSWER_EXAMPLE = _order("productOrderingManagement/v4/productOrder", _ORDER_ID, PRODUCT_ORDER_EXAMPLE)

SERVICE_ORDER_EXAMPLE: dict[str, Any] = {
    "@type": "ServiceOrder",
    "description": "add Internet access",
    "relatedParty": [_CUSTOMER],
    "serviceOrderItem": [
        {
            "id": "internet",
            "@type": "ServiceOrderItem",
            "action": "add",
            "service": {
                "@type": "Service",
                "category": "CFS",
                "serviceSpecification": {"id": "cfs-internet", "name": "Internet access", "version": "1.0"},
                "serviceCharacteristic": [{"name": "downloadSpeed", "value": 250}],
                "place": [_PLACE],
            },
        }
    ],
}

SERVICE_ORDER_ANSWER_EXAMPLE = _order("serviceOrdering/v4/serviceOrder", _SERVICE_ORDER_ID, SERVICE_ORDER_EXAMPLE)

RESOURCE_ORDER_EXAMPLE: dict[str, Any] = {
    "@type": "ResourceOrder",
    "description": "Resources of Access",
    "relatedParty": [_CUSTOMER],
    "orderItem": [
        {
            "id": "port",
            "@type": "ResourceOrderItem",
            "action": "add",
            "resource": {
                "@type": "LogicalResource",
                "resourceSpecification": {"id": "olt-port", "name": "OLT port", "version": "1.0"},
                "resourceCharacteristic": [{"name": "site", "value": "BER-1"}],
            },
        }
    ],
}

RESOURCE_ORDER_ANSWER_EXAMPLE = _order(
    "resourceOrdering/v4/resourceOrder", f"{_SERVICE_ORDER_ID}:access", RESOURCE_ORDER_EXAMPLE
)
