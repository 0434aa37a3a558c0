"""TMF620 Product Catalog v4.1: what is sold, and how shops find it. Read only."""

from __future__ import annotations

from fastapi import APIRouter

from api.catalog.examples import CATALOG, CATEGORY, OFFERING, PRICE, PRODUCT
from api.catalog.routes import ReadOnlyRoute, serve
from api.catalog.schemas import Catalog, Category, ProductOffering, ProductOfferingPrice, ProductSpecification
from catalogs.links import Collection
from tmf.paths import TMF620

router = APIRouter(prefix=TMF620, tags=["TMF620 Product Catalog"], route_class=ReadOnlyRoute)

serve(router, Collection.CATALOG, Catalog, "a catalog", "catalogs", CATALOG)
serve(router, Collection.CATEGORY, Category, "a category", "categories", CATEGORY)
serve(router, Collection.OFFERING, ProductOffering, "a product offering", "product offerings", OFFERING)
serve(router, Collection.PRICE, ProductOfferingPrice, "the price of an offering", "prices of offerings", PRICE)
serve(router, Collection.PRODUCT, ProductSpecification, "a product specification", "product specifications", PRODUCT)
