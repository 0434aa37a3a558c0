"""A slash at the end of an address changes nothing: clients, and TM Forum's own conformance kits, write both."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class TrailingSlash:
    """ASGI middleware that leaves out one slash at the end of a path, rather than redirect: that loses bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path, raw = scope["path"], scope.get("raw_path") or b""
            # An encoded slash (%2F) is one of an id.
            if len(path) > 1 and path.endswith("/") and raw[-3:].upper() != b"%2F":
                scope = {**scope, "path": path[:-1], "raw_path": raw.removesuffix(b"/")}
        await self._app(scope, receive, send)
