"""Every refusal of the gateway, and the one shape that all of them answer with: the TM Forum error body.

ApiError
 ├─ InvalidRequestError        400  the request does not fit its schema; each fault with its path
 ├─ UnauthorizedError          401  the request does not say who sends it, or says it wrongly; with WWW-Authenticate
 ├─ ForbiddenError             403  nobody may do this here
 ├─ NotFoundError              404  there is no such resource
 ├─ ConflictError              409  an idempotency key was used before, with another body
 ├─ AlreadyThereError          409  what is to be made is there already
 ├─ NotAllowedError            409  an order or task does not allow this any more, or not now; with each item's reason
 ├─ BodyTooLargeError          413
 ├─ UnsupportedMediaTypeError  415
 ├─ BrokenRulesError           422  the catalogs do not allow this; each rule that it breaks with its path
 └─ UnavailableError           503  something that the answer needs cannot serve just now; with Retry-After
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api.engine import EngineRefusedError, EngineUnavailableError, MessageRefusedError, RequestTooLargeError
from api.http.answers import JsonAnswer
from api.http.methods import methods_at
from orders.model.revision import Refusal
from orders.model.violation import Violation
from store.errors import IdempotencyConflictError, StoreUnavailableError
from tmf.form_faults import in_words
from tmf.model import Model
from tmf.query.query import QueryError

RETRY_AFTER_SECONDS = 5
EXPLANATIONS = "/docs/errors"
"""Where the gateway explains its errors, each under its code."""
_CLIENT_CLOSED_REQUEST = 499

_log = structlog.get_logger(__name__)


class ErrorBody(Model):
    """The error body of the TM Forum APIs (v4)."""

    code: str = Field(description="For programs: which kind of error this is.", examples=["invalidRequest"])
    reason: str = Field(description="For people: the kind of error in a sentence.")
    message: str | None = Field(default=None, description="For people: what exactly is wrong, each fault by its path.")
    status: str = Field(description="The HTTP status.", examples=["400"])
    reference_error: str | None = Field(default=None, description="Where more about the error can be read.")
    type: str = Field(default="Error", alias="@type")
    refusals: list[Refusal] | None = Field(default=None, description="Which items do not allow this, and why.")
    violations: list[Violation] | None = Field(default=None, description="Which rules of the catalogs this breaks.")


class ApiError(Exception):
    """A request that is answered with an error; the message says what exactly is wrong, for people."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internalError"
    reason = "The gateway failed"

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})

    def response(self, base_url: str) -> JsonAnswer:
        """Return the answer; `base_url` is the gateway's address, where the error is explained."""
        return error_response(base_url, self.status, self.code, self.reason, self.message, self.headers)


class InvalidRequestError(ApiError):
    status = HTTPStatus.BAD_REQUEST
    code = "invalidRequest"
    reason = "The request does not fit its schema"


class UnauthorizedError(ApiError):
    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"
    reason = "The request does not prove who sends it"

    def __init__(self, message: str) -> None:
        super().__init__(message, {"WWW-Authenticate": 'Bearer realm="ordersaga"'})


class ForbiddenError(ApiError):
    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    reason = "This gateway does not let anybody do this"


class NotFoundError(ApiError):
    status = HTTPStatus.NOT_FOUND
    code = "notFound"
    reason = "There is no such resource"


class ConflictError(ApiError):
    status = HTTPStatus.CONFLICT
    code = "idempotencyConflict"
    reason = "This key was used before, with another body"


class AlreadyThereError(ApiError):
    status = HTTPStatus.CONFLICT
    code = "alreadyThere"
    reason = "This is there already; nothing has changed"


class NotAllowedError(ApiError):
    status = HTTPStatus.CONFLICT
    code = "notAllowed"
    reason = "This is not possible any more, or not now; nothing has changed"

    def __init__(self, message: str, refusals: Sequence[Refusal] = ()) -> None:
        untold = [each for each in refusals if each.reason not in message]
        told = "; ".join(f"item {each.item_id or each.key}: {each.reason}" for each in untold)
        super().__init__(": ".join(part for part in (message, told) if part))
        self.refusals = list(refusals)

    def response(self, base_url: str) -> JsonAnswer:
        return error_response(base_url, self.status, self.code, self.reason, self.message, refusals=self.refusals)


class BrokenRulesError(ApiError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "brokenRules"
    reason = "The catalogs do not allow this; nothing has changed"

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(str(violation) for violation in violations))
        self.violations = list(violations)

    def response(self, base_url: str) -> JsonAnswer:
        return error_response(base_url, self.status, self.code, self.reason, self.message, violations=self.violations)


class BodyTooLargeError(ApiError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "bodyTooLarge"
    reason = "The request body is over the limit"


class UnsupportedMediaTypeError(ApiError):
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupportedMediaType"
    reason = "The request body has a media type that is not taken here"


class UnavailableError(ApiError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    reason = "The gateway cannot serve this just now; try again later"

    def __init__(self, message: str) -> None:
        super().__init__(message, {"Retry-After": str(RETRY_AFTER_SECONDS)})


ERRORS: tuple[type[ApiError], ...] = (
    InvalidRequestError,
    UnauthorizedError,
    ForbiddenError,
    NotFoundError,
    NotAllowedError,
    ConflictError,
    AlreadyThereError,
    BodyTooLargeError,
    UnsupportedMediaTypeError,
    BrokenRulesError,
    ApiError,
    UnavailableError,
)
"""Every kind of error, by its status."""


def error_response(
    base_url: str,
    status: int,
    code: str,
    reason: str,
    message: str | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    refusals: list[Refusal] | None = None,
    violations: list[Violation] | None = None,
) -> JsonAnswer:
    """Return the answer with the TM Forum error body."""
    body = ErrorBody(
        code=code,
        reason=reason,
        message=message,
        status=str(int(status)),
        reference_error=f"{base_url}{EXPLANATIONS}#{code}",
        refusals=refusals or None,
        violations=violations or None,
    )
    return JsonAnswer(body.model_dump(exclude_none=True), status_code=int(status), headers=dict(headers or {}))


def install_error_answers(app: FastAPI) -> None:
    """Make every error of `app` answer with the TM Forum body."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(QueryError, _on_query_error)
    app.add_exception_handler(IdempotencyConflictError, _on_conflict)
    app.add_exception_handler(StoreUnavailableError, _on_store_unavailable)
    app.add_exception_handler(MessageRefusedError, _on_refusal)
    app.add_exception_handler(EngineUnavailableError, _on_engine_trouble)
    app.add_exception_handler(EngineRefusedError, _on_engine_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid_parameters)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_defect)


def _base_url(request: Request) -> str:
    base_url: str = request.app.state.gateway.base_url
    return base_url


async def _on_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response(_base_url(request))


async def _on_query_error(request: Request, error: Exception) -> Response:
    return InvalidRequestError(str(error)).response(_base_url(request))


async def _on_conflict(request: Request, error: Exception) -> Response:
    return ConflictError(str(error)).response(_base_url(request))


async def _on_store_unavailable(request: Request, error: Exception) -> Response:
    _log.warning("store unavailable", path=request.url.path, error=str(error))
    return UnavailableError("the order store cannot serve").response(_base_url(request))


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, MessageRefusedError)
    if error.for_now:
        return UnavailableError(error.message).response(_base_url(request))
    if error.violations:
        return BrokenRulesError(error.violations).response(_base_url(request))
    return NotAllowedError(error.message, error.refusals).response(_base_url(request))


async def _on_engine_trouble(request: Request, error: Exception) -> Response:
    _log.warning("Temporal cannot serve", path=request.url.path, error=str(error))
    return UnavailableError(str(error)).response(_base_url(request))


async def _on_engine_refusal(request: Request, error: Exception) -> Response:
    _log.error("Temporal refuses", path=request.url.path, error=str(error))
    kind = BodyTooLargeError if isinstance(error, RequestTooLargeError) else NotAllowedError
    return kind(str(error)).response(_base_url(request))


async def _on_invalid_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [f"{'.'.join(str(step) for step in each['loc'])}: {in_words(each)}" for each in error.errors()]
    return InvalidRequestError("; ".join(faults)).response(_base_url(request))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    code = re.sub(r"\W", "", phrase.title())
    return error_response(
        _base_url(request),
        error.status_code,
        code[:1].lower() + code[1:],
        phrase,
        f"{request.method} {request.url.path}: {error.detail}",
        {**(error.headers or {}), **_allowed(request, error.status_code)},
    )


def _allowed(request: Request, status: int) -> dict[str, str]:
    """Return the header that names every method of the path, where the one asked for is none of them."""
    if status != HTTPStatus.METHOD_NOT_ALLOWED:
        return {}
    return {"Allow": ", ".join(methods_at(request.app, request.url.path))}


async def _on_disconnect(_request: Request, _error: Exception) -> Response:
    return Response(status_code=_CLIENT_CLOSED_REQUEST)


async def _on_defect(request: Request, error: Exception) -> Response:
    _log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
    return ApiError("an unexpected error; the log has its details").response(_base_url(request))
