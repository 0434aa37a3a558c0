"""The reads that several APIs share: lists and single documents, of the order store or at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from api.errors import NotFoundError
from api.gateway import Gateway
from orders.lifecycle import OrderKind
from orders.links import RELATIONS, Document, child_kind, with_children, with_links
from store.query import ListQuery, admits, parse_list_query


async def answer_list(request: Request, gateway: Gateway, kind: OrderKind) -> JSONResponse:
    """Answer with the orders that the request's filters let through: 200, or 206 where some of them are left out."""
    page = await gateway.orders.find(kind, parse_list_query(request.query_params.multi_items()))
    documents = [with_links(gateway.base_url, kind, document) for document in page.documents]
    return list_answer(documents, page.total)


def answer_documents(documents: Iterable[Document], query: ListQuery) -> JSONResponse:
    """Answer with those of the documents that the query lets through, as they come where it does not sort them."""
    found = [document for document in documents if admits(query.filters, document)]
    for sort in reversed(query.sort):
        found = _sorted(found, sort.attribute.split("."), descending=sort.descending)
    page = found[query.offset : query.offset + query.limit]
    return list_answer([query.project(document) for document in page], len(found))


def _sorted(documents: list[Document], path: Sequence[str], *, descending: bool) -> list[Document]:
    """Return documents by the first value at a path; numbers before texts, those without a value last."""
    values = [(next(_scalars(document, path), None), document) for document in documents]
    present = [(_rank(value), document) for value, document in values if value is not None]
    present.sort(key=lambda each: each[0], reverse=descending)
    return [document for _, document in present] + [document for value, document in values if value is None]


def _scalars(node: Any, path: Sequence[str]) -> Iterator[Any]:
    if isinstance(node, list):
        for each in node:
            yield from _scalars(each, path)
    elif not path:
        yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from _scalars(node[path[0]], path[1:])


def _rank(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, str(value))


def list_answer(documents: Sequence[Document], total: int) -> JSONResponse:
    """Answer with a part of a list: 200 where it is all that matches, or else 206."""
    return JSONResponse(
        list(documents),
        status_code=200 if len(documents) == total else 206,
        headers={"X-Total-Count": str(total), "X-Result-Count": str(len(documents))},
    )


async def answer_order(request: Request, gateway: Gateway, kind: OrderKind, order_id: str) -> JSONResponse:
    """Answer with one order, and relations to those that it has made.

    Raises:
        NotFoundError: when there is no such order.
    """
    query = fields_query(request)
    with_relations = query.fields is None or RELATIONS in query.fields
    return JSONResponse(query.project(await linked_order(gateway, kind, order_id, with_relations=with_relations)))


def fields_query(request: Request) -> ListQuery:
    """Return which fields of a single document the request asks for.

    Raises:
        QueryError: when it asks twice.
    """
    return parse_list_query([each for each in request.query_params.multi_items() if each[0] == "fields"])


async def linked_order(gateway: Gateway, kind: OrderKind, order_id: str, *, with_relations: bool = True) -> Document:
    """Return one order as it leaves the gateway, with relations to those that it has made.

    Raises:
        NotFoundError: when there is no such order.
    """
    document = await stored_order(gateway, kind, order_id)
    made = child_kind(kind, order_id)
    if made and with_relations:
        document = with_children(document, made, await gateway.orders.children(made, order_id))
    return with_links(gateway.base_url, kind, document)


async def stored_order(gateway: Gateway, kind: OrderKind, order_id: str) -> Document:
    """Return an order's document as it is stored.

    Raises:
        NotFoundError: when there is no such order.
    """
    document = await gateway.orders.get(kind, order_id)
    if document is None:
        raise NotFoundError(f"there is no {kind.value} {order_id!r}")
    return document
