"""The activation system's application."""

import httpx2
from fastapi import FastAPI

from systems.activation import audit, behaviour, failures, service_tests, tables
from systems.activation.completion import Completions
from systems.activation.configuration import configuration_router
from systems.activation.kinds import KINDS, RESOURCES, SERVICES
from systems.activation.monitors import Monitor, monitor_router
from systems.common import hub
from systems.common import tables as common_tables
from systems.common.database import Database
from systems.common.deliveries import Deliveries
from systems.common.hub import hub_router
from systems.common.system import System, make_app
from tmf.paths import TMF653

DESCRIPTION = "Services and resources as they are configured in the network, at once or with a monitor."
APIS = {SERVICES.base: SERVICES.api, RESOURCES.base: RESOURCES.api, TMF653: service_tests.API}
BODIES = (
    hub.EventSubscriptionInput,
    *(kind.create_model for kind in KINDS.values()),
    service_tests.ServiceTestCreate,
    failures.FailureReport,
)


def create_app(
    database_url: str,
    *,
    latency_ms: int = 0,
    public_url: str | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> FastAPI:
    """The activation system on the database at ``database_url``.

    ``latency_ms``: how long a change takes where ``/settings`` does not say otherwise. ``public_url``: what ``href``
    begins with (the address by which a request came, by default). ``transport`` carries the events to the listeners
    (the network by default).
    """
    database = Database(database_url, common_tables.metadata, tables.metadata)
    deliveries = Deliveries(database, transport)
    completions = Completions(database)
    return make_app(
        System("activation", database, deliveries, latency_ms, public_url),
        [
            *(configuration_router(kind) for kind in KINDS.values()),
            *(monitor_router(kind) for kind in KINDS.values()),
            *(
                hub_router(kind.base, kind.api, database, {kind.name: kind.model, "monitor": Monitor})
                for kind in KINDS.values()
            ),
            service_tests.router,
            failures.router,
            behaviour.settings_router(database, latency_ms),
            audit.router,
        ],
        description=DESCRIPTION,
        apis=APIS,
        bodies=BODIES,
        background=completions.running,
    )
