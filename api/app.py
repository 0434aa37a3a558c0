"""The gateway as an ASGI application: the TM Forum APIs over the parts that it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api import callbacks, front_door, health, reconciliation, recovery, systems, v5
from api.catalog import products as product_catalog
from api.catalog import resources as resource_catalog
from api.catalog import services as service_catalog
from api.dependencies import Gateway
from api.documents import explanations
from api.documents.openapi import ASSETS, PAGE, serve_documents
from api.events import hub, order_events
from api.http.errors import install_error_answers
from api.http.methods import Methods
from api.http.request_log import RequestLog
from api.http.slashes import TrailingSlash
from api.ordering import amendments, cancellations, deletions, holding, orders
from api.qualification import offerings as offering_qualification
from api.qualification import services as service_qualification
from api.tasks import fallout, manual

_DESCRIPTION = """\
Product orders (TMF622 v4 and v5) come in here and are orchestrated to service orders (TMF641 v4) and resource orders
(TMF652 v4), which can also be ordered by themselves. While they run they can be cancelled, held, resumed and amended;
fallout and manual work wait as tasks for people. The catalogs that they go by are read here too (TMF620, TMF633,
TMF634), and what a customer can have at a place is asked before (TMF679, TMF645), by the rules of the orders. Every
error has the TM Forum error body.
"""

_MODULES = (
    orders,
    amendments,
    v5,
    product_catalog,
    service_catalog,
    resource_catalog,
    cancellations,
    offering_qualification,
    service_qualification,
    deletions,
    holding,
    hub,
    order_events,
    fallout,
    manual,
    recovery,
    systems,
    reconciliation,
    callbacks,
    explanations,
    health,
    front_door,
)


def create_app(gateway: Gateway) -> FastAPI:
    """Return the application. Its lifespan runs the gateway's background; without one, only requests are served."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(gateway.supervision.keep(work)) for work in gateway.background]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    app = FastAPIOffline(
        title="Ordersaga",
        description=_DESCRIPTION,
        version=version("ordersaga"),
        lifespan=lifespan,
        docs_url=PAGE,
        redoc_url=None,
        static_url=ASSETS,
        # No badge: it would send the document to a validator elsewhere.
        swagger_ui_parameters={"validatorUrl": None},
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    app.state.gateway = gateway
    app.add_middleware(Methods, app=app)
    app.add_middleware(RequestLog)
    app.add_middleware(TrailingSlash)
    install_error_answers(app)
    for module in _MODULES:
        app.include_router(module.router)
    serve_documents(app, gateway.base_url)
    return app
