"""Routes of the catalog APIs: each collection has a list and single entries, and nothing is written.

An entry is addressed by its id, then it is the latest version; as `id:(version=1.0)` or with `?version=1.0`, it is
that one. Lists have all versions.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.exceptions import HTTPException
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.dependencies import GatewayDep
from api.documents.documentation import PAGING_PARAMETERS, Responses, errors, fields_parameter, list_responses
from api.http.answers import JsonAnswer
from api.http.conditional import is_current, not_modified, tagged
from api.http.errors import InvalidRequestError, NotFoundError
from api.reads import answer_documents, fields_query
from catalogs.links import Collection, split_version
from tmf.query.query import parse_list_query

_READ_ONLY = "Method Not Allowed: catalogs are loaded from YAML files when the gateway starts, and are only read here"


class ReadOnlyRoute(APIRoute):
    """A route of what is only read; to other methods it says where catalogs come from."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        methods = self.methods or set()
        if scope["method"] not in methods:
            raise HTTPException(405, _READ_ONLY, headers={"Allow": ", ".join(sorted(methods))})
        await super().handle(scope, receive, send)


_FIELDS = fields_parameter("name,version,lifecycleStatus")

_CONDITION = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an answer that the client has kept; where it is still right, the answer is 304.",
    "schema": {"type": "string"},
}

_LIST_PARAMETERS = [
    _FIELDS,
    *PAGING_PARAMETERS,
    {
        "name": "sort",
        "in": "query",
        "description": "Attributes to sort by, separated by commas, `-` before one that descends; without it entries "
        "come as their files have them, each one's oldest version first.",
        "schema": {"type": "string"},
        "example": "name",
    },
    {
        "name": "lifecycleStatus",
        "in": "query",
        "description": "One of the filters: any attribute filters by its name, a nested one by its dotted path "
        "(`category.id=…`). Several values, separated by commas, mean any of them; all filters must hold.",
        "schema": {"type": "string"},
        "example": "Active,Launched",
    },
    _CONDITION,
]

_VERSION = {
    "name": "version",
    "in": "query",
    "description": "The version wanted; the latest without it. `{id}:(version=1.0)` asks for the same.",
    "schema": {"type": "string"},
    "example": "1.0",
}

_CACHE_HEADERS = {
    "ETag": {"description": "Changes when the catalogs do.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "`no-cache`: to be kept, and asked about.", "schema": {"type": "string"}},
}

_UNCHANGED: Responses = {304: {"description": "What the client has kept is still right.", "headers": _CACHE_HEADERS}}


def serve(
    router: APIRouter, collection: Collection, model: type[BaseModel], one: str, many: str, example: dict[str, Any]
) -> None:
    """Add the reads of a collection to the router of its API.

    Args:
        one, many: what people call an entry, and several.
        example: an entry, as it is listed.
    """

    async def list_entries(request: Request, gateway: GatewayDep) -> Response:
        query = parse_list_query(request.query_params.multi_items(), model=model)
        documents = gateway.catalog_documents
        if is_current(request, documents.etag):
            return not_modified(documents.etag)
        return tagged(await answer_documents(documents[collection].documents, query), documents.etag)

    async def retrieve_entry(
        request: Request, gateway: GatewayDep, entry_id: Annotated[str, Path(alias="id")]
    ) -> Response:
        query, documents = fields_query(request), gateway.catalog_documents
        found, version = split_version(entry_id)
        version = _version(request, version)
        document = documents[collection].get(found, version)
        if document is None:
            named = f" version {version}" if version else ""
            raise NotFoundError(f"there is no {collection.resource} {found!r}{named}")
        if is_current(request, documents.etag):
            return not_modified(documents.etag)
        return tagged(JsonAnswer(query.project(document)), documents.etag)

    path = str(collection).removeprefix(router.prefix)
    router.add_api_route(
        path,
        list_entries,
        methods=["GET"],
        summary=f"List or find {many}",
        operation_id=f"list{collection.definition}",
        responses=_list_responses(model, example),
        openapi_extra={"parameters": _LIST_PARAMETERS},
    )
    router.add_api_route(
        f"{path}/{{id}}",
        retrieve_entry,
        methods=["GET"],
        summary=f"Retrieve {one}",
        operation_id=f"retrieve{collection.definition}",
        responses={
            200: {
                "description": "The entry, in the version asked for.",
                "model": model,
                "headers": _CACHE_HEADERS,
                "content": {"application/json": {"example": example}},
            },
            **_UNCHANGED,
            **errors(400, 404),
        },
        openapi_extra={"parameters": [_FIELDS, _VERSION, _CONDITION]},
    )


def _list_responses(model: type[BaseModel], example: dict[str, Any]) -> Responses:
    described = {status: dict(response) for status, response in list_responses(model).items() if status != 503}
    for status in (200, 206):
        described[status]["headers"] = {**described[status]["headers"], **_CACHE_HEADERS}
        described[status]["content"] = {"application/json": {"example": [example]}}
    return {**described, **_UNCHANGED}


def _version(request: Request, in_path: str | None) -> str | None:
    """Return the version that a request asks for, in its path or its query.

    Raises:
        InvalidRequestError: when it asks for two.
    """
    asked = {*request.query_params.getlist("version"), *([in_path] if in_path is not None else [])}
    if len(asked) > 1:
        raise InvalidRequestError(f"version: asks for {' and '.join(sorted(asked))}")
    return asked.pop() if asked else None
