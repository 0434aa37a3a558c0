"""TMF633 Service Catalog v4: which services products are made of. Read only."""

from __future__ import annotations

from fastapi import APIRouter

from api.catalog.examples import SERVICE, SERVICE_CANDIDATE, SERVICE_CATALOG, SERVICE_CATEGORY
from api.catalog.routes import ReadOnlyRoute, serve
from api.catalog.schemas import ServiceCandidate, ServiceCatalog, ServiceCategory, ServiceSpecification
from catalogs.links import Collection
from tmf.paths import TMF633

router = APIRouter(prefix=TMF633, tags=["TMF633 Service Catalog"], route_class=ReadOnlyRoute)

serve(router, Collection.SERVICE_CATALOG, ServiceCatalog, "a service catalog", "service catalogs", SERVICE_CATALOG)
serve(
    router,
    Collection.SERVICE_CATEGORY,
    ServiceCategory,
    "a category of services",
    "categories of services",
    SERVICE_CATEGORY,
)
serve(
    router,
    Collection.SERVICE_CANDIDATE,
    ServiceCandidate,
    "a service candidate",
    "service candidates",
    SERVICE_CANDIDATE,
)
serve(router, Collection.SERVICE, ServiceSpecification, "a service specification", "service specifications", SERVICE)
