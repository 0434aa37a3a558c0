"""TMF645 Service Qualification v4: can these services be had, where, and which can?"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.events.hub import hub_routes
from api.qualification.routes import QualificationApi, qualification_routes
from orders.events.hubs import HUBS
from orders.events.qualification_events import SERVICE_API
from orders.qualification.results import QualificationKind
from orders.qualification.services import (
    CheckServiceQualification,
    CheckServiceQualificationCreate,
    QueryServiceQualification,
    QueryServiceQualificationCreate,
)

_TAG = "TMF645 Service Qualification"
_PLACE = {"id": "HAM-1", "role": "installation", "@referredType": "GeographicSite"}

SERVICE_CHECK_EXAMPLE: dict[str, Any] = {
    "description": "A thousand at HAM-1?",
    "instantSyncQualification": True,
    "provideAlternative": True,
    "provideUnavailabilityReason": True,
    "serviceQualificationItem": [
        {
            "id": "1",
            "service": {
                "serviceSpecification": {"id": "cfs-internet"},
                "place": [_PLACE],
                "serviceCharacteristic": [
                    {"name": "downloadSpeed", "value": 1000},
                    {"name": "uploadSpeed", "value": 200},
                ],
            },
        }
    ],
}
"""A question that the shipped catalogs and the reference inventory can answer."""

SERVICE_QUERY_EXAMPLE: dict[str, Any] = {
    "instantSyncQualification": True,
    "searchCriteria": {"service": {"place": [_PLACE]}},
}
"""What can be had at a place that the reference inventory knows."""

SERVICE_CHECK = QualificationApi(
    kind=QualificationKind.SERVICE_CHECK,
    tag=_TAG,
    question=CheckServiceQualificationCreate,
    model=CheckServiceQualification,
    subject="services",
    example=SERVICE_CHECK_EXAMPLE,
    description="Tells whether each service can be had at its place, or what stands against it, and with "
    "`provideAlternative` in which shapes that are sold it can.",
)

SERVICE_QUERY = QualificationApi(
    kind=QualificationKind.SERVICE_QUERY,
    tag=_TAG,
    question=QueryServiceQualificationCreate,
    model=QueryServiceQualification,
    subject="services that are looked for",
    example=SERVICE_QUERY_EXAMPLE,
    description="Tells which services can be had at a place.",
)

_HUB_EXAMPLE = {
    "callback": "https://shop.example.com/ordersaga",
    "query": "eventType=CheckServiceQualificationStateChangeEvent",
}

router = APIRouter()
for _api in (SERVICE_CHECK, SERVICE_QUERY):
    router.include_router(qualification_routes(_api))
router.include_router(hub_routes(HUBS[SERVICE_API], _TAG, _HUB_EXAMPLE))
