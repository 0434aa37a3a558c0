"""TMF634 Resource Catalog v4.1: which resources services are made of. Read only."""

from __future__ import annotations

from fastapi import APIRouter

from api.catalog.examples import RESOURCE, RESOURCE_CANDIDATE, RESOURCE_CATALOG, RESOURCE_CATEGORY
from api.catalog.routes import ReadOnlyRoute, serve
from api.catalog.schemas import ResourceCandidate, ResourceCatalog, ResourceCategory, ResourceSpecification
from catalogs.links import Collection
from tmf.paths import TMF634

router = APIRouter(prefix=TMF634, tags=["TMF634 Resource Catalog"], route_class=ReadOnlyRoute)

serve(router, Collection.RESOURCE_CATALOG, ResourceCatalog, "a resource catalog", "resource catalogs", RESOURCE_CATALOG)
serve(
    router,
    Collection.RESOURCE_CATEGORY,
    ResourceCategory,
    "a category of resources",
    "categories of resources",
    RESOURCE_CATEGORY,
)
serve(
    router,
    Collection.RESOURCE_CANDIDATE,
    ResourceCandidate,
    "a resource candidate",
    "resource candidates",
    RESOURCE_CANDIDATE,
)
serve(
    router, Collection.RESOURCE, ResourceSpecification, "a resource specification", "resource specifications", RESOURCE
)
