"""Refusals and the TM Forum error body."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException

from tmf.form_faults import in_words
from tmf.query.attributes import UnknownAttributeError
from tmf.query.query import QueryError
from tmf.words import place

PAGE_OF_THE_API = "/docs"
_CODES = {404: "notFound", 405: "methodNotAllowed", 413: "tooLarge", 415: "unsupportedMediaType"}


class Error(BaseModel):
    """The TM Forum error body: ``code`` is for programs, ``reason`` for people."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    code: str
    reason: str
    message: str | None = Field(default=None, description="What the HTTP status stands for.")
    status: str | None = Field(default=None, description="The HTTP status.")
    reference_error: str | None = Field(default=None, description="Where the API is described.")
    at_type: str = Field(default="Error", alias="@type")


class Refusal(Exception):  # noqa: N818 - the field's word for it
    """The request is answered with an error and leaves no effect.

    ``code`` is for programs (``poolExhausted``), ``reason`` for people.
    """

    def __init__(self, status: int, code: str, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = reason
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The TM Forum error body."""
        return error_body(self.status, self.code, self.reason)

    def response(self) -> JSONResponse:
        """The answer to give."""
        return JSONResponse(self.body(), status_code=self.status, headers=self.headers)


def error_body(status: int, code: str, reason: str) -> dict[str, Any]:
    """A TM Forum error: ``{code, reason, message, status, "@type"}``, with ``referenceError`` for a faulty request."""
    body = {
        "code": code,
        "reason": reason,
        "message": HTTPStatus(status).phrase,
        "status": str(status),
        "@type": "Error",
    }
    return body | {"referenceError": PAGE_OF_THE_API} if status in (400, 405, 415) else body


def install_error_answers(app: FastAPI) -> None:
    """Make every error of ``app`` answer with the TM Forum body."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(QueryError, _on_query)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_crash)


async def _on_refusal(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Refusal)
    return exc.response()


async def _on_query(_request: Request, exc: Exception) -> JSONResponse:
    code = "unknownAttribute" if isinstance(exc.__cause__, UnknownAttributeError) else "invalidQuery"
    return Refusal(400, code, str(exc)).response()


async def _on_invalid(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)
    return Refusal(400, "invalidRequest", "; ".join(map(_told, exc.errors()))).response()


def _told(fault: Any) -> str:
    """One of FastAPI's faults; it says where a value stood in the request before it says where it stood in the body."""
    if fault["type"] == "json_invalid":
        return "the body is not JSON"
    path = fault["loc"][1:] if fault["loc"][:1] == ("body",) else fault["loc"]
    return f"{place(path) or 'the body'}: {in_words(fault)}"


async def _on_http(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    code = _CODES.get(exc.status_code, "httpError")
    body = error_body(exc.status_code, code, str(exc.detail))
    return JSONResponse(body, status_code=exc.status_code, headers=exc.headers)


async def _on_crash(_request: Request, exc: Exception) -> JSONResponse:
    return JSONResponse(error_body(500, "internalError", type(exc).__name__), status_code=500)
