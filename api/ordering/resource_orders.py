"""TMF652 Resource Ordering v4: resource orders that are posted, and those that other orders come down to."""

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
from api.schemas import ResourceOrder, ResourceOrderCreate, ResourceOrderPreview
from api.schemas.examples import RESOURCE_ORDER_EXAMPLE
from orders.events.links import BASE_PATHS
from orders.lifecycle.states import OrderKind
from orders.plan.orchestration_plan import OrchestrationPlan

router = APIRouter(prefix=BASE_PATHS[OrderKind.RESOURCE], tags=[TAGS[OrderKind.RESOURCE]])


@router.post(
    "/resourceOrder",
    status_code=201,
    summary="Order resources",
    operation_id="createResourceOrder",
    description="Takes an order in; it runs as a workflow of its own. Whether it makes sense is found out by its "
    "execution: an order that does not becomes `rejected`, with every reason. `id`, `href`, `state`, `orderDate` and "
    "other attributes that the orchestrator sets are ignored; unknown attributes are kept and given back.",
    responses={
        201: {
            "model": ResourceOrder,
            "description": "The order as it was taken in; for a repeated request, as it stands now.",
            "headers": LOCATION,
        },
        **errors(400, 409, 413, 415, 503),
    },
    openapi_extra={**body_of(ResourceOrderCreate, RESOURCE_ORDER_EXAMPLE), "parameters": [KEY_PARAMETER]},
)
async def create_resource_order(request: Request, gateway: GatewayDep) -> JsonAnswer:
    return await take_in(request, gateway, OrderKind.RESOURCE)


@router.post(
    "/resourceOrder/preview",
    summary="See what an order of resources would come down to",
    operation_id="previewResourceOrder",
    description="Plans the order of the body as if it had been taken in. Nothing is stored or executed.",
    responses={
        200: {
            "model": ResourceOrderPreview,
            "description": "The order with its plan, or all that would have it rejected.",
        },
        **errors(400, 413, 415, 503),
    },
    openapi_extra=body_of(ResourceOrderCreate, RESOURCE_ORDER_EXAMPLE),
)
async def preview_resource_order(request: Request, gateway: GatewayDep) -> JsonAnswer:
    return await preview(request, gateway, OrderKind.RESOURCE)


@router.get(
    "/resourceOrder",
    summary="List or find resource orders",
    operation_id="listResourceOrder",
    responses=list_responses(ResourceOrder),
    openapi_extra=LIST_PARAMETERS,
)
async def list_resource_orders(request: Request, gateway: GatewayDep) -> JsonAnswer:
    return await answer_list(request, gateway, OrderKind.RESOURCE, ResourceOrder)


@router.get(
    "/resourceOrder/{id}",
    summary="Retrieve a resource order",
    operation_id="retrieveResourceOrder",
    responses={200: {"model": ResourceOrder}, **errors(400, 404, 503)},
    openapi_extra={"parameters": [FIELDS_PARAMETER]},
)
async def retrieve_resource_order(
    request: Request, gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]
) -> JsonAnswer:
    return await answer_order(request, gateway, OrderKind.RESOURCE, order_id)


@router.get(
    "/resourceOrder/{id}/plan",
    summary="Retrieve what a resource order comes down to",
    operation_id="retrieveResourceOrderPlan",
    description="The orchestration plan of the latest revision of an order that was posted.",
    responses={200: {"model": OrchestrationPlan}, **errors(404, 503)},
)
async def retrieve_plan(gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]) -> JsonAnswer:
    return await plan_of(gateway, OrderKind.RESOURCE, order_id)
