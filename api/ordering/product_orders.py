"""TMF622 Product Ordering v4: taking orders in, giving them back, and what they come down to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from api.dependencies import GatewayDep
from api.documents.documentation import (
    FIELDS_PARAMETER,
    LIST_PARAMETERS,
    LOCATION,
    TAGS,
    body_of,
    errors,
    list_responses,
)
from api.http.answers import JsonAnswer
from api.ordering.orders import KEY_PARAMETER, plan_of, preview, take_in
from api.reads import answer_list, answer_order
from api.schemas import PRODUCT_ORDER_EXAMPLE, Preview, ProductOrder, ProductOrderCreate
from orders.events.links import BASE_PATHS
from orders.lifecycle.states import OrderKind
from orders.plan.orchestration_plan import OrchestrationPlan

router = APIRouter(prefix=BASE_PATHS[OrderKind.PRODUCT], tags=[TAGS[OrderKind.PRODUCT]])


@router.post(
    "/productOrder",
    status_code=201,
    summary="Order products",
    operation_id="createProductOrder",
    description="Takes an order in. Whether it makes commercial sense is found out by its execution: an order that "
    "does not becomes `rejected`, with every reason. `id`, `href`, `state`, `orderDate` and other attributes that the "
    "orchestrator sets are ignored; attributes that it does not know are kept and given back.",
    responses={
        201: {
            "model": ProductOrder,
            "description": "The order as it was taken in; for a repeated request, as it stands now.",
            "headers": LOCATION,
        },
        **errors(400, 409, 413, 415, 503),
    },
    openapi_extra={**body_of(ProductOrderCreate, PRODUCT_ORDER_EXAMPLE), "parameters": [KEY_PARAMETER]},
)
async def create_product_order(request: Request, gateway: GatewayDep) -> JsonAnswer:
    return await take_in(request, gateway, OrderKind.PRODUCT)


@router.post(
    "/productOrder/preview",
    summary="See what an order would come down to",
    operation_id="previewProductOrder",
    description="Prices and plans the order of the body as if it had been taken in. Nothing is stored or executed.",
    responses={
        200: {"model": Preview, "description": "The priced order with its plan, or all that would have it rejected."},
        **errors(400, 413, 415, 503),
    },
    openapi_extra=body_of(ProductOrderCreate, PRODUCT_ORDER_EXAMPLE),
)
async def preview_product_order(request: Request, gateway: GatewayDep) -> JsonAnswer:
    return await preview(request, gateway, OrderKind.PRODUCT)


@router.get(
    "/productOrder",
    summary="List or find product orders",
    operation_id="listProductOrder",
    responses=list_responses(ProductOrder),
    openapi_extra=LIST_PARAMETERS,
)
async def list_product_orders(request: Request, gateway: GatewayDep) -> JsonAnswer:
    return await answer_list(request, gateway, OrderKind.PRODUCT, ProductOrder)


@router.get(
    "/productOrder/{id}",
    summary="Retrieve a product order",
    operation_id="retrieveProductOrder",
    responses={200: {"model": ProductOrder}, **errors(400, 404, 503)},
    openapi_extra={"parameters": [FIELDS_PARAMETER]},
)
async def retrieve_product_order(
    request: Request, gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]
) -> JsonAnswer:
    return await answer_order(request, gateway, OrderKind.PRODUCT, order_id)


@router.get(
    "/productOrder/{id}/plan",
    summary="Retrieve what a product order comes down to",
    operation_id="retrieveProductOrderPlan",
    description="The orchestration plan of the order's latest revision: its service orders, their items and "
    "resources, its products, and what waits for what.",
    responses={200: {"model": OrchestrationPlan}, **errors(404, 503)},
)
async def retrieve_plan(gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]) -> JsonAnswer:
    return await plan_of(gateway, OrderKind.PRODUCT, order_id)
