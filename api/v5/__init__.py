"""TMF622 Product Ordering v5: the same orders as v4's, in its own shape, by the same functions."""

from __future__ import annotations

from fastapi import APIRouter

from api.events.hub import hub_routes
from api.v5 import cancellations, product_orders
from api.v5.translation import TAG
from orders.events.hubs import HUBS, PRODUCT_ORDER_V5

router = APIRouter()
router.include_router(product_orders.router)
router.include_router(cancellations.router)
router.include_router(hub_routes(HUBS[PRODUCT_ORDER_V5], TAG))
