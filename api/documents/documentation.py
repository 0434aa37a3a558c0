"""Documentation of routes: parts of the OpenAPI document that several of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from api.http.errors import ERRORS, ErrorBody
from orders.lifecycle.states import OrderKind
from tmf.media_types import JSON

DESCRIPTIONS = {
    400: "The request does not fit its schema; the message names each fault by its path.",
    401: "The request does not prove who sends it.",
    403: "The gateway knows nobody who may do this: the secret for it is not set.",
    404: "There is no such resource.",
    409: "This is not possible any more, or not now; `refusals` has each item that does not allow it, and why. Of an "
    "order that is being taken in: its idempotency key, or external id, was used before with another body.",
    413: "The body is over the limit.",
    415: "The body has a media type that is not taken here, or is not in UTF-8.",
    500: "The gateway failed; its log says how.",
    422: "The catalogs do not allow this; `violations` has every rule that it breaks, with its path.",
    503: "Something that the answer needs cannot serve just now; `Retry-After` says when to try again.",
}


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "required": True, "schema": {"type": kind}}


_ERROR_HEADERS = {
    401: {"WWW-Authenticate": _header("How to prove it.")},
    503: {"Retry-After": _header("After how many seconds to try again.", "integer")},
}

_COUNT_HEADERS = {
    "X-Total-Count": _header("How many match in all.", "integer"),
    "X-Result-Count": _header("How many are in this answer.", "integer"),
}

LOCATION = {"Location": _header("The `href` of what was made.")}

TAGS = {
    OrderKind.PRODUCT: "TMF622 Product Ordering",
    OrderKind.SERVICE: "TMF641 Service Ordering",
    OrderKind.RESOURCE: "TMF652 Resource Ordering",
}

Responses = dict[int | str, dict[str, Any]]


def errors(*statuses: int) -> Responses:
    """Return the description of the error answers with these statuses, and of a defect."""
    return {status: _error(status) for status in (*statuses, 500)}


def _error(status: int) -> dict[str, Any]:
    kind = next(each for each in ERRORS if each.status == status)
    message = DESCRIPTIONS[status]
    example = ErrorBody(code=kind.code, reason=kind.reason, message=message, status=str(status))
    content = {"application/json": {"example": example.model_dump(exclude_none=True)}}
    described = {"model": ErrorBody, "description": message, "content": content}
    return described | ({"headers": _ERROR_HEADERS[status]} if status in _ERROR_HEADERS else {})


def list_responses(model: type[BaseModel]) -> Responses:
    """Return the description of a list's answers."""
    return {
        200: {"description": "All that match.", "model": list[model], "headers": _COUNT_HEADERS},  # type: ignore[valid-type]
        206: {"description": "A part of those that match.", "model": list[model], "headers": _COUNT_HEADERS},  # type: ignore[valid-type]
        **errors(400, 503),
    }


class RequestBody(dict[str, Any]):
    """The description of a request body that the route reads by itself, with the model that its schema is made from."""

    def __init__(self, model: type[BaseModel], **description: Any) -> None:
        super().__init__(description)
        self.model = model


def body_of(
    model: type[BaseModel],
    example: Any,
    *,
    required: bool = True,
    media_types: Sequence[str] = (JSON,),
    others: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the description of a request body that the route reads by itself.

    Args:
        media_types: those in which the body is a `model`.
        others: the content of other media types, each with `schema` and `example`.
    """
    content = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}, "example": example}
    described = {**dict.fromkeys(media_types, content), **(others or {})}
    return {"requestBody": RequestBody(model, required=required, content=described)}


def fields_parameter(example: str, always: Sequence[str] = ("id", "href")) -> dict[str, Any]:
    """Return the description of the parameter that cuts documents down; some attributes are `always` given."""
    *names, last = (f"`{name}`" for name in always)
    given = f"{', '.join(names)} and {last}"
    return {
        "name": "fields",
        "in": "query",
        "description": f"First-level attributes to give, separated by commas; {given} always are.",
        "schema": {"type": "string"},
        "example": example,
    }


def insisting_on(*names: str) -> ConfigDict:
    """Return what makes a schema require these attributes alone: those that `fields` leaves in every answer."""

    def insist(schema: dict[str, Any]) -> None:
        schema["required"] = list(names)

    return ConfigDict(json_schema_extra=insist)


FIELDS_PARAMETER = fields_parameter("state,productOrderItem")

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


def list_parameters(sort: str, fields: dict[str, Any] = FIELDS_PARAMETER) -> dict[str, Any]:
    """Return the description of a list's parameters; `sort` is an example of what to sort by."""
    return {
        "parameters": [
            fields,
            *PAGING_PARAMETERS,
            {
                "name": "sort",
                "in": "query",
                "description": "Attributes to sort by, separated by commas, `-` before one that descends; nested ones "
                "by their dotted path. What does not have the attribute comes last. Without it the newest come first.",
                "schema": {"type": "string"},
                "example": sort,
            },
            {
                "name": "state",
                "in": "query",
                "description": "One of the filters: any attribute filters by its name, a nested one by its dotted path "
                "(`productOrderItem.product.id=…`). Several values, separated by commas, mean any of them, and so do "
                "whole filters that are joined by `;`; all that are joined by `&` must hold. Behind the name an "
                "operator compares otherwise, as in `orderDate.gte=2026-01-31`: `.ne`, `.gt`, `.gte`, `.lt`, `.lte` "
                "(numbers and times by their value, other text by code point), and `.regex` (a pattern found anywhere "
                "in the text).",
                "schema": {"type": "string"},
                "example": "inProgress,held",
            },
        ]
    }


LIST_PARAMETERS = list_parameters("state,-id")
