"""The inventory system's application."""

from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection

from systems.common import tables as common_tables
from systems.common.database import Database
from systems.common.system import System, make_app
from systems.inventory import audit, pools, reservations, resources, tables
from systems.inventory.installed_base import PRODUCTS, SERVICES, installed_base_router
from systems.inventory.qualification import qualification_router
from systems.inventory.stock import load_stock, stock_pools

STOCK = Path(__file__).parent.parent / "stock.yaml"


def create_app(database_url: str, *, stock: Path = STOCK, latency_ms: int = 0) -> FastAPI:
    """The inventory on the database at ``database_url``; an empty one is stocked from the YAML file ``stock``.

    ``latency_ms``: how long each change takes. Raises pydantic's ValidationError for a faulty stock file.
    """
    stocked = load_stock(stock)
    database = Database(database_url, common_tables.metadata, tables.metadata)

    async def seed(connection: AsyncConnection) -> None:
        await stock_pools(connection, stocked.pools)

    return make_app(
        System("inventory", database, latency_ms),
        [
            installed_base_router(PRODUCTS),
            installed_base_router(SERVICES),
            resources.router,
            pools.router,
            reservations.router,
            qualification_router(stocked.coverage),
            audit.router,
        ],
        seed=seed,
    )
