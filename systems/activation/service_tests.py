"""Service tests (TMF653): does an activated service work?"""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from systems.activation.kinds import SERVICES
from systems.common.clock import timestamp
from systems.common.effects import Answer, CallDep, Effect
from systems.common.faults import FaultKind
from systems.common.queries import Document

PATH = "/tmf-api/serviceTestManagement/v4/serviceTest"
PLAYS: frozenset[FaultKind] = frozenset({"permanent"})

router = APIRouter(tags=["serviceTest"])


class Named(BaseModel):
    """A reference by id."""

    model_config = ConfigDict(extra="allow")

    id: str


class ServiceTest(BaseModel):
    """The service to test, and the test."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="allow")

    related_service: Named
    test_specification: Named


@router.post(PATH)
async def run_test(test: ServiceTest, call: CallDep) -> Response:
    """Run a test at once; it fails when the service is not active here, or by a ``permanent`` fault on ``test``."""
    service_id = test.related_service.id

    async def work(effect: Effect) -> Answer:
        service = await SERVICES.documents.find(effect.connection, service_id)
        fault = effect.fault if effect.fault and effect.fault.kind == "permanent" else None
        complaint = fault.message or "the test failed" if fault else _complaint(service)
        document = _result(test, complaint)
        return Answer(201, document, service_id)

    specification = SERVICES.specification_of(service_id)
    return await call.effect("test", work, target=service_id, specification=specification, plays=PLAYS)


def _complaint(service: Document | None) -> str | None:
    if service is None:
        return "the service is not configured in the network"
    return None if service["state"] == "active" else f"the service is {service['state']}"


def _result(test: ServiceTest, complaint: str | None) -> Document:
    test_id = str(uuid4())
    reachable: dict[str, Any] = {"metricName": "reachable", "value": {"value": "no" if complaint else "yes"}}
    document = test.model_dump(mode="json", by_alias=True) | {
        "id": test_id,
        "@type": "ServiceTest",
        "state": "completed",
        "endDateTime": timestamp(),
        "result": "fail" if complaint else "pass",
        "testMeasure": [reachable],
    }
    return document | {"message": complaint} if complaint else document
