"""Service tests (TMF653): does an activated service work?"""

from typing import Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Request, Response

from systems.activation.kinds import SERVICES
from systems.common import tmf
from systems.common.bodies import fitting, read_object
from systems.common.clock import timestamp
from systems.common.docs import creates
from systems.common.effects import Answer, CallDep, Effect
from systems.common.faults import FaultKind
from tmf.bodies import Document
from tmf.paths import TMF653
from tmf.resources import Extensible, Reference

PATH = f"{TMF653}/serviceTest"
API = "TMF653 Service Test"
PLAYS: frozenset[FaultKind] = frozenset({"permanent"})

router = APIRouter(tags=[API])


class ServiceTestCreate(Extensible):
    """The service to test, and the test."""

    related_service: Reference
    test_specification: Reference


class ServiceTest(ServiceTestCreate):
    """A test that was run: ``result`` is ``pass`` or ``fail``, with the reason in ``message``."""

    id: str
    state: str
    result: Literal["pass", "fail"]
    message: str | None = None
    end_date_time: tmf.Moment
    test_measure: list[Extensible]


EXAMPLE = {"relatedService": {"id": "internet-1"}, "testSpecification": {"id": "reachability"}}


@router.post(PATH, summary="Test a service", **creates(ServiceTest, ServiceTestCreate, EXAMPLE))
async def run_test(request: Request, call: CallDep) -> Response:
    """At once; it fails when the service is not active here, or by a `permanent` fault on `test`."""
    body = await read_object(request)
    service_id = fitting(ServiceTestCreate, body).related_service.id

    def work(effect: Effect) -> Answer:
        service = SERVICES.documents.find(effect.connection, service_id)
        fault = effect.fault if effect.fault and effect.fault.kind == "permanent" else None
        complaint = fault.message or "the test failed" if fault else _complaint(service)
        document = _result(body, complaint)
        return Answer(201, document, service_id)

    specification = SERVICES.specification_of(service_id)
    return await call.effect("test", work, target=service_id, specification=specification, plays=PLAYS)


def _complaint(service: Document | None) -> str | None:
    if service is None:
        return "the service is not configured in the network"
    return None if service["state"] == "active" else f"the service is {service['state']}"


def _result(body: Document, complaint: str | None) -> Document:
    test_id = str(uuid4())
    reachable: dict[str, Any] = {"metricName": "reachable", "value": {"value": "no" if complaint else "yes"}}
    document = body | {
        "id": test_id,
        "@type": "ServiceTest",
        "state": "completed",
        "endDateTime": timestamp(),
        "result": "fail" if complaint else "pass",
        "testMeasure": [reachable],
    }
    return document | {"message": complaint} if complaint else document
