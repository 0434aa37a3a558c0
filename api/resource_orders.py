"""TMF652 Resource Ordering v4: the resource orders that service orders come down to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from api.documentation import FIELDS_PARAMETER, LIST_PARAMETERS, TAGS, errors, list_responses
from api.gateway import GatewayDep
from api.reads import answer_list, answer_order
from api.schemas import ResourceOrder
from orders.lifecycle import OrderKind
from orders.links import BASE_PATHS

router = APIRouter(prefix=BASE_PATHS[OrderKind.RESOURCE], tags=[TAGS[OrderKind.RESOURCE]])


@router.get(
    "/resourceOrder",
    summary="List or find resource orders",
    operation_id="listResourceOrder",
    responses=list_responses(ResourceOrder),
    openapi_extra=LIST_PARAMETERS,
)
async def list_resource_orders(request: Request, gateway: GatewayDep) -> JSONResponse:
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
) -> JSONResponse:
    return await answer_order(request, gateway, OrderKind.RESOURCE, order_id)
