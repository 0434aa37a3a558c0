"""``/failures``: an active service fails by itself, and the listeners are told, as a network would."""

from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from systems.activation.kinds import SERVICES, ConfiguredService
from systems.common import events, log
from systems.common.bodies import fitting, read_object
from systems.common.docs import body_of, errors
from systems.common.errors import Refusal
from systems.common.faults import Text
from systems.common.system import DatabaseDep
from tmf.bodies import Document

FAILED = {"state": "inactive", "hasStarted": True, "isServiceEnabled": False}
"""TMF640 has no state for it: what was started and is not enabled has failed."""


class FailureReport(BaseModel):
    """Which service fails, and why."""

    model_config = ConfigDict(extra="forbid")

    service: Text = Field(min_length=1, description="The id of an active service.")
    reason: Text = "the network lost it"


router = APIRouter(prefix="/failures", tags=["faults"])


@router.post(
    "",
    status_code=201,
    summary="Let an active service fail",
    response_model=ConfiguredService,
    responses=errors(400, 404, 409),
    openapi_extra=body_of(FailureReport, {"service": "internet-1", "reason": "no light on the fibre"}),
)
async def fail(request: Request, database: DatabaseDep) -> Response:
    """It is inactive and not enabled any more, and told of by an event, until it is set up again."""
    report = fitting(FailureReport, await read_object(request))
    return JSONResponse(await database.writing(_fail, report), 201)


def _fail(connection: Connection, report: FailureReport) -> Document:
    documents, key = SERVICES.documents, f"failure:{uuid4()}"
    current = documents.find(connection, report.service, lock=True)
    if current is None:
        raise documents.absent(report.service)
    if current["state"] != "active":
        raise Refusal(409, "notActive", f"service {report.service} is {current['state']}; only an active one can fail")
    failed = documents.replace(connection, {**current, **FAILED})
    error = {"code": "serviceFailed", "reason": report.reason}
    title = f"Service {report.service} has failed"
    SERVICES.events.tell(connection, events.Change("StateChange", key, title, error=error), failed)
    log.record(connection, "done", key=key, operation="fail", target=report.service, status=201, reason=report.reason)
    return failed
