"""An order's tree as the gateway gives it, small enough to read."""

from __future__ import annotations

from typing import Any

from tmf.bodies import Document


def product_order(state: str = "inProgress", **attributes: Any) -> Document:
    return {
        "id": "abc",
        "state": state,
        "orderDate": "2026-03-01T10:00:00.000Z",
        "description": "Fibre Home at BER-1",
        "externalId": "crm-1",
        "relatedParty": [{"id": "c-1", "role": "customer"}, {"id": "a-1", "role": "agent"}],
        "orderRelationship": [
            {"id": "abc:1.tv:tv", "relationshipType": "child", "@referredType": "ServiceOrder"},
            {"id": "abc:1.tv:tv:undo", "relationshipType": "child", "@referredType": "ServiceOrder"},
        ],
        "productOrderItem": [
            {
                "id": "1",
                "action": "add",
                "state": state,
                "productOffering": {"id": "fibre-home-bundle"},
                "productOrderItem": [
                    {"id": "1.tv", "action": "add", "state": state, "productOffering": {"id": "home-tv"}}
                ],
            }
        ],
        **attributes,
    }


def service_order(id_: str, state: str, item_state: str, **attributes: Any) -> Document:
    return {
        "id": id_,
        "state": state,
        "serviceOrderItem": [
            {
                "id": "stream",
                "action": "add",
                "state": item_state,
                "service": {"id": "s-1", "serviceSpecification": {"id": "rfs-stream", "name": "TV stream"}},
            }
        ],
        **attributes,
    }


def resource_order(id_: str, state: str, value: str | None) -> Document:
    resource = {"id": "r-1"} | ({"value": value} if value else {})
    return {
        "id": id_,
        "state": state,
        "orderItem": [{"id": "box", "action": "add", "state": state, "resource": resource}],
    }
