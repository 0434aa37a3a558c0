"""Fallout: steps that failed for good and wait for a person's decision, one by one or many at once."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from fastapi import Request
from pydantic import Field

from api.caller import author_of
from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import body_of, errors
from api.engine import EngineRefusedError, MessageRefusedError
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_as, read_json
from api.http.errors import ApiError, InvalidRequestError, NotAllowedError, UnavailableError
from api.messages import Words
from api.messages import request as ask_workflow
from api.reads import list_answer
from api.sweeps.stuck import SHOWN, Stuck
from api.tasks.shared import (
    TaskDocument,
    TaskId,
    TaskSelection,
    ask_and_answer,
    check_open,
    check_values,
    stored_task,
    task_routes,
)
from orders.lifecycle.admission import Message
from orders.model.task import Task, TaskAction, TaskKind, TaskState
from tmf.model import Model
from workflows.contracts.payloads import Resolve

MAX_AT_ONCE = 1000
"""Tasks that one request settles; what is left waits for the next."""
_CONCURRENT = 10

_log = structlog.get_logger(__name__)

router = task_routes(TaskKind.FALLOUT, "Fallout")


class ResolutionRequest(Words):
    """How a fallout task is to be settled."""

    action: TaskAction = Field(description="retry, complete, fail or rollback; the task names those that it takes.")
    values: dict[str, Any] = Field(
        default_factory=dict,
        description="With `complete`: the values that the step would have given, as the task's `wanted` says.",
    )


class BulkResolutionRequest(ResolutionRequest):
    """How all open fallout tasks that the filter lets through are to be settled."""

    filter: TaskSelection


class BulkResult(Model):
    """What became of one task."""

    id: str
    order_id: str
    ok: bool
    message: str | None = Field(default=None, description="Why it was not settled.")


class BulkResolution(Model):
    """What became of the tasks that the filter let through, the oldest first."""

    total: int = Field(description="How many there were in all.")
    resolved: int = Field(description="How many are settled now.")
    results: list[BulkResult]


_EXAMPLE = {"action": "retry", "reason": "Activation is back", "author": "ada"}


@router.post(
    "/task/{id}/resolution",
    summary="Settle a fallout task",
    operation_id="resolveFalloutTask",
    description="`retry` tries the step again; `complete` takes the values that the step would have given, since it "
    "was done by hand; `fail` lets its item fail; `rollback` undoes the whole order.",
    responses={
        200: {"model": TaskDocument, "description": "The task as it is recorded now."},
        **errors(400, 404, 409, 413, 415, 503),
    },
    openapi_extra=body_of(ResolutionRequest, _EXAMPLE),
)
async def resolve_fallout_task(request: Request, gateway: GatewayDep, task_id: TaskId) -> JsonAnswer:
    wish = read_as(ResolutionRequest, await read_json(request, min(gateway.body_limit, SMALL_BODY)))
    _check_values(wish)
    task = await stored_task(gateway, TaskKind.FALLOUT, task_id)
    _admit(task, wish)
    answer = await ask_and_answer(gateway, task, Message.RESOLVE.value, _message(request, task, wish))
    _log.info("fallout task settled", task=task.id, order=task.order_id, action=wish.action.value)
    return answer


@router.get(
    "/stuck",
    summary="List what does not get on",
    operation_id="listStuckWork",
    description="Orders that are not started for minutes, and what fails again and again, each with the last error and "
    f"what to do: the oldest of each sort, {SHOWN} at most. Where Temporal cannot be asked, workflows are missing.",
    responses={
        200: {"description": "All of it.", "model": list[Stuck]},
        206: {"description": "A part of it.", "model": list[Stuck]},
        **errors(503),
    },
)
async def list_stuck_work(gateway: GatewayDep) -> JsonAnswer:
    found = await gateway.stuck.find()
    return list_answer([each.model_dump(mode="json", exclude_none=True) for each in found.stuck], found.total)


@router.post(
    "/resolution",
    summary="Settle many fallout tasks at once",
    operation_id="resolveFalloutTasks",
    description=f"Settles every open fallout task that the filter lets through, {MAX_AT_ONCE} at most, the oldest "
    "first. The answer names each one, with the reason where it was not settled. A filter must not be empty.",
    responses={
        200: {"model": BulkResolution, "description": "What became of each task."},
        **errors(400, 413, 415, 503),
    },
    openapi_extra=body_of(BulkResolutionRequest, {"filter": {"system": "activation"}, **_EXAMPLE}),
)
async def resolve_fallout_tasks(request: Request, gateway: GatewayDep) -> JsonAnswer:
    wish = read_as(BulkResolutionRequest, await read_json(request, min(gateway.body_limit, SMALL_BODY)))
    _check_values(wish)
    if not wish.filter.model_dump(exclude_none=True):
        names = ", ".join(field.alias or name for name, field in TaskSelection.model_fields.items())
        raise InvalidRequestError(f"filter: must name at least one of {names}")
    page = await gateway.tasks.find(wish.filter.filter(TaskKind.FALLOUT, TaskState.OPEN), 0, MAX_AT_ONCE)
    results = await _resolve_all(request, gateway, page.tasks, wish)
    resolved = sum(result.ok for result in results)
    _log.info("fallout tasks settled", action=wish.action.value, resolved=resolved, total=page.total)
    answer = BulkResolution(total=page.total, resolved=resolved, results=results)
    return JsonAnswer(answer.model_dump(mode="json", exclude_none=True))


async def _resolve_all(
    request: Request, gateway: Gateway, tasks: list[Task], wish: ResolutionRequest
) -> list[BulkResult]:
    """Settle tasks, some at a time; once Temporal does not answer, the rest is not tried."""
    results: list[BulkResult] = []
    for start in range(0, len(tasks), _CONCURRENT):
        chunk = tasks[start : start + _CONCURRENT]
        told = await asyncio.gather(*(_resolve(request, gateway, task, wish) for task in chunk))
        results += [_result(task, error) for task, error in zip(chunk, told, strict=True)]
        if away := next((error for error in told if isinstance(error, UnavailableError)), None):
            rest = tasks[start + _CONCURRENT :]
            return [*results, *(_result(task, f"not tried, since {away.message}") for task in rest)]
    return results


async def _resolve(request: Request, gateway: Gateway, task: Task, wish: ResolutionRequest) -> Exception | None:
    """Settle one task; return what keeps it from that."""
    try:
        _admit(task, wish)
        await ask_workflow(gateway, task.workflow_id, Message.RESOLVE.value, _message(request, task, wish))
    except (ApiError, MessageRefusedError, EngineRefusedError) as error:
        return error
    return None


def _result(task: Task, error: Exception | str | None) -> BulkResult:
    return BulkResult(
        id=task.id, order_id=task.order_id, ok=error is None, message=None if error is None else str(error)
    )


def _admit(task: Task, wish: ResolutionRequest) -> None:
    check_open(task)
    if wish.action not in task.actions:
        ways = ", ".join(task.actions)
        raise NotAllowedError(f"task {task.id} ({task.what}) cannot be settled by {wish.action}; it can by: {ways}")
    if wish.action == TaskAction.COMPLETE:
        check_values(task, wish.values)


def _check_values(wish: ResolutionRequest) -> None:
    if wish.values and wish.action != TaskAction.COMPLETE:
        raise InvalidRequestError(f"values: go with the action complete, not with {wish.action}")


def _message(request: Request, task: Task, wish: ResolutionRequest) -> Resolve:
    by = author_of(request, wish.author)
    return Resolve(task=task.id, action=wish.action, values=wish.values, by=by, reason=wish.reason)
