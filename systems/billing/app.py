"""The billing system's application."""

from fastapi import FastAPI

from systems.billing import audit, charges, tables
from systems.common import tables as common_tables
from systems.common.database import Database
from systems.common.deliveries import Deliveries
from systems.common.system import System, make_app
from tmf.paths import BILLING

DESCRIPTION = "What each product is charged. A product has one active charge at most."


def create_app(database_url: str, *, latency_ms: int = 0, public_url: str | None = None) -> FastAPI:
    """Billing on the database at ``database_url``.

    ``latency_ms``: how long each change takes. ``public_url``: what ``href`` begins with (the address by which a
    request came, by default).
    """
    database = Database(database_url, common_tables.metadata, tables.metadata)
    return make_app(
        System("billing", database, Deliveries(database), latency_ms, public_url),
        [charges.router, audit.router],
        description=DESCRIPTION,
        apis={BILLING: charges.API},
        bodies=charges.BODIES,
    )
