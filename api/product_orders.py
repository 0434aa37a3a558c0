"""TMF622 Product Ordering v4: taking orders in, giving them back, and what they come down to."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

import anyio.to_thread
import structlog
from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from activities.http import DownstreamError
from api.bodies import read_json
from api.documentation import FIELDS_PARAMETER, LIST_PARAMETERS, LOCATION, TAGS, body_of, errors, list_responses
from api.errors import InvalidRequestError, NotFoundError, UnavailableError
from api.gateway import Gateway, GatewayDep
from api.identity import client_of
from api.reads import answer_list, answer_order, stored_order
from api.schemas import PRODUCT_ORDER_EXAMPLE, Preview, ProductOrder, ProductOrderCreate
from orders import tmf
from orders.intake import (
    Document,
    InvalidBodyError,
    accept,
    check_product_order,
    derived_id,
    fingerprint,
    order_id_from,
)
from orders.lifecycle import OrderKind
from orders.links import BASE_PATHS, href, with_links
from orders.plan import OrchestrationPlan
from store.orders import AcceptedOrder

_KEY_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_PREVIEW_ID = "preview"

_log = structlog.get_logger(__name__)

router = APIRouter(prefix=BASE_PATHS[OrderKind.PRODUCT], tags=[TAGS[OrderKind.PRODUCT]])

KEY_PARAMETER = {
    "name": _KEY_HEADER,
    "in": "header",
    "description": "1 to 255 visible characters that name this request: a repeat with the same key and body gives the "
    "same order back. Without it the body's `externalId`, where there is one, serves as the key.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "0f9d6a52-5a2e-4f0f-8d0c-3c1d6a1f9b10",
}


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
async def create_product_order(request: Request, gateway: GatewayDep) -> JSONResponse:
    document = await taken_in(request, gateway, await read_json(request, gateway.body_limit))
    location = href(gateway.base_url, OrderKind.PRODUCT, document["id"])
    body = with_links(gateway.base_url, OrderKind.PRODUCT, document)
    return JSONResponse(body, status_code=201, headers={"Location": location})


async def taken_in(request: Request, gateway: Gateway, body: Any) -> Document:
    """Take in the order that a body in v4's shape asks for, and return it as it is stored.

    A repeat of the same request gives the same order back, as it stands now.

    Raises:
        InvalidRequestError: with every fault of form.
        StoreError: when the request's key was used before with another body.
    """
    key = _idempotency_key(request)
    checked = await _checked(body)
    order_id = _order_id(client_of(request), key, checked)
    document, new = await gateway.orders.accept(
        AcceptedOrder(
            kind=OrderKind.PRODUCT,
            id=order_id,
            document=accept(checked, order_id, datetime.now(UTC)),
            client_id=client_of(request),
            digest=fingerprint(checked),
        )
    )
    _log.info("order accepted" if new else "order request repeated", order=order_id)
    if new:
        await gateway.starter.start(order_id, document)
    return document


@router.post(
    "/productOrder/preview",
    summary="See what an order would come down to",
    operation_id="previewProductOrder",
    description="Prices and plans the order of the body as if it had been taken in. Nothing is stored or executed.",
    responses={
        200: {"model": Preview, "description": "The priced order with its plan, or every rule that it breaks."},
        **errors(400, 413, 415, 503),
    },
    openapi_extra=body_of(ProductOrderCreate, PRODUCT_ORDER_EXAMPLE),
)
async def preview_product_order(request: Request, gateway: GatewayDep) -> JSONResponse:
    checked = await _checked(await read_json(request, gateway.body_limit))
    order = tmf.ProductOrder.model_validate(accept(checked, _PREVIEW_ID, datetime.now(UTC)))
    try:
        planned = await gateway.planner.plan(order)
    except DownstreamError as error:
        raise UnavailableError(error.message) from error
    preview = {
        "order": planned.order.model_dump(mode="json", exclude_none=True, exclude={"id", "href"}),
        "plan": planned.plan.model_dump(mode="json") if planned.plan else None,
        "violations": [violation.model_dump(mode="json", exclude_none=True) for violation in planned.violations],
    }
    return JSONResponse(preview)


@router.get(
    "/productOrder",
    summary="List or find product orders",
    operation_id="listProductOrder",
    responses=list_responses(ProductOrder),
    openapi_extra=LIST_PARAMETERS,
)
async def list_product_orders(request: Request, gateway: GatewayDep) -> JSONResponse:
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
) -> JSONResponse:
    return await answer_order(request, gateway, OrderKind.PRODUCT, order_id)


@router.get(
    "/productOrder/{id}/plan",
    summary="Retrieve what a product order comes down to",
    operation_id="retrieveProductOrderPlan",
    description="The orchestration plan of the order's latest revision: its service orders, their items and "
    "resources, its products, and what waits for what.",
    responses={200: {"model": OrchestrationPlan}, **errors(404, 503)},
)
async def retrieve_plan(gateway: GatewayDep, order_id: Annotated[str, Path(alias="id")]) -> JSONResponse:
    document = await stored_order(gateway, OrderKind.PRODUCT, order_id)
    plan = await gateway.plans.load(order_id)
    if plan is None:
        raise NotFoundError(f"productOrder {order_id!r} has no plan; the order is {document['state']}")
    return JSONResponse(plan.model_dump(mode="json"))


def _idempotency_key(request: Request) -> str | None:
    keys = set(request.headers.getlist(_KEY_HEADER))
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(key := keys.pop()):
        raise InvalidRequestError(f"{_KEY_HEADER}: must be one value of 1 to 255 visible characters")
    return key


def _order_id(client: str, key: str | None, document: Document) -> str:
    """Return the id that a repeat of the same request would have too, where the request can be told from others."""
    if key is not None:
        return derived_id(client, "idempotencyKey", key)
    if external_id := document.get("externalId"):
        return derived_id(client, "externalId", external_id)
    return order_id_from(secrets.token_bytes(10))


async def _checked(body: Any) -> Document:
    try:
        return await anyio.to_thread.run_sync(check_product_order, body, ProductOrderCreate)
    except InvalidBodyError as error:
        raise InvalidRequestError(str(error)) from error
