"""Parts of the OpenAPI document that several routes share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.errors import ErrorBody
from orders.lifecycle import OrderKind

_DESCRIPTIONS = {
    400: "The request does not fit its schema; the message names each fault by its path.",
    401: "The request does not bear the administrators' token.",
    403: "The gateway knows no administrators.",
    404: "There is no such resource.",
    409: "This is not possible any more, or not now; `refusals` has each item that does not allow it, and why. Of an "
    "order that is being taken in: its idempotency key, or external id, was used before with another body.",
    413: "The body is over the limit.",
    415: "The body has a media type that is not taken here, or is not in UTF-8.",
    422: "The catalogs do not allow this; `violations` has every rule that it breaks, with its path.",
    503: "Something that the answer needs cannot serve just now; `Retry-After` says when to try again.",
}

_COUNT_HEADERS = {
    "X-Total-Count": {"description": "How many match in all.", "schema": {"type": "integer"}},
    "X-Result-Count": {"description": "How many are in this answer.", "schema": {"type": "integer"}},
}

TAGS = {
    OrderKind.PRODUCT: "TMF622 Product Ordering",
    OrderKind.SERVICE: "TMF641 Service Ordering",
    OrderKind.RESOURCE: "TMF652 Resource Ordering",
}

Responses = dict[int | str, dict[str, Any]]


def errors(*statuses: int) -> Responses:
    """Return the description of the error answers with these statuses, and of all others."""
    named: Responses = {status: {"model": ErrorBody, "description": _DESCRIPTIONS[status]} for status in statuses}
    return {**named, "default": {"model": ErrorBody, "description": "Any other error."}}


def list_responses(model: type[BaseModel]) -> Responses:
    """Return the description of a list's answers."""
    return {
        200: {"description": "All that match.", "model": list[model], "headers": _COUNT_HEADERS},  # type: ignore[valid-type]
        206: {"description": "A part of those that match.", "model": list[model], "headers": _COUNT_HEADERS},  # type: ignore[valid-type]
        **errors(400, 503),
    }


def body_of(model: type[BaseModel], example: Any, *, required: bool = True) -> dict[str, Any]:
    """Return the description of a JSON request body that the route reads by itself."""
    content = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}, "example": example}
    return {"requestBody": {"required": required, "content": {"application/json": content}}}


FIELDS_PARAMETER = {
    "name": "fields",
    "in": "query",
    "description": "First-level attributes to give, separated by commas; `id` and `href` always are.",
    "schema": {"type": "string"},
    "example": "state,productOrderItem",
}

PAGING_PARAMETERS = [
    {
        "name": "offset",
        "in": "query",
        "description": "How many of those that match to leave out.",
        "schema": {"type": "integer", "minimum": 0, "default": 0},
    },
    {
        "name": "limit",
        "in": "query",
        "description": "How many to give at most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    },
]

LIST_PARAMETERS = {
    "parameters": [
        FIELDS_PARAMETER,
        *PAGING_PARAMETERS,
        {
            "name": "sort",
            "in": "query",
            "description": "First-level attributes to sort by, separated by commas, `-` before one that descends.",
            "schema": {"type": "string"},
            "example": "-orderDate",
        },
        {
            "name": "state",
            "in": "query",
            "description": "One of the filters: any attribute filters by its name, a nested one by its dotted path "
            "(`productOrderItem.product.id=…`). Several values, separated by commas, mean any of them; all filters "
            "must hold.",
            "schema": {"type": "string"},
            "example": "inProgress,held",
        },
    ]
}


def describe_request_bodies(app: FastAPI, models: Sequence[type[BaseModel]]) -> None:
    """Add the schemas of bodies that routes read by themselves to the OpenAPI document."""
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _, definitions = models_json_schema(
                [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
            )
            schemas = generated()["components"]["schemas"]
            for name, schema in definitions["$defs"].items():
                schemas.setdefault(name, schema)
        return generated()

    app.openapi = openapi  # type: ignore[method-assign]
