"""JSON bodies of requests: read, checked against their model, and kept as they were written."""

import json
import re
from email.message import Message
from math import isinf
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from systems.common.errors import Refusal, invalid
from systems.common.queries import Document
from systems.common.words import shown

LARGEST_BODY = 2_000_000
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"

_UTF_8 = ("", "utf-8", "utf8", "us-ascii", "ascii")
"""Names of what is UTF-8; ASCII is a part of it."""
_CONTENT = "systems.content"
_NULL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

M = TypeVar("M", bound=BaseModel)


async def read_json(request: Request, *media: str) -> tuple[str, Any]:
    """The media type of the body, one of ``media`` (the first where none is named), and its content.

    Raises Refusal 400 for what is no JSON, 413 for more than LARGEST_BODY bytes, 415 for another media type.
    """
    named = request.headers.get("Content-Type", media[0]).partition(";")[0].strip().lower()
    if named not in media:
        raise Refusal(415, "unsupportedMediaType", f"Content-Type is {' or '.join(media)}, not {named or 'missing'}")
    charset = _charset(request.headers.get("Content-Type", ""))
    if charset not in _UTF_8:
        raise Refusal(415, "unsupportedMediaType", f"JSON is sent in UTF-8; the Content-Type says charset={charset}")
    if len(await request.body()) > LARGEST_BODY:
        raise too_large()
    return named, await content_of(request)


async def content_of(request: Request) -> Any:
    """What the JSON of the body says, read once for each request. Raises Refusal 400 for what is no JSON."""
    if _CONTENT not in request.scope:
        request.scope[_CONTENT] = _parsed(await request.body())
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
        raise invalid(list(error.errors())) from None


def too_large() -> Refusal:
    """The refusal of a body, or of what a patch would make, that is over the limit."""
    return Refusal(413, "tooLarge", f"a body has {LARGEST_BODY} bytes at most")


def _charset(content_type: str) -> str:
    """The charset that a Content-Type names, in lower case; empty where it names none."""
    if "charset" not in content_type.lower():
        return ""
    message = Message()
    message["Content-Type"] = content_type
    return (message.get_content_charset() or "").strip()


def _parsed(body: bytes) -> Any:
    try:
        text = body.decode(json.detect_encoding(body))
        content = _DECODER.decode(text)
        # No database takes a null character, and nothing that leaves here may hold half a character: only escapes do.
        if "\\u" in text:
            if _NULL.search(text):
                raise Refusal(400, "invalidJson", "the body holds a null character")
            json.dumps(content, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refusal(400, "invalidJson", f"the body is not JSON: it goes wrong at {where}") from None
    except RecursionError:
        raise Refusal(400, "invalidJson", "the body nests too deeply") from None
    except ValueError:
        reason = "the body is not JSON in UTF-8, or has what JSON has not: NaN, Infinity, half a character"
        raise Refusal(400, "invalidJson", reason) from None
    return content


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(number: str) -> float:
    value = float(number)
    if isinf(value):
        raise ValueError(f"{number} is no number that there is")
    return value


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
