"""The inventory system's application."""

from collections.abc import Mapping
from pathlib import Path

import httpx2
from fastapi import FastAPI
from pydantic import BaseModel

from systems.common import hub, tmf
from systems.common import tables as common_tables
from systems.common.database import Database
from systems.common.deliveries import Deliveries
from systems.common.hub import hub_router
from systems.common.system import System, make_app
from systems.inventory import audit, pools, qualification, recording, reservations, resources, tables
from systems.inventory.installed_base import PRODUCTS, SERVICES, installed_base_router
from systems.inventory.qualification import qualification_router
from systems.inventory.stock import load_stock, stock_pools
from tmf.paths import RESOURCE_POOLS, TMF637, TMF638, TMF639, TMF645

STOCK = Path(__file__).parent.parent / "stock.yaml"
DESCRIPTION = """\
Products, services and resources as they are, the pools that resources are reserved from, and where services can be had.
"""
APIS = {
    TMF637: PRODUCTS.api,
    TMF638: SERVICES.api,
    TMF639: resources.API,
    TMF645: qualification.API,
    RESOURCE_POOLS: pools.API,
}
TOLD_OF: Mapping[str, tuple[str, type[BaseModel]]] = {
    TMF637: ("product", PRODUCTS.model),
    TMF638: ("service", SERVICES.model),
    TMF639: ("resource", resources.PooledResource),
    TMF645: (qualification.QUALIFICATIONS.kind, qualification.QUALIFICATIONS.model),
}
"""The APIs with a hub, and what their events tell of."""
BODIES = (
    hub.EventSubscriptionInput,
    tmf.ProductCreate,
    tmf.ServiceCreate,
    resources.ResourceCreate,
    reservations.ReservationCreate,
    pools.AvailabilityCheck,
    qualification.CheckServiceQualificationCreate,
)


def create_app(
    database_url: str,
    *,
    stock: Path = STOCK,
    latency_ms: int = 0,
    public_url: str | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> FastAPI:
    """The inventory on the database at ``database_url``; an empty one is stocked from the YAML file ``stock``.

    ``latency_ms``: how long each change takes. ``public_url``: what ``href`` begins with (the address by which a
    request came, by default). ``transport`` carries the events to the listeners (the network by default). Raises
    pydantic's ValidationError for a faulty stock file.
    """
    stocked = load_stock(stock)
    database = Database(database_url, common_tables.metadata, tables.metadata)
    system = System("inventory", database, Deliveries(database, transport), latency_ms, public_url)
    return make_app(
        system,
        [
            installed_base_router(PRODUCTS),
            installed_base_router(SERVICES),
            resources.router,
            recording.router,
            qualification_router(stocked.coverage, system),
            pools.router,
            reservations.router,
            *(hub_router(base, APIS[base], database, {noun: model}) for base, (noun, model) in TOLD_OF.items()),
            audit.router,
        ],
        description=DESCRIPTION,
        apis=APIS,
        bodies=BODIES,
        seed=lambda connection: stock_pools(connection, stocked.pools),
    )
