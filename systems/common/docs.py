"""Parts of the OpenAPI documents that several routes share, and the documents themselves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from systems.common.errors import Error
from tmf.bodies import Document
from tmf.media_types import JSON, JSON_PATCH, MERGE_PATCH

REFERENCE = "#/components/schemas/"
Responses = dict[int | str, dict[str, Any]]

_DESCRIPTIONS = {
    400: "The request does not fit: `reason` names what.",
    404: "There is no such resource.",
    409: "This cannot be, as things stand.",
    413: "The body is too large.",
    415: "The body has another media type.",
    422: "The system does not take this request, or its `Idempotency-Key` was used for another one.",
    423: "Another change is under way: try again later.",
    503: "The system cannot do it just now: try again.",
}

_COUNTS = {
    "X-Total-Count": {"description": "How many match in all.", "schema": {"type": "integer"}},
    "X-Result-Count": {"description": "How many are in this answer.", "schema": {"type": "integer"}},
}
_LOCATION = {"Location": {"description": "Where it is read: its `href`.", "schema": {"type": "string"}}}

_FIELDS = {
    "name": "fields",
    "in": "query",
    "description": "First-level attributes to give, separated by commas; `id` and `href` always are.",
    "schema": {"type": "string"},
    "example": "name",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The request takes effect once for each key, and a repeat is answered as before.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 500, "pattern": "^[!-~]+$"},
}


def errors(*statuses: int) -> Responses:
    """The error answers with these statuses, and any other."""
    named: Responses = {status: {"model": Error, "description": _DESCRIPTIONS[status]} for status in statuses}
    return {**named, "default": {"model": Error, "description": "Any other error."}}


def listed(model: type[BaseModel], filtered_by: str, example: str) -> Document:
    """What a route that lists says of itself; ``filtered_by`` is one of the attributes that filter."""
    answers: Responses = {
        200: {"description": "All that match.", "model": list[model], "headers": _COUNTS},  # type: ignore[valid-type]
        206: {"description": "Some of those that match.", "model": list[model], "headers": _COUNTS},  # type: ignore[valid-type]
        **errors(400),
    }
    return {"responses": answers, "openapi_extra": {"parameters": _list_parameters(filtered_by, example)}}


def read_one(model: type[BaseModel]) -> Document:
    """What a route that reads one document says of itself."""
    return {"responses": found(model), "openapi_extra": {"parameters": [_FIELDS]}}


def found(model: type[BaseModel]) -> Responses:
    """The answers of a route that reads one thing."""
    return {200: {"model": model, "description": "It."}, **errors(400, 404)}


EMPTY: Document = {
    "status_code": 204,
    "responses": {204: {"description": "Done; there is nothing to say."}, **errors(400, 404)},
}


def creates(model: type[BaseModel], body: type[BaseModel], example: Any, *also: int, status: int = 201) -> Document:
    """What a route that makes something says of itself."""
    made: Document = {"model": model, "description": "Made.", "headers": _LOCATION}
    return {
        "status_code": status,
        "responses": {status: made, **errors(400, 409, 413, 415, 422, *also)},
        "openapi_extra": {**body_of(body, example), "parameters": [_KEY]},
    }


def patches(model: type[BaseModel], body: type[BaseModel], example: Any, *also: int) -> Document:
    """What a route that patches says of itself."""
    schema = {"$ref": REFERENCE + body.__name__}
    operations = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in example.items()]
    merge = {"schema": schema, "example": example}
    operation_list = {"type": "array", "items": {"type": "object"}}
    content = {
        MERGE_PATCH: merge,
        JSON: merge,
        JSON_PATCH: {"schema": operation_list, "example": operations},
    }
    return {
        "responses": {
            200: {"model": model, "description": "As it is now."},
            **errors(400, 404, 409, 413, 415, 422, *also),
        },
        "openapi_extra": {"requestBody": {"required": True, "content": content}, "parameters": [_KEY]},
    }


def removes(*also: int) -> Document:
    """What a route that deletes says of itself."""
    done = {"description": "Gone."}
    return {
        "status_code": 204,
        "responses": {204: done, **errors(400, 404, 409, 422, *also)},
        "openapi_extra": {"parameters": [_KEY]},
    }


def body_of(model: type[BaseModel], example: Any, *, required: bool = True) -> Document:
    """The description of a JSON body that the route reads by itself."""
    content = {"schema": {"$ref": REFERENCE + model.__name__}, "example": example}
    return {"requestBody": {"required": required, "content": {JSON: content}}}


def _list_parameters(filtered_by: str, example: str) -> list[Document]:
    return [
        _FIELDS,
        {
            "name": "offset",
            "in": "query",
            "description": "How many of those that match to leave out.",
            "schema": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "default": 0},
        },
        {
            "name": "limit",
            "in": "query",
            "description": "How many to give at most.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000},
        },
        {
            "name": "sort",
            "in": "query",
            "description": "First-level attributes to sort by, separated by commas, `-` before one that descends.",
            "schema": {"type": "string"},
            "example": "-id",
        },
        {
            "name": filtered_by,
            "in": "query",
            "description": "One of the filters: any attribute filters by its name, a nested one by its dotted path. "
            "Values separated by commas are alternatives, a quoted one may hold commas; so are filters joined by `;`. "
            "`.gt`, `.gte`, `.lt`, `.lte`, `.ne` or `.regex` behind the name compare.",
            "schema": {"type": "string"},
            "example": example,
        },
    ]


def describe(app: FastAPI, bodies: Sequence[type[BaseModel]], apis: Mapping[str, str]) -> None:
    """Complete the OpenAPI document of ``app`` and give each of ``apis``, base path → title, one of its own."""
    generated = app.openapi

    def openapi() -> Document:
        if app.openapi_schema is None:
            _, definitions = models_json_schema(
                [(body, "validation") for body in bodies], ref_template=f"{REFERENCE}{{model}}"
            )
            schemas = generated()["components"]["schemas"]
            for name, schema in definitions.get("$defs", {}).items():
                schemas.setdefault(name, schema)
        return generated()

    app.openapi = openapi  # type: ignore[method-assign]
    for base, title in apis.items():
        _serve_document(app, base, title)


def _serve_document(app: FastAPI, base: str, title: str) -> None:
    async def document() -> JSONResponse:
        return JSONResponse(part_of(app.openapi(), base, title))

    app.add_api_route(f"{base}/openapi.json", document, include_in_schema=False)


def part_of(document: Document, base: str, title: str) -> Document:
    """The document of the API at ``base`` alone, with the schemas that it needs."""
    paths = {path: item for path, item in document["paths"].items() if path.startswith(f"{base}/")}
    schemas = document["components"]["schemas"]
    needed: set[str] = set()
    found_now = set(_referred(paths))
    while found_now:
        needed |= found_now
        found_now = {name for each in found_now for name in _referred(schemas[each])} - needed
    return {
        **document,
        "info": {**document["info"], "title": title},
        "paths": paths,
        "components": {"schemas": {name: schema for name, schema in schemas.items() if name in needed}},
    }


def _referred(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(REFERENCE)
        for value in node.values():
            yield from _referred(value)
    elif isinstance(node, list):
        for value in node:
            yield from _referred(value)
