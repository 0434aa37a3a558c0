"""TMF679 Product Offering Qualification v4: which offerings can a customer have, where?"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.events.hub import hub_routes
from api.qualification.routes import QualificationApi, qualification_routes
from orders.events.hubs import HUBS
from orders.events.qualification_events import OFFERING_API
from orders.qualification.offerings import ProductOfferingQualification
from orders.qualification.results import QualificationKind

OFFERING_QUALIFICATION_EXAMPLE: dict[str, Any] = {
    "description": "A thousand at HAM-1?",
    "instantSyncQualification": True,
    "provideAlternative": True,
    "provideUnavailabilityReason": True,
    "relatedParty": [{"id": "C-1001", "role": "customer", "name": "Ada Example", "@referredType": "Customer"}],
    "place": [{"id": "HAM-1", "role": "installation", "@referredType": "GeographicSite"}],
    "productOfferingQualificationItem": [
        {
            "id": "1",
            "action": "add",
            "productOffering": {"id": "fibre-internet"},
            "product": {"productCharacteristic": [{"name": "downloadSpeed", "value": 1000}]},
        }
    ],
}
"""A question that the shipped catalogs and the reference inventory can answer."""

_TAG = "TMF679 Product Offering Qualification"

OFFERING_QUALIFICATION = QualificationApi(
    kind=QualificationKind.OFFERING,
    tag=_TAG,
    question=ProductOfferingQualification,
    model=ProductOfferingQualification,
    subject="product offerings",
    example=OFFERING_QUALIFICATION_EXAMPLE,
    description="Tells whether the product order that the items would become would be accepted and is feasible, by the "
    "same rules, or what stands against each item, and with `provideAlternative` what can be had in its place. Without "
    "items, or for an item that names neither offering nor product, it tells which offerings can be had.",
)

_HUB_EXAMPLE = {
    "callback": "https://shop.example.com/ordersaga",
    "query": "eventType=ProductOfferingQualificationStateChangeEvent",
}

router = APIRouter()
router.include_router(qualification_routes(OFFERING_QUALIFICATION))
router.include_router(hub_routes(HUBS[OFFERING_API], OFFERING_QUALIFICATION.tag, _HUB_EXAMPLE))
