"""Request bodies: their media type, their size, their JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import anyio.to_thread
from fastapi import Request
from pydantic import BaseModel

from api.http.errors import BodyTooLargeError, InvalidRequestError, UnsupportedMediaTypeError
from tmf.bodies import Document, Fault, InvalidBodyError, faults_of, parse_json
from tmf.forms import in_kept_form
from tmf.media_types import JSON, fault_of_media_type
from tmf.words import shown

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

SMALL_BODY = 256 * 1024
"""Bytes of the largest body that goes on to a workflow as it is: far below what Temporal takes in a message."""

_LARGE = 64 * 1024
"""Bytes of a body from which on others do not wait until it is read and checked."""


async def read_json(request: Request, limit: int, media_types: Sequence[str] = (JSON,)) -> Any:
    """Return the request's body, read as JSON of at most `limit` bytes.

    Raises:
        UnsupportedMediaTypeError: when it does not say that it is JSON in UTF-8 of those types, not compressed.
        BodyTooLargeError: when it is larger, whatever its Content-Length says.
        InvalidRequestError: when it is not JSON, or JSON that cannot be kept.
    """
    return await parsed(await read_raw(request, limit, media_types))


async def read_raw(request: Request, limit: int, media_types: Sequence[str] = (JSON,)) -> bytes:
    """Return the request's body as it was sent, of at most `limit` bytes.

    Raises:
        UnsupportedMediaTypeError, BodyTooLargeError: as `read_json`.
    """
    _check_media_type(request, media_types)
    return await _read(request, limit)


async def read_optional_json(request: Request, limit: int) -> Any:
    """Return what `read_json` does, or an empty object where the request has no body.

    Raises:
        ApiError: as `read_json`.
    """
    raw = await _read(request, limit)
    if not raw:
        return {}
    _check_media_type(request, (JSON,))
    return await parsed(raw)


async def parsed(raw: bytes) -> Any:
    """Return a body as JSON.

    Raises:
        InvalidRequestError: when it is not JSON, or JSON that cannot be kept.
    """
    try:
        return await anyio.to_thread.run_sync(parse_json, raw) if len(raw) > _LARGE else parse_json(raw)
    except InvalidBodyError as error:
        raise InvalidRequestError(str(error)) from error


async def worked_on(request: Request, work: Callable[..., T], *arguments: Any) -> T:
    """Return what `work` makes of a request's body: in a thread, unless the body is announced as a small one."""
    announced = request.headers.get("Content-Length", "")
    if announced.isdecimal() and len(announced) < 10 and int(announced) <= _LARGE:
        return work(*arguments)
    return await anyio.to_thread.run_sync(work, *arguments)


def read_as(model: type[M], body: Any) -> M:
    """Return a JSON body as a `model`.

    Raises:
        InvalidRequestError: naming the path of each fault.
    """
    if faults := list(faults_of(model, body)):
        raise InvalidRequestError(str(InvalidBodyError(faults)))
    return model.model_validate(body)


def document_of(model: type[BaseModel], body: Any, faults: Iterable[Fault] = ()) -> Document:
    """Return a JSON body, which must be a `model` and have none of these faults, in the form in which it is kept.

    Raises:
        InvalidRequestError: naming the path of each fault.
    """
    if found := [*faults, *faults_of(model, body)]:
        raise InvalidRequestError(str(InvalidBodyError(found)))
    kept: Document = in_kept_form(model, body)
    return kept


def _check_media_type(request: Request, media_types: Sequence[str]) -> None:
    if wrong := fault_of_media_type(request.headers.get("Content-Type", ""), media_types):
        raise UnsupportedMediaTypeError(wrong)
    if encoding := request.headers.get("Content-Encoding"):
        raise UnsupportedMediaTypeError(f"the body must not be compressed; the Content-Encoding is {shown(encoding)}")


async def _read(request: Request, limit: int) -> bytes:
    announced = request.headers.get("Content-Length", "")
    if announced.isdecimal() and (len(announced) > 20 or int(announced) > limit):
        raise BodyTooLargeError(f"the body may have {limit} bytes and has {announced[:20]}")
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit:
            raise BodyTooLargeError(f"the body may have {limit} bytes and has more")
    return bytes(raw)
