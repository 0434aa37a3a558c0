"""What requests may have and answers give: the models of the OpenAPI documents, a module for each standard.

They are companions of the domain's own models (`orders.model.product_orders`), which have only what the orchestrator
reads. Every attribute that a standard names is here with its type; a request that has one of another type is refused.
"""

from api.schemas.cancellation import (
    CancelProductOrder,
    CancelProductOrderCreate,
    CancelResourceOrder,
    CancelResourceOrderCreate,
    CancelServiceOrder,
    CancelServiceOrderCreate,
)
from api.schemas.examples import CANCEL_PREVIEW_EXAMPLE, PATCH_EXAMPLE, PRODUCT_ORDER_EXAMPLE
from api.schemas.previews import ChangePreview, Preview, ResourceOrderPreview, ServiceOrderPreview
from api.schemas.product_order import ProductOrder, ProductOrderCreate, ProductOrderUpdate
from api.schemas.resource_order import ResourceOrder, ResourceOrderCreate, ResourceOrderUpdate
from api.schemas.service_order import ServiceOrder, ServiceOrderCreate, ServiceOrderUpdate

__all__ = [
    "CANCEL_PREVIEW_EXAMPLE",
    "PATCH_EXAMPLE",
    "PRODUCT_ORDER_EXAMPLE",
    "CancelProductOrder",
    "CancelProductOrderCreate",
    "CancelResourceOrder",
    "CancelResourceOrderCreate",
    "CancelServiceOrder",
    "CancelServiceOrderCreate",
    "ChangePreview",
    "Preview",
    "ProductOrder",
    "ProductOrderCreate",
    "ProductOrderUpdate",
    "ResourceOrder",
    "ResourceOrderCreate",
    "ResourceOrderPreview",
    "ResourceOrderUpdate",
    "ServiceOrder",
    "ServiceOrderCreate",
    "ServiceOrderPreview",
    "ServiceOrderUpdate",
]
