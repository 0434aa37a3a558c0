"""Product orders of TMF622 v5: taking them in, giving them back, amending and deleting them."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from api.caller import require_admin
from api.dependencies import GatewayDep
from api.documents.documentation import LOCATION, body_of, errors, list_parameters, list_responses
from api.http.answers import JsonAnswer
from api.http.bodies import read_json, worked_on
from api.http.errors import InvalidRequestError
from api.ordering.amendments import amend_order, patch_body
from api.ordering.deletions import delete_order
from api.ordering.taking_in import KEY_PARAMETER, taken_in
from api.reads import linked_order, list_answer
from api.schemas.v5 import (
    PATCH_V5_EXAMPLE,
    PRODUCT_ORDER_V5_EXAMPLE,
    ProductOrder,
    ProductOrderCreate,
    ProductOrderUpdate,
)
from api.v5.translation import FIELDS_PARAMETER, TAG, changes, fields_query, list_query, order_body, query_in_v4
from orders.events.v5_links import order_in_v5
from orders.lifecycle.states import OrderKind
from tmf.bodies import InvalidBodyError
from tmf.paths import TMF622_V5

OrderId = Annotated[str, Path(alias="id")]

router = APIRouter(prefix=f"{TMF622_V5}/productOrder", tags=[TAG])


@router.post(
    "",
    status_code=201,
    summary="Order products",
    operation_id="createProductOrder",
    description="Takes an order in. Whether it makes commercial sense is found out by its execution: an order that "
    "does not becomes `rejected`, with every reason. `id`, `href`, `state`, `creationDate` and other attributes that "
    "the orchestrator sets are ignored; attributes that it does not know are kept and given back. Drafts are not kept.",
    responses={
        201: {
            "model": ProductOrder,
            "description": "The order as it was taken in; for a repeated request, as it stands now.",
            "headers": LOCATION,
        },
        **errors(400, 409, 413, 415, 503),
    },
    openapi_extra={**body_of(ProductOrderCreate, PRODUCT_ORDER_V5_EXAMPLE), "parameters": [KEY_PARAMETER]},
)
async def create_product_order(request: Request, gateway: GatewayDep) -> JsonAnswer:
    body = await read_json(request, gateway.body_limit)
    try:
        wanted = await worked_on(request, order_body, body, gateway.limits)
    except InvalidBodyError as error:
        raise InvalidRequestError(str(error)) from error
    order = order_in_v5(gateway.base_url, await taken_in(request, gateway, OrderKind.PRODUCT, wanted))
    return JsonAnswer(order, status_code=201, headers={"Location": order["href"]})


@router.get(
    "",
    summary="List or find product orders",
    operation_id="listProductOrder",
    responses=list_responses(ProductOrder),
    openapi_extra=list_parameters("-creationDate", FIELDS_PARAMETER),
)
async def list_product_orders(request: Request, gateway: GatewayDep) -> JsonAnswer:
    query = list_query(request.query_params.multi_items(), ProductOrder)
    page = await gateway.orders.find(OrderKind.PRODUCT, query_in_v4(query))
    documents = [query.project(order_in_v5(gateway.base_url, document)) for document in page.documents]
    return list_answer(documents, page.total)


@router.get(
    "/{id}",
    summary="Retrieve a product order",
    operation_id="retrieveProductOrder",
    responses={200: {"model": ProductOrder}, **errors(400, 404, 503)},
    openapi_extra={"parameters": [FIELDS_PARAMETER]},
)
async def retrieve_product_order(request: Request, gateway: GatewayDep, order_id: OrderId) -> JsonAnswer:
    query = fields_query(request)
    order = await linked_order(gateway, OrderKind.PRODUCT, order_id, query_in_v4(query).fields)
    return JsonAnswer(query.project(order_in_v5(gateway.base_url, order)))


@router.patch(
    "/{id}",
    summary="Amend a product order while it runs",
    operation_id="patchProductOrder",
    description="Attributes that the body names take their new values; `null` removes one, and a list such as "
    "`productOrderItem` is replaced whole, so it names every item of the new version. The new version is planned and "
    "compared with what is done: what stays the same is left alone. Where an item is past its point of no return the "
    "whole amendment is refused, and nothing changes.",
    responses={
        200: {"model": ProductOrder, "description": "The order as it is recorded now."},
        **errors(400, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=patch_body(ProductOrderUpdate, PATCH_V5_EXAMPLE),
)
async def patch_product_order(request: Request, gateway: GatewayDep, order_id: OrderId) -> JsonAnswer:
    await amend_order(request, gateway, OrderKind.PRODUCT, order_id, partial(changes, gateway.base_url))
    return JsonAnswer(order_in_v5(gateway.base_url, await linked_order(gateway, OrderKind.PRODUCT, order_id)))


@router.delete(
    "/{id}",
    status_code=204,
    response_class=Response,
    summary="Delete a closed product order",
    operation_id="deleteProductOrder",
    description="For administrators. The orders that it has made, its plan, tasks, revisions and cancellations go with "
    "it. What other systems hold stays.",
    responses={204: {"description": "It is deleted."}, **errors(401, 403, 404, 409, 503)},
    dependencies=[Depends(require_admin)],
)
async def delete_product_order(gateway: GatewayDep, order_id: OrderId) -> Response:
    await delete_order(gateway, OrderKind.PRODUCT, order_id)
    return Response(status_code=204)
