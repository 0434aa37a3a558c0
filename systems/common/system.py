"""A reference system: how one is put together and started."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from types import FrameType
from typing import Annotated

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel
from sqlalchemy import Connection

from systems.common.addresses import Addresses
from systems.common.database import Database, UnreachableError
from systems.common.deliveries import Deliveries
from systems.common.docs import describe, errors
from systems.common.errors import install_error_answers
from systems.common.faults import fault_router
from systems.common.log import log_router

SHUTDOWN_SECONDS = 2


@dataclass(frozen=True)
class System:
    """What every part of one running system uses.

    ``deliveries`` carry its events. ``latency_ms``: how long each change takes. ``closing`` is set when the process is
    told to end. ``public_url``: its address as others see it; where it is None, the one by which they came.
    """

    name: str
    database: Database
    deliveries: Deliveries
    latency_ms: int = 0
    public_url: str | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    _later: set[asyncio.Task[None]] = field(default_factory=set)

    async def pause(self, seconds: float) -> None:
        """Let time pass, but not past the end of the process."""
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.closing.wait()

    def later(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do ``work`` when the time has passed, unless the system ends before."""

        async def wait_and_do() -> None:
            await asyncio.sleep(seconds)
            await work()

        task = asyncio.create_task(wait_and_do())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def drop_later(self) -> None:
        """Do nothing any more of what was to be done later."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)


Seed = Callable[[Connection], None]
Background = Callable[[], AbstractAsyncContextManager[None]]


def _nothing_to_seed(_connection: Connection) -> None:
    return


def make_app(
    system: System,
    routers: Sequence[APIRouter],
    *,
    description: str,
    apis: Mapping[str, str],
    bodies: Sequence[type[BaseModel]],
    seed: Seed = _nothing_to_seed,
    background: Background = nullcontext,
) -> FastAPI:
    """The system's application.

    ``apis`` are its TM Forum APIs, base path → title: each has an OpenAPI document of its own beside that of the whole.
    ``bodies`` are the models of bodies that routes read by themselves. Its lifespan makes the tables, runs ``seed`` in
    the same transaction, delivers events and holds ``background`` open; a client that calls the application without a
    server enters it with ``app.router.lifespan_context(app)``.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            await system.database.prepare(seed)
            async with system.deliveries.running(), background():
                yield
        finally:
            await system.drop_later()
            await system.database.close()

    app = FastAPIOffline(
        title=f"Reference {system.name} system",
        description=description,
        version=version("ordersaga"),
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        static_url="/docs/assets",
        # No badge: it would send the document to a validator elsewhere.
        swagger_ui_parameters={"validatorUrl": None},
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    app.state.system = system
    app.add_middleware(Addresses, public_url=system.public_url)
    install_error_answers(app)
    for router in (*routers, _health_router(), log_router(system.database), fault_router(system.database)):
        app.include_router(router)
    describe(app, bodies, apis)
    return app


def _health_router() -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/health", summary="Is the system up?", responses=errors())
    async def health() -> dict[str, str]:
        return {"status": "up"}

    return router


async def _database(request: Request) -> Database:
    system: System = request.app.state.system
    return system.database


DatabaseDep = Annotated[Database, Depends(_database)]
IdPath = Annotated[str, Path(alias="id")]


def serve(name: str, default_port: int, create_app: Callable[..., FastAPI]) -> None:
    """Run the system as a process of its own, by the command line; SIGTERM and Ctrl-C end it.

    ``create_app`` is given the database URL, ``latency_ms`` and ``public_url``.
    """
    parser = argparse.ArgumentParser(prog=f"python -m systems.{name}", description=f"Reference {name} system")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=default_port, help="0 takes a free one")
    parser.add_argument("--database", default=f"sqlite:///{name}.db", help="SQLite file or PostgreSQL, its own, by URL")
    parser.add_argument("--latency-ms", type=int, default=0, help="how long each change takes")
    parser.add_argument("--public-url", help="what href begins with [default: the address by which a request came]")
    options = parser.parse_args()
    try:
        app = create_app(options.database, latency_ms=options.latency_ms, public_url=options.public_url)
    except ValueError as error:
        parser.error(f"argument --database: {error}")
    try:
        asyncio.run(app.state.system.database.reach())
    except UnreachableError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    with suppress(KeyboardInterrupt):
        _Server(config).run()


class _Server(uvicorn.Server):
    """Tells requests that are being held back that the process ends."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        app = self.config.app
        assert isinstance(app, FastAPI)
        asyncio.get_running_loop().call_soon_threadsafe(app.state.system.closing.set)
        super().handle_exit(sig, frame)
