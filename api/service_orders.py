"""TMF641 Service Ordering v4: the service orders that product orders come down to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from api.documentation import FIELDS_PARAMETER, LIST_PARAMETERS, TAGS, errors, list_responses
from api.gateway import GatewayDep
from api.reads import answer_list, answer_order
from api.schemas import ServiceOrder
from orders.lifecycle import OrderKind
from orders.links import BASE_PATHS

router = APIRouter(prefix=BASE_PATHS[OrderKind.SERVICE], tags=[TAGS[OrderKind.SERVICE]])


@router.get(
    "/serviceOrder",
    summary="List or find service orders",
    operation_id="listServiceOrder",
    responses=list_responses(ServiceOrder),
    openapi_extra=LIST_PARAMETERS,
)
async def list_service_orders(request: Request, gateway: GatewayDep) -> JSONResponse:
    return await answer_list(request, gateway, OrderKind.SERVICE, ServiceOrder)


@router.get(
    "/serviceOrder/{id}",
    summary="Retrieve a service order",
    operation_id="retrieveServiceOrder",
    responses={200: {"model": ServiceOrder}, **errors(400, 404, 503)},
    openapi_extra={"parameters": [FIELDS_PARAMETER]},
)
async def retrieve_service_order(
    request: Request, gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]
) -> JSONResponse:
    return await answer_order(request, gateway, OrderKind.SERVICE, order_id)
