"""The reads that all three order APIs share: the list and the single order. They ask the order store alone."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from api.errors import NotFoundError
from api.gateway import Gateway
from api.links import CHILD_KINDS, RELATIONS, with_children, with_links
from orders.lifecycle import OrderKind
from store.query import parse_list_query


async def answer_list(request: Request, gateway: Gateway, kind: OrderKind) -> JSONResponse:
    """Answer with the orders that the request's filters let through: 200, or 206 where some of them are left out."""
    page = await gateway.orders.find(kind, parse_list_query(request.query_params.multi_items()))
    documents = [with_links(gateway.base_url, kind, document) for document in page.documents]
    return JSONResponse(
        documents,
        status_code=200 if len(documents) == page.total else 206,
        headers={"X-Total-Count": str(page.total), "X-Result-Count": str(len(documents))},
    )


async def answer_order(request: Request, gateway: Gateway, kind: OrderKind, order_id: str) -> JSONResponse:
    """Answer with one order, and relations to those that it has made.

    Raises:
        NotFoundError: when there is no such order.
    """
    query = parse_list_query([each for each in request.query_params.multi_items() if each[0] == "fields"])
    document = await gateway.orders.get(kind, order_id)
    if document is None:
        raise NotFoundError(f"there is no {kind.value} {order_id!r}")
    child_kind = CHILD_KINDS.get(kind)
    if child_kind and (query.fields is None or RELATIONS in query.fields):
        document = with_children(document, child_kind, await gateway.orders.children(child_kind, order_id))
    return JSONResponse(query.project(with_links(gateway.base_url, kind, document)))
