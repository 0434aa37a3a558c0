"""What the tasks for people have in common, fallout and manual ones: finding, reading, and asking their workflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import FIELDS_PARAMETER, PAGING_PARAMETERS, errors, insisting_on, list_responses
from api.http.answers import JsonAnswer
from api.http.errors import InvalidRequestError, NotAllowedError, NotFoundError
from api.messages import request as ask_workflow
from api.reads import fields_query, list_answer
from catalogs.checks.given_values import faults_of_values
from orders.model.task import Task, TaskKind, TaskState
from store.tasks import TaskFilter
from tmf.bodies import Document
from tmf.model import StrictModel
from tmf.query.attributes import attributes_of
from tmf.query.checks import check_value
from tmf.query.query import Condition, Either, Filter, Operator, QueryError, filters_of, parse_list_query

TaskId = Annotated[str, Path(alias="id")]

BASES = {TaskKind.FALLOUT: "/fallout/v1", TaskKind.MANUAL: "/manual/v1"}


class TaskDocument(Task):
    """A task as it leaves the gateway; one that `fields` cuts down has `id` and `href`."""

    model_config = insisting_on("id", "href")

    href: str


class TaskSelection(StrictModel):
    """Which tasks: those for which all that is given here holds."""

    order_id: str | None = Field(default=None, description="The order whose step it is, or the product order above.")
    item: str | None = Field(default=None, description="The item of the order whose step it is.")
    step: str | None = Field(default=None, description="The step that waits.")
    system: str | None = Field(default=None, description="The system that the step asked.")
    error_code: str | None = Field(default=None, description="What kind of error it was.")
    error: str | None = Field(default=None, description="A part of the error's text, in upper or lower case.")

    def filter(self, kind: TaskKind, state: TaskState | None) -> TaskFilter:
        """Return it as the store takes it."""
        return TaskFilter(kind=kind, state=state, **self.model_dump(by_alias=False))


class _ListedTask(TaskSelection):
    """What lists of tasks are filtered by."""

    state: TaskState | None = Field(default=None, description="How the tasks stand.")


_NAMES = {(field.alias or name): name for name, field in _ListedTask.model_fields.items()}
"""Name of a parameter → field of a filter."""

_STATES = {"type": "string", "enum": [each.value for each in TaskState]}

TASK_PARAMETERS = {
    "parameters": [
        FIELDS_PARAMETER,
        *PAGING_PARAMETERS,
        *(
            {
                "name": name,
                "in": "query",
                "description": _ListedTask.model_fields[field].description,
                "schema": _STATES if name == "state" else {"type": "string"},
            }
            for name, field in _NAMES.items()
        ),
    ]
}


def task_document(gateway: Gateway, task: Task) -> Document:
    """Return a task as it leaves the gateway, with its address."""
    document: Document = task.model_dump(mode="json", exclude_none=True)
    path = quote(task.id, safe=":*~!")
    return {"id": task.id, "href": f"{gateway.base_url}{BASES[task.kind]}/task/{path}", **document}


def task_routes(kind: TaskKind, tag: str) -> APIRouter:
    """Return the routes that find and read the tasks of a kind."""
    routes = APIRouter(prefix=BASES[kind], tags=[tag])

    @routes.get(
        "/task",
        summary=f"List or find {kind.value} tasks",
        operation_id=f"list{kind.value.capitalize()}Task",
        responses=list_responses(TaskDocument),
        openapi_extra=TASK_PARAMETERS,
    )
    async def list_tasks(request: Request, gateway: GatewayDep) -> JsonAnswer:
        query = parse_list_query(request.query_params.multi_items(), sortable=())
        conditions = [_condition(each) for each in query.filters]
        page = await gateway.tasks.find(TaskFilter(kind=kind), query.offset, query.limit, conditions=conditions)
        return list_answer([query.project(task_document(gateway, task)) for task in page.tasks], page.total)

    @routes.get(
        "/task/{id}",
        summary=f"Retrieve a {kind.value} task",
        operation_id=f"retrieve{kind.value.capitalize()}Task",
        responses={200: {"model": TaskDocument}, **errors(400, 404, 503)},
        openapi_extra={"parameters": [FIELDS_PARAMETER]},
    )
    async def retrieve_task(request: Request, gateway: GatewayDep, task_id: TaskId) -> JsonAnswer:
        query = fields_query(request)
        return JsonAnswer(query.project(task_document(gateway, await stored_task(gateway, kind, task_id))))

    return routes


async def stored_task(gateway: Gateway, kind: TaskKind, task_id: str) -> Task:
    """Return a task of a kind.

    Raises:
        NotFoundError: when there is none of that kind.
    """
    task = await gateway.tasks.get(task_id)
    if task is None or task.kind != kind:
        raise NotFoundError(f"there is no {kind.value} task {task_id!r}")
    return task


def check_open(task: Task) -> None:
    """Let an open task pass.

    Raises:
        NotAllowedError: when it is settled, saying how.
    """
    if task.state == TaskState.WITHDRAWN:
        raise NotAllowedError(f"task {task.id} was withdrawn: the order does not need it any more")
    if task.state == TaskState.RESOLVED:
        told = task.resolution
        how = f" by {told.by or 'the second policy'}: {told.action}" if told else ""
        raise NotAllowedError(f"task {task.id} has been settled{how}")


def check_values(task: Task, values: Mapping[str, Any]) -> None:
    """Let values pass that go with the completion of a task.

    Raises:
        InvalidRequestError: naming each that is unknown, missing or wrong.
    """
    if task.wanted is not None and (faults := faults_of_values(task.wanted, values)):
        raise InvalidRequestError("; ".join(faults))


async def ask_and_answer(gateway: Gateway, task: Task, name: str, argument: BaseModel) -> JsonAnswer:
    """Ask the workflow that waits for a task for something; answer with the task as it is recorded then.

    Raises:
        MessageRefusedError, NotAllowedError, UnavailableError: as `api.messages.request`.
    """
    await ask_workflow(gateway, task.workflow_id, name, argument)
    return JsonAnswer(task_document(gateway, await gateway.tasks.get(task.id) or task))


def _condition(condition: Condition) -> Condition:
    """Return what a list of tasks asks for as the store takes it.

    Raises:
        QueryError: naming the filter that tasks do not have, or the value that no task can have there.
    """
    found = tuple(map(_filter, filters_of(condition)))
    return Either(found) if isinstance(condition, Either) else found[0]


def _filter(kept: Filter) -> Filter:
    if kept.attribute not in _NAMES:
        raise QueryError(kept.attribute, f"is none of the filters: {', '.join(_NAMES)}")
    if kept.operator not in (Operator.EQ, Operator.NE):
        raise QueryError(f"{kept.attribute}.{kept.operator}", "tasks are found by = and != alone")
    for value in kept.values:
        if wrong := check_value(attributes_of(_ListedTask), kept.path, kept.operator, value):
            raise QueryError(kept.attribute, wrong)
    return replace(kept, path=(_NAMES[kept.attribute],))
