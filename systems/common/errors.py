"""Refusals and the TM Forum error body."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


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
    """A TM Forum error: ``{code, reason, message, status, "@type"}``."""
    return {
        "code": code,
        "reason": reason,
        "message": HTTPStatus(status).phrase,
        "status": str(status),
        "@type": "Error",
    }


def install_error_answers(app: FastAPI) -> None:
    """Make every error of ``app`` answer with the TM Forum body."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_crash)


async def _on_refusal(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Refusal)
    return exc.response()


async def _on_invalid(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)
    reasons = (f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in exc.errors())
    return JSONResponse(error_body(400, "invalidRequest", "; ".join(reasons)), status_code=400)


async def _on_http(_request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    return JSONResponse(
        error_body(exc.status_code, "httpError", str(exc.detail)), status_code=exc.status_code, headers=exc.headers
    )


async def _on_crash(_request: Request, exc: Exception) -> JSONResponse:
    return JSONResponse(error_body(500, "internalError", type(exc).__name__), status_code=500)
