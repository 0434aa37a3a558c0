"""Routes of the qualification APIs: TMF679 and TMF645 v4 alike, each with its own names and models."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel

from api.caller import require_admin
from api.dependencies import Gateway, GatewayDep
from api.documents.documentation import FIELDS_PARAMETER, LIST_PARAMETERS, body_of, errors, list_responses
from api.http.answers import JsonAnswer
from api.http.bodies import document_of, read_json, worked_on
from api.http.errors import InvalidRequestError, NotFoundError, UnavailableError
from api.http.patches import readable
from api.reads import fields_query, list_answer
from application.http import DownstreamError
from orders.bounds import OrderLimits
from orders.events.links import QUALIFICATION_PATHS, qualification_href, with_qualification_link
from orders.intake import faults_of_size, misnamed, order_id_from
from orders.model.server_set import QUALIFICATION, QUALIFIED_OFFERINGS, QUALIFIED_SERVICES
from orders.qualification.results import (
    ASKED_DATES,
    DEADLINES,
    FIRST_STATES,
    ITEM_LISTS,
    QualificationKind,
    faults_of_items,
)
from orders.qualification.services import with_item_ids
from tmf.bodies import Document, Fault, InvalidBodyError, faults_of
from tmf.forms import in_kept_form
from tmf.instants import timestamp
from tmf.media_types import JSON, JSON_PATCH, MERGE_PATCH, media_type_of
from tmf.patches import apply_operations, merge_patch
from tmf.query.query import parse_list_query

_CHANGEABLE = frozenset({"description", "externalId", "note", "channel", *DEADLINES.values()})
"""What a PATCH can change: the question and its answer stay as they are."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class QualificationApi:
    """One of the qualification APIs' resources."""

    kind: QualificationKind
    tag: str
    question: type[BaseModel]
    model: type[BaseModel]
    """What is shown: of the question too, as far as it is asked for."""
    subject: str
    """What it is about, in words: `product offerings`."""
    example: Document
    description: str

    @property
    def path(self) -> str:
        return f"{QUALIFICATION_PATHS[self.kind]}/{self.kind.value}"

    @property
    def resource(self) -> str:
        """Return the resource's name: `CheckServiceQualification`."""
        return f"{self.kind.value[0].upper()}{self.kind.value[1:]}"

    def href(self, base_url: str, qualification_id: str) -> str:
        """Return the address of a qualification."""
        return qualification_href(base_url, self.kind, qualification_id)

    def with_link(self, base_url: str, document: Document) -> Document:
        """Return a qualification with its `href`."""
        return with_qualification_link(base_url, self.kind, document)


def qualification_routes(api: QualificationApi) -> APIRouter:
    """Return the routes of one resource."""
    routes = APIRouter(prefix=api.path, tags=[api.tag])
    location = {"Location": {"description": "Its `href`.", "schema": {"type": "string"}}}

    @routes.post(
        "",
        status_code=201,
        summary=f"Ask for a qualification of {api.subject}",
        operation_id=f"create{api.resource}",
        description=f"{api.description} With `instantSyncQualification: true` the answer is in the response, and kept; "
        "when a system that it needs cannot answer, it is 503, and nothing is kept. Otherwise it is a task that is "
        "worked on from now on, to be read later.",
        responses={
            200: {"model": api.model, "description": "The answer.", "headers": location},
            201: {"model": api.model, "description": "The task as it was taken in.", "headers": location},
            **errors(400, 413, 415, 503),
        },
        openapi_extra=body_of(api.question, api.example),
    )
    async def create(request: Request, gateway: GatewayDep) -> JsonAnswer:
        return await _create(request, gateway, api)

    @routes.get(
        "",
        summary=f"List or find qualifications of {api.subject}",
        operation_id=f"list{api.resource}",
        responses=list_responses(api.model),
        openapi_extra=LIST_PARAMETERS,
    )
    async def find(request: Request, gateway: GatewayDep) -> JsonAnswer:
        query = parse_list_query(request.query_params.multi_items(), model=api.model)
        page = await gateway.qualifications.find(api.kind, query)
        return list_answer([api.with_link(gateway.base_url, each) for each in page.documents], page.total)

    @routes.get(
        "/{id}",
        summary=f"Retrieve a qualification of {api.subject}",
        operation_id=f"retrieve{api.resource}",
        responses={200: {"model": api.model}, **errors(400, 404, 503)},
        openapi_extra={"parameters": [FIELDS_PARAMETER]},
    )
    async def retrieve(
        request: Request, gateway: GatewayDep, qualification_id: Annotated[str, Path(alias="id")]
    ) -> JsonAnswer:
        query = fields_query(request)
        document = await gateway.qualifications.get(api.kind, qualification_id)
        if document is None:
            raise _missing(api, qualification_id)
        return JsonAnswer(query.project(api.with_link(gateway.base_url, document)))

    @routes.patch(
        "/{id}",
        summary=f"Change what is noted of a qualification of {api.subject}",
        operation_id=f"patch{api.resource}",
        description=f"Changes {', '.join(f'`{name}`' for name in _changeable(api))}. The question stays as it was "
        "asked, and so does its answer: ask anew instead.",
        responses={200: {"model": api.model}, **errors(400, 404, 413, 415, 503)},
        openapi_extra=_patch_body(api),
    )
    async def patch(
        request: Request, gateway: GatewayDep, qualification_id: Annotated[str, Path(alias="id")]
    ) -> JsonAnswer:
        return await _patch(request, gateway, api, qualification_id)

    @routes.delete(
        "/{id}",
        status_code=204,
        response_class=Response,
        summary=f"Delete a qualification of {api.subject}",
        operation_id=f"delete{api.resource}",
        description="For administrators. A task that is being worked on ends without a trace.",
        responses={204: {"description": "It is deleted."}, **errors(401, 403, 404, 503)},
        dependencies=[Depends(require_admin)],
    )
    async def delete(gateway: GatewayDep, qualification_id: Annotated[str, Path(alias="id")]) -> Response:
        if await gateway.qualifications.delete(api.kind, qualification_id) is None:
            raise _missing(api, qualification_id)
        _log.info("qualification deleted", qualification=qualification_id)
        return Response(status_code=204)

    return routes


async def _create(request: Request, gateway: Gateway, api: QualificationApi) -> JsonAnswer:
    body = await read_json(request, gateway.body_limit)
    question = await worked_on(request, _question, api, body, gateway.limits)
    qualification_id, now = order_id_from(secrets.token_bytes(10)), gateway.qualifying.now()
    document = {
        "id": qualification_id,
        **question,
        "state": FIRST_STATES[api.kind],
        ASKED_DATES[api.kind]: timestamp(now),
    }
    instant = bool(question.get("instantSyncQualification"))
    if instant:
        try:
            with gateway.questions.one_more():
                document = await gateway.qualifying.answer(api.kind, document)
        except DownstreamError as error:
            raise UnavailableError(error.message) from error
    await gateway.qualifications.keep(api.kind, document, now)
    _log.info("qualification asked", qualification=qualification_id, state=document["state"])
    if not instant:
        gateway.qualifying.wake()
    return JsonAnswer(
        api.with_link(gateway.base_url, document),
        status_code=200 if instant else 201,
        headers={"Location": api.href(gateway.base_url, qualification_id)},
    )


def _question(api: QualificationApi, body: Any, limits: OrderLimits) -> Document:
    """Return the body of a request to qualify as it is kept, without what is not the client's to set.

    Raises:
        InvalidRequestError: with every fault of form.
    """
    question, items = _bare(body, QUALIFICATION), ITEM_LISTS[api.kind]
    misplaced: list[Fault] = []
    if api.kind == QualificationKind.SERVICE_QUERY and isinstance(question, dict):
        # Its items are its answer, of which there is none yet.
        question = {**question, items: []}
    elif isinstance(question, dict):
        misplaced = list(misnamed(question, items))
        if isinstance(question.get(items), list):
            answers = QUALIFIED_SERVICES if api.kind == QualificationKind.SERVICE_CHECK else QUALIFIED_OFFERINGS
            question = {**question, items: [_bare(each, answers) for each in question[items]]}
    if isinstance(question, dict) and (too_large := list(faults_of_size(items, question, limits))):
        raise InvalidRequestError(str(InvalidBodyError(too_large)))
    question = document_of(api.question, question, misplaced)
    if faults := list(faults_of_items(api.kind, question)):
        raise InvalidRequestError(str(InvalidBodyError(faults)))
    return with_item_ids(question) if api.kind == QualificationKind.SERVICE_CHECK else question


def _bare(value: Any, without: frozenset[str] | set[str]) -> Any:
    return {name: each for name, each in value.items() if name not in without} if isinstance(value, dict) else value


async def _patch(request: Request, gateway: Gateway, api: QualificationApi, qualification_id: str) -> JsonAnswer:
    patch = await read_json(request, gateway.body_limit, (MERGE_PATCH, JSON, JSON_PATCH))
    operations = media_type_of(request.headers.get("Content-Type", "")) == JSON_PATCH

    def changed(before: Document) -> Document:
        linked = api.with_link(gateway.base_url, before)
        after = apply_operations(linked, patch, gateway.body_limit) if operations else merge_patch(linked, patch)
        return _checked_change(api, linked, after)

    try:
        document = await gateway.qualifications.change(api.kind, qualification_id, changed)
    except InvalidBodyError as error:
        raise InvalidRequestError(str(error)) from error
    if document is None:
        raise _missing(api, qualification_id)
    return JsonAnswer(api.with_link(gateway.base_url, document))


def _checked_change(api: QualificationApi, before: Document, after: Any) -> Document:
    """Return a patched document without its link.

    Raises:
        InvalidBodyError: naming each attribute that cannot be changed, or what keeps it from being a qualification.
    """
    if not isinstance(after, dict):
        raise InvalidBodyError([Fault("", "the patched qualification must be a JSON object")])
    after, changeable = readable(after), _changeable(api)
    faults = [
        Fault(name, "cannot be changed: ask for another qualification")
        for name in sorted(before.keys() | after.keys())
        if name not in changeable and _written(before.get(name)) != _written(after.get(name))
    ]
    if faults := faults or list(faults_of(api.question, after)):
        raise InvalidBodyError(faults)
    return in_kept_form(api.question, _bare(after, {"href"}))


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _changeable(api: QualificationApi) -> list[str]:
    aliases = {field.alias or name for name, field in api.model.model_fields.items()}
    return sorted(_CHANGEABLE & aliases)


def _patch_body(api: QualificationApi) -> dict[str, Any]:
    object_of = {"schema": {"type": "object"}, "example": {"description": "Asked by telephone"}}
    operations = {
        "schema": {"type": "array", "items": {"type": "object"}},
        "example": [{"op": "add", "path": "/description", "value": "Asked by telephone"}],
    }
    return {
        "requestBody": {
            "required": True,
            "content": {MERGE_PATCH: object_of, JSON: object_of, JSON_PATCH: operations},
        }
    }


def _missing(api: QualificationApi, qualification_id: str) -> NotFoundError:
    return NotFoundError(f"there is no {api.kind.value} {qualification_id!r}")
