"""The activation system's application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from systems.activation import audit, service_tests, tables
from systems.activation.completion import Completions
from systems.activation.configuration import configuration_router
from systems.activation.kinds import RESOURCES, SERVICES
from systems.activation.listeners import Listeners, hub_router
from systems.activation.monitors import monitor_router
from systems.activation.settings import settings_router
from systems.common import tables as common_tables
from systems.common.database import Database
from systems.common.system import System, make_app


def create_app(database_url: str, *, latency_ms: int = 0, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """The activation system on the database at ``database_url``.

    ``latency_ms``: how long a change takes where ``/settings`` does not say otherwise. ``transport`` carries the events
    to the listeners (the network by default).
    """
    database = Database(database_url, common_tables.metadata, tables.metadata)
    listeners = Listeners(database, transport)
    completions = Completions(database, listeners)

    @asynccontextmanager
    async def background() -> AsyncIterator[None]:
        async with listeners.delivering(), completions.running():
            yield

    return make_app(
        System("activation", database, latency_ms),
        [
            *(configuration_router(kind, completions) for kind in (SERVICES, RESOURCES)),
            *(monitor_router(kind) for kind in (SERVICES, RESOURCES)),
            *(hub_router(kind, database) for kind in (SERVICES, RESOURCES)),
            service_tests.router,
            settings_router(database, latency_ms),
            audit.router,
        ],
        background=background,
    )
