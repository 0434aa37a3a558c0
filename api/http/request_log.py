"""A line in the log for each request."""

from __future__ import annotations

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger(__name__)


class RequestLog:
    """ASGI middleware that logs method, path, status and duration; of looks at the gateway's health, at DEBUG."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        finally:
            log = _log.debug if scope["path"].startswith("/health/") else _log.info
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            log("request", method=scope["method"], path=scope["path"], status=status, ms=milliseconds)
