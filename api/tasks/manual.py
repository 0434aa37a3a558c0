"""Manual work: steps that people do, and that wait until they say that it is done."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import Request
from pydantic import Field

from api.caller import author_of
from api.dependencies import GatewayDep
from api.documents.documentation import body_of, errors
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_as, read_json, read_optional_json
from api.messages import Words
from api.tasks.shared import (
    TaskDocument,
    TaskId,
    ask_and_answer,
    check_open,
    check_values,
    stored_task,
    task_routes,
)
from orders.lifecycle.admission import Message
from orders.model.task import TaskKind
from tmf.instants import UtcDatetime
from tmf.media_types import JSON, MERGE_PATCH
from workflows.contracts.payloads import Complete, Reschedule

_log = structlog.get_logger(__name__)

router = task_routes(TaskKind.MANUAL, "Manual work")


class CompletionRequest(Words):
    """That manual work is done."""

    values: dict[str, Any] = Field(default_factory=dict, description="The values that it gave, as `wanted` says.")


class RescheduleRequest(Words):
    """When manual work is to be done now."""

    due_at: UtcDatetime = Field(description="The new date.")


@router.post(
    "/task/{id}/completion",
    summary="Say that manual work is done",
    operation_id="completeManualTask",
    description="The values are those that the task names in `wanted`; one that is unknown, of another type or missing "
    "is named. Where none must be given the body may be left out.",
    responses={
        200: {"model": TaskDocument, "description": "The task as it is recorded now."},
        **errors(400, 404, 409, 413, 415, 503),
    },
    openapi_extra=body_of(CompletionRequest, {"values": {"serialNumber": "SN-4711"}, "author": "ada"}, required=False),
)
async def complete_manual_task(request: Request, gateway: GatewayDep, task_id: TaskId) -> JsonAnswer:
    wish = read_as(CompletionRequest, await read_optional_json(request, min(gateway.body_limit, SMALL_BODY)))
    task = await stored_task(gateway, TaskKind.MANUAL, task_id)
    check_open(task)
    check_values(task, wish.values)
    by = author_of(request, wish.author)
    message = Complete(task=task.id, values=wish.values, by=by, reason=wish.reason)
    answer = await ask_and_answer(gateway, task, Message.COMPLETE.value, message)
    _log.info("manual task completed", task=task.id, order=task.order_id)
    return answer


@router.patch(
    "/task/{id}",
    summary="Put manual work on another date",
    operation_id="rescheduleManualTask",
    responses={
        200: {"model": TaskDocument, "description": "The task as it is recorded now."},
        **errors(400, 404, 409, 413, 415, 503),
    },
    openapi_extra=body_of(
        RescheduleRequest,
        {"dueAt": "2026-12-01T09:00:00.000Z", "reason": "Nobody was at home", "author": "ada"},
        media_types=(JSON, MERGE_PATCH),
    ),
)
async def reschedule_manual_task(request: Request, gateway: GatewayDep, task_id: TaskId) -> JsonAnswer:
    body = await read_json(request, min(gateway.body_limit, SMALL_BODY), (JSON, MERGE_PATCH))
    wish = read_as(RescheduleRequest, body)
    task = await stored_task(gateway, TaskKind.MANUAL, task_id)
    check_open(task)
    by = author_of(request, wish.author)
    message = Reschedule(task=task.id, due_at=wish.due_at, by=by, reason=wish.reason)
    answer = await ask_and_answer(gateway, task, Message.RESCHEDULE.value, message)
    _log.info("manual task rescheduled", task=task.id, order=task.order_id, due=wish.due_at.isoformat())
    return answer
