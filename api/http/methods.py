"""The methods that every path has beside its own: HEAD wherever GET is answered, and OPTIONS."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def methods_at(app: FastAPI, path: str) -> list[str]:
    """Return the methods that a path answers to, sorted; none where nothing is served."""
    found: set[str] = set()
    for route in iter_route_contexts(app.routes):
        pattern = getattr(route, "path_regex", None)
        if route.methods and pattern is not None and pattern.match(path):
            found |= route.methods
    if "GET" in found:
        found.add("HEAD")
    return sorted(found | {"OPTIONS"}) if found else []


class Methods:
    """ASGI middleware that answers HEAD as GET without the body, and OPTIONS with the methods of the path."""

    def __init__(self, inner: ASGIApp, app: FastAPI) -> None:
        self._inner = inner
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope.get("method")
        if method == "OPTIONS" and (allowed := methods_at(self._app, scope["path"])):
            await Response(status_code=204, headers={"Allow": ", ".join(allowed)})(scope, receive, send)
        elif method == "HEAD":
            await self._inner({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._inner(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def send_bare(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_bare
