"""Cancellations of product, service and resource orders: TMF622, TMF641 and TMF652 v4 alike, each with its own names.

A cancellation is kept before the order's workflow is told of it, so that none is lost while Temporal is away; the
workflow assesses it, and writes into it how it ended.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Request

from api.caller import client_of
from api.dependencies import Gateway, GatewayDep
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
from api.http.bodies import SMALL_BODY, document_of, read_json
from api.http.errors import NotFoundError
from api.messages import admit
from api.reads import fields_query, list_answer, stored_order
from api.schemas.cancellation import (
    Cancellation,
    CancellationRequest,
    CancelProductOrder,
    CancelProductOrderCreate,
    CancelResourceOrder,
    CancelResourceOrderCreate,
    CancelServiceOrder,
    CancelServiceOrderCreate,
)
from orders.events.links import BASE_PATHS, cancellation_href, cancellation_name, with_cancellation_links
from orders.intake import misnamed, order_id_from
from orders.lifecycle.admission import Message
from orders.lifecycle.states import OrderKind, in_words, resource_name
from orders.model.server_set import CANCELLATION
from store.cancellations import UnsentCancel
from tmf.bodies import Document
from tmf.instants import timestamp
from tmf.query.query import parse_list_query

_log = structlog.get_logger(__name__)


REQUESTS: dict[OrderKind, type[CancellationRequest]] = {
    OrderKind.PRODUCT: CancelProductOrderCreate,
    OrderKind.SERVICE: CancelServiceOrderCreate,
    OrderKind.RESOURCE: CancelResourceOrderCreate,
}

ANSWERS: dict[OrderKind, type[Cancellation]] = {
    OrderKind.PRODUCT: CancelProductOrder,
    OrderKind.SERVICE: CancelServiceOrder,
    OrderKind.RESOURCE: CancelResourceOrder,
}

_FIRST_STATES = {
    OrderKind.PRODUCT: "acknowledged",
    OrderKind.SERVICE: "accepted",
    OrderKind.RESOURCE: "acknowledged",
}
"""What TMF622 and TMF652 on the one side and TMF641 on the other call the first state."""

_EXAMPLE_IDS = {
    OrderKind.PRODUCT: "7f3k2a9dqe",
    OrderKind.SERVICE: "7f3k2a9dqe:1.internet:internet",
    OrderKind.RESOURCE: "7f3k2a9dqe:1.internet:internet:access",
}


def _routes(kind: OrderKind) -> APIRouter:
    """Return the routes of one kind's cancellations."""
    name, model = cancellation_name(kind), ANSWERS[kind]
    resource = f"Cancel{resource_name(kind)}"
    routes = APIRouter(prefix=f"{BASE_PATHS[kind]}/{name}", tags=[TAGS[kind]])
    example = {kind.value: {"id": _EXAMPLE_IDS[kind]}, "cancellationReason": "The customer moves house"}

    @routes.post(
        "",
        status_code=201,
        summary=f"Cancel a {in_words(kind)}",
        operation_id=f"create{resource}",
        description="Takes the wish in; the order then assesses it against its points of no return. Accepted, all that "
        "was done is undone, and the cancellation is `done` when the order is `cancelled`; denied, the order goes on "
        "as before, and the cancellation is `terminatedWithError` with the reason. Asked twice, both end alike.",
        responses={
            201: {
                "model": model,
                "description": "The cancellation as it was taken in.",
                "headers": LOCATION,
            },
            **errors(400, 404, 409, 413, 415, 503),
        },
        openapi_extra=body_of(REQUESTS[kind], example),
    )
    async def create(request: Request, gateway: GatewayDep) -> JsonAnswer:
        body = await read_json(request, min(gateway.body_limit, SMALL_BODY))
        document = await taken_in(request, gateway, kind, body)
        return JsonAnswer(
            with_cancellation_links(gateway.base_url, kind, document),
            status_code=201,
            headers={"Location": cancellation_href(gateway.base_url, kind, document["id"])},
        )

    @routes.get(
        "",
        summary=f"List or find cancellations of {in_words(kind)}s",
        operation_id=f"list{resource}",
        responses=list_responses(model),
        openapi_extra=LIST_PARAMETERS,
    )
    async def find(request: Request, gateway: GatewayDep) -> JsonAnswer:
        query = parse_list_query(request.query_params.multi_items(), model=model)
        page = await gateway.cancellations.find(kind, query)
        documents = [with_cancellation_links(gateway.base_url, kind, document) for document in page.documents]
        return list_answer(documents, page.total)

    @routes.get(
        "/{id}",
        summary=f"Retrieve a cancellation of a {in_words(kind)}",
        operation_id=f"retrieve{resource}",
        responses={200: {"model": model}, **errors(400, 404, 503)},
        openapi_extra={"parameters": [FIELDS_PARAMETER]},
    )
    async def retrieve(
        request: Request, gateway: GatewayDep, cancellation_id: Annotated[str, Path(alias="id")]
    ) -> JsonAnswer:
        query = fields_query(request)
        document = await stored_cancellation(gateway, kind, cancellation_id)
        return JsonAnswer(query.project(with_cancellation_links(gateway.base_url, kind, document)))

    return routes


async def stored_cancellation(gateway: Gateway, kind: OrderKind, cancellation_id: str) -> Document:
    """Return a cancellation's document as it is stored.

    Raises:
        NotFoundError: when there is no such cancellation.
    """
    document = await gateway.cancellations.get(kind, cancellation_id)
    if document is None:
        raise NotFoundError(f"there is no {cancellation_name(kind)} {cancellation_id!r}")
    return document


async def taken_in(request: Request, gateway: Gateway, kind: OrderKind, body: Any) -> Document:
    """Take in the cancellation that a body in v4's shape asks for, and return it as it is stored.

    Raises:
        InvalidRequestError: with every fault of form.
        NotFoundError: when there is no such order.
        NotAllowedError: when it can not be cancelled any more.
    """
    wish = _wish(kind, body)
    order_id = wish[kind.value]["id"]
    admit(kind, await stored_order(gateway, kind, order_id), Message.CANCEL)
    cancellation_id, now = order_id_from(secrets.token_bytes(10)), datetime.now(UTC)
    wish.setdefault("author", client_of(request))
    document = {"id": cancellation_id, "creationDate": timestamp(now), **wish, "state": _FIRST_STATES[kind]}
    await gateway.cancellations.open(kind, cancellation_id, order_id, document, now)
    _log.info("cancellation accepted", order=order_id, cancellation=cancellation_id)
    await gateway.canceller.send(UnsentCancel(kind, cancellation_id, order_id, document))
    return document


def _wish(kind: OrderKind, body: object) -> Document:
    """Return the body of a request to cancel as it is kept, without what is not the client's to set.

    Raises:
        InvalidRequestError: with every fault of form.
    """
    wish = {name: value for name, value in body.items() if name not in CANCELLATION} if isinstance(body, dict) else body
    misplaced = misnamed(wish, kind.value, [each.value for each in OrderKind]) if isinstance(wish, dict) else ()
    return document_of(REQUESTS[kind], wish, misplaced)


router = APIRouter()
for _kind in OrderKind:
    router.include_router(_routes(_kind))
