"""Cancellations of product orders by TMF622 v5."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from api.dependencies import GatewayDep
from api.documents.documentation import LOCATION, body_of, errors, list_parameters, list_responses
from api.http.answers import JsonAnswer
from api.http.bodies import SMALL_BODY, read_json
from api.http.errors import InvalidRequestError
from api.ordering.cancellations import stored_cancellation, taken_in
from api.reads import list_answer
from api.schemas.v5 import CANCELLATION_V5_EXAMPLE, CancelProductOrder, CancelProductOrderCreate
from api.v5.translation import FIELDS_PARAMETER, TAG, cancellation_body, fields_query, list_query, query_in_v4
from orders.events.v5_links import cancellation_in_v5
from orders.lifecycle.states import OrderKind
from orders.model.v5 import CANCELLATION
from tmf.bodies import InvalidBodyError
from tmf.paths import TMF622_V5

router = APIRouter(prefix=f"{TMF622_V5}/cancelProductOrder", tags=[TAG])


@router.post(
    "",
    status_code=201,
    summary="Cancel a product order",
    operation_id="createCancelProductOrder",
    description="Takes the wish in; the order then assesses it against its points of no return. Accepted, all that "
    "was done is undone, and the cancellation is `done` when the order is `cancelled`; denied, the order goes on "
    "as before, and the cancellation is `terminatedWithError` with the reason. Asked twice, both end alike.",
    responses={
        201: {
            "model": CancelProductOrder,
            "description": "The cancellation as it was taken in.",
            "headers": LOCATION,
        },
        **errors(400, 404, 409, 413, 415, 503),
    },
    openapi_extra=body_of(CancelProductOrderCreate, CANCELLATION_V5_EXAMPLE),
)
async def create_cancellation(request: Request, gateway: GatewayDep) -> JsonAnswer:
    body = await read_json(request, min(gateway.body_limit, SMALL_BODY))
    try:
        wish = cancellation_body(body)
    except InvalidBodyError as error:
        raise InvalidRequestError(str(error)) from error
    document = await taken_in(request, gateway, OrderKind.PRODUCT, wish)
    cancellation = cancellation_in_v5(gateway.base_url, document)
    return JsonAnswer(cancellation, status_code=201, headers={"Location": cancellation["href"]})


@router.get(
    "",
    summary="List or find cancellations of product orders",
    operation_id="listCancelProductOrder",
    responses=list_responses(CancelProductOrder),
    openapi_extra=list_parameters("-requestedCancellationDate", FIELDS_PARAMETER),
)
async def list_cancellations(request: Request, gateway: GatewayDep) -> JsonAnswer:
    query = list_query(request.query_params.multi_items(), CancelProductOrder)
    page = await gateway.cancellations.find(OrderKind.PRODUCT, query_in_v4(query, CANCELLATION))
    documents = [query.project(cancellation_in_v5(gateway.base_url, document)) for document in page.documents]
    return list_answer(documents, page.total)


@router.get(
    "/{id}",
    summary="Retrieve a cancellation of a product order",
    operation_id="retrieveCancelProductOrder",
    responses={200: {"model": CancelProductOrder}, **errors(400, 404, 503)},
    openapi_extra={"parameters": [FIELDS_PARAMETER]},
)
async def retrieve_cancellation(
    request: Request, gateway: GatewayDep, cancellation_id: Annotated[str, Path(alias="id")]
) -> JsonAnswer:
    query = fields_query(request)
    document = await stored_cancellation(gateway, OrderKind.PRODUCT, cancellation_id)
    return JsonAnswer(query.project(cancellation_in_v5(gateway.base_url, document)))
