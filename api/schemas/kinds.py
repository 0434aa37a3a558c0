"""The models and examples of orders, by the kind of the order."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from api.schemas.examples import PATCH_EXAMPLE, PRODUCT_ORDER_EXAMPLE, RESOURCE_ORDER_EXAMPLE, SERVICE_ORDER_EXAMPLE
from api.schemas.previews import Preview, ResourceOrderPreview, ServiceOrderPreview
from api.schemas.product_order import ProductOrder, ProductOrderCreate, ProductOrderUpdate
from api.schemas.resource_order import ResourceOrder, ResourceOrderCreate, ResourceOrderUpdate
from api.schemas.service_order import ServiceOrder, ServiceOrderCreate, ServiceOrderUpdate
from orders.lifecycle.states import OrderKind

CREATES: dict[OrderKind, type[BaseModel]] = {
    OrderKind.PRODUCT: ProductOrderCreate,
    OrderKind.SERVICE: ServiceOrderCreate,
    OrderKind.RESOURCE: ResourceOrderCreate,
}
UPDATES: dict[OrderKind, type[BaseModel]] = {
    OrderKind.PRODUCT: ProductOrderUpdate,
    OrderKind.SERVICE: ServiceOrderUpdate,
    OrderKind.RESOURCE: ResourceOrderUpdate,
}
ANSWERS: dict[OrderKind, type[BaseModel]] = {
    OrderKind.PRODUCT: ProductOrder,
    OrderKind.SERVICE: ServiceOrder,
    OrderKind.RESOURCE: ResourceOrder,
}
PREVIEWS: dict[OrderKind, type[BaseModel]] = {
    OrderKind.PRODUCT: Preview,
    OrderKind.SERVICE: ServiceOrderPreview,
    OrderKind.RESOURCE: ResourceOrderPreview,
}
EXAMPLES: dict[OrderKind, dict[str, Any]] = {
    OrderKind.PRODUCT: PRODUCT_ORDER_EXAMPLE,
    OrderKind.SERVICE: SERVICE_ORDER_EXAMPLE,
    OrderKind.RESOURCE: RESOURCE_ORDER_EXAMPLE,
}
PATCH_EXAMPLES: dict[OrderKind, dict[str, Any]] = {
    OrderKind.PRODUCT: PATCH_EXAMPLE,
    OrderKind.SERVICE: {"requestedCompletionDate": "2026-12-01T17:00:00.000Z", "priority": "1"},
    OrderKind.RESOURCE: {"requestedCompletionDate": "2026-12-01T17:00:00.000Z", "priority": 1},
}
