"""A proxy before a reference system: what the worker asks of it, when, and what it is answered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.stack.server import Server
from embedded.ports import LOOPBACK

_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
_KEY = "idempotency-key"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer; `began` and `ended` are seconds of `time.time`."""

    system: str
    method: str
    path: str
    """With its query."""
    key: str | None
    body: Any
    status: int
    answer: Any
    began: float
    ended: float


@dataclass(slots=True)
class Proxies:
    """The proxies that run: their addresses by system, and what went through them, in the order of its beginning."""

    urls: Mapping[str, str]
    exchanges: list[Exchange] = field(default_factory=list)

    def forget(self) -> None:
        """Begin anew."""
        self.exchanges.clear()

    def seen(self) -> list[Exchange]:
        """Return what was asked since, oldest first, without what is asked of health and for events."""
        asked = (each for each in self.exchanges if not each.path.endswith(("/health", "/hub")))
        return sorted(asked, key=lambda each: each.began)


@asynccontextmanager
async def proxied(systems: Mapping[str, str], ports: Mapping[str, int]) -> AsyncIterator[Proxies]:
    """Run a proxy for each of `systems` (base URLs), at these ports of this machine, for the length of the block."""
    proxies = Proxies({name: f"http://{LOOPBACK}:{ports[name]}" for name in systems})
    async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
        servers = [_server(proxies, client, name, url, ports[name]) for name, url in systems.items()]
        running = [asyncio.create_task(server.serve()) for server in servers]
        try:
            for server in servers:
                await server.up.wait()
            yield proxies
        finally:
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*running)


def _server(proxies: Proxies, client: httpx2.AsyncClient, name: str, url: str, port: int) -> Server:
    async def pass_on(request: Request) -> Response:
        began, content = time.time(), await request.body()
        path = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        passed = {key: value for key, value in request.headers.items() if key not in ("host", "content-length")}
        answer = await client.request(request.method, f"{url}{path}", content=content, headers=passed)
        proxies.exchanges.append(
            Exchange(
                system=name,
                method=request.method,
                path=path,
                key=request.headers.get(_KEY),
                body=_json(content),
                status=answer.status_code,
                answer=_json(answer.content),
                began=began,
                ended=time.time(),
            )
        )
        kept = {key: value for key, value in answer.headers.items() if key not in ("content-length", "date", "server")}
        return Response(answer.content, answer.status_code, kept)

    app = Starlette(routes=[Route("/{path:path}", pass_on, methods=_METHODS)])
    return Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_level="error", access_log=False))


def _json(content: bytes) -> Any:
    return json.loads(content) if content else None
