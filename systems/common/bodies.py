"""JSON bodies of requests: read, checked against their model, and kept as they were written."""

import json
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from systems.common.errors import Refusal
from tmf.bodies import Document, InvalidBodyError, faults_in, parse_json
from tmf.media_types import JSON, fault_of_media_type, media_type_of
from tmf.words import shown

LARGEST_BODY = 2_000_000

_CONTENT = "systems.content"

M = TypeVar("M", bound=BaseModel)


async def read_json(request: Request, *media: str) -> tuple[str, Any]:
    """The media type of the body, one of ``media`` (the first where none is named), and its content.

    Raises Refusal 400 for what is no JSON, 413 for more than LARGEST_BODY bytes, 415 for another media type.
    """
    content_type = request.headers.get("Content-Type", media[0])
    if wrong := fault_of_media_type(content_type, media):
        raise Refusal(415, "unsupportedMediaType", wrong)
    if len(await request.body()) > LARGEST_BODY:
        raise too_large()
    return media_type_of(content_type), await content_of(request)


async def content_of(request: Request) -> Any:
    """What the JSON of the body says, read once for each request. Raises Refusal 400 for what is no JSON."""
    if _CONTENT not in request.scope:
        try:
            request.scope[_CONTENT] = parse_json(await request.body())
        except InvalidBodyError as error:
            raise Refusal(400, "invalidJson", str(error)) from None
    return request.scope[_CONTENT]


async def read_object(request: Request) -> Document:
    """The JSON object in the body. Raises Refusal as ``read_json`` does."""
    _, content = await read_json(request, JSON)
    return as_object(content)


def as_object(content: Any) -> Document:
    """``content``, a JSON object. Raises Refusal 400 for anything else."""
    if not isinstance(content, dict):
        raise Refusal(400, "invalidRequest", f"the body must be a JSON object, not {shown(content)}")
    return content


def fitting(model: type[M], content: Any, *, strict: bool = True) -> M:
    """``content`` as ``model`` reads it; if not ``strict``, a number may be written as text, and the other way round.

    Raises Refusal 400 naming each attribute that does not fit.
    """
    try:
        return model.model_validate_json(json.dumps(content), strict=strict)
    except ValidationError as error:
        faults = list(faults_in(error, content))
        raise Refusal(400, "invalidRequest", str(InvalidBodyError(faults))) from None


def too_large() -> Refusal:
    """The refusal of a body, or of what a patch would make, that is over the limit."""
    return Refusal(413, "tooLarge", f"a body has {LARGEST_BODY} bytes at most")
