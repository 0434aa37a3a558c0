"""The reads that several APIs share: lists and single documents, of the order store or at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from fastapi import Request
from pydantic import BaseModel

from api.dependencies import Gateway
from api.http.answers import JsonAnswer
from api.http.errors import NotFoundError
from orders.events.links import RELATIONS, child_kind, with_children, with_links
from orders.lifecycle.states import OrderKind
from tmf.bodies import Document
from tmf.query.matching import page_of
from tmf.query.query import ListQuery, parse_list_query


async def answer_list(request: Request, gateway: Gateway, kind: OrderKind, model: type[BaseModel]) -> JsonAnswer:
    """Answer with the orders that the request's filters let through: 200, or 206 where some of them are left out.

    Raises:
        QueryError: naming the parameter that makes no sense, such as an attribute that `model` does not have.
    """
    query = parse_list_query(request.query_params.multi_items(), model=model)
    page = await gateway.orders.find(kind, query)
    documents = [with_links(gateway.base_url, kind, document) for document in page.documents]
    return list_answer(documents, page.total)


async def answer_documents(documents: Iterable[Document], query: ListQuery) -> JsonAnswer:
    """Answer with those of the documents that the query lets through, as they come where it does not sort them.

    They are looked at in a thread, since a query may take its time.
    """
    page = await asyncio.to_thread(page_of, query, list(documents))
    return list_answer(page.documents, page.total)


def list_answer(documents: Sequence[Document], total: int) -> JsonAnswer:
    """Answer with a part of a list: 200 where it is all that matches, or else 206."""
    return JsonAnswer(
        list(documents),
        status_code=200 if len(documents) == total else 206,
        headers={"X-Total-Count": str(total), "X-Result-Count": str(len(documents))},
    )


async def answer_order(request: Request, gateway: Gateway, kind: OrderKind, order_id: str) -> JsonAnswer:
    """Answer with one order, and relations to those that it has made.

    Raises:
        NotFoundError: when there is no such order.
    """
    query = fields_query(request)
    return JsonAnswer(query.project(await linked_order(gateway, kind, order_id, query.fields)))


def fields_query(request: Request) -> ListQuery:
    """Return which fields of a single document the request asks for.

    Raises:
        QueryError: when it asks twice.
    """
    return parse_list_query([each for each in request.query_params.multi_items() if each[0] == "fields"])


async def linked_order(
    gateway: Gateway, kind: OrderKind, order_id: str, fields: tuple[str, ...] | None = None
) -> Document:
    """Return one order as it leaves the gateway, with relations to those that it has made.

    Args:
        fields: the attributes that are wanted; all where it is None.

    Raises:
        NotFoundError: when there is no such order.
    """
    document = await stored_order(gateway, kind, order_id, fields)
    made = child_kind(kind, order_id)
    if made and (fields is None or RELATIONS in fields):
        document = with_children(document, made, await gateway.orders.children(made, order_id))
    return with_links(gateway.base_url, kind, document)


async def stored_order(
    gateway: Gateway, kind: OrderKind, order_id: str, fields: tuple[str, ...] | None = None
) -> Document:
    """Return an order's document as it is stored, or those of its attributes that are wanted.

    Raises:
        NotFoundError: when there is no such order.
    """
    document = await gateway.orders.get(kind, order_id, fields)
    if document is None:
        raise NotFoundError(f"there is no {kind.value} {order_id!r}")
    return document
