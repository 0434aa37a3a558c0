"""Where each API answers, and the links between orders: documents are stored without `href`, and leave with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from orders.lifecycle.states import OrderKind, resource_name
from orders.model.order_ids import is_root, root_kind
from orders.qualification.results import QualificationKind
from tmf.bodies import Document
from tmf.paths import TMF622, TMF641, TMF645, TMF652, TMF679

BASE_PATHS = {
    OrderKind.PRODUCT: TMF622,
    OrderKind.SERVICE: TMF641,
    OrderKind.RESOURCE: TMF652,
}
"""The base path of each order management API; the collection's name is the kind itself."""

QUALIFICATION_PATHS = {
    QualificationKind.OFFERING: TMF679,
    QualificationKind.SERVICE_CHECK: TMF645,
    QualificationKind.SERVICE_QUERY: TMF645,
}
"""The base path of each qualification API; the collection's name is the kind itself."""

RELATIONS = "orderRelationship"


def child_kind(kind: OrderKind, order_id: str) -> OrderKind | None:
    """Return the kind of the orders that an order makes; None for one that makes none."""
    if is_root(order_id) and kind != OrderKind.PRODUCT and root_kind(order_id) == kind:
        return kind
    return {OrderKind.PRODUCT: OrderKind.SERVICE, OrderKind.SERVICE: OrderKind.RESOURCE}.get(kind)


def href(base_url: str, kind: OrderKind, order_id: str) -> str:
    """Return the address of an order."""
    return f"{base_url}{BASE_PATHS[kind]}/{kind.value}/{quote(order_id, safe=':*~!')}"


def cancellation_name(kind: OrderKind) -> str:
    """Return the name of the collection of a kind's cancellations: `cancelProductOrder`."""
    return f"cancel{resource_name(kind)}"


def cancellation_href(base_url: str, kind: OrderKind, cancellation_id: str) -> str:
    """Return the address of a cancellation."""
    return f"{base_url}{BASE_PATHS[kind]}/{cancellation_name(kind)}/{quote(cancellation_id, safe=':*~!')}"


def with_cancellation_links(base_url: str, kind: OrderKind, document: Document) -> Document:
    """Return a cancellation with its `href`, and one on the order that it names."""
    linked = {"id": document["id"], "href": cancellation_href(base_url, kind, document["id"]), **document}
    if (order := linked.get(kind.value)) is not None:
        linked[kind.value] = {"id": order["id"], "href": href(base_url, kind, order["id"]), **order}
    return linked


def with_links(base_url: str, kind: OrderKind, document: Document) -> Document:
    """Return the document with its `href`, and one on each related order that it names by id and kind."""
    linked = {"id": document["id"], "href": href(base_url, kind, document["id"]), **document}
    relations = linked.get(RELATIONS)
    if isinstance(relations, list):
        linked[RELATIONS] = [_linked_relation(base_url, relation) for relation in relations]
    return linked


def with_children(document: Document, kind: OrderKind, children: Iterable[str]) -> Document:
    """Return the document with a relation to each of the orders of `kind`, by their ids, that it has made."""
    added = [{"id": child, "relationshipType": "child", "@referredType": resource_name(kind)} for child in children]
    relations = document.get(RELATIONS, [])
    # A product order's client may have sent anything under a name that TMF622 v4 does not know.
    if not added or not isinstance(relations, list):
        return document
    return {**document, RELATIONS: [*relations, *added]}


def _linked_relation(base_url: str, relation: Any) -> Any:
    if not isinstance(relation, dict) or "href" in relation:
        return relation
    kind, order_id = _KINDS.get(str(relation.get("@referredType"))), relation.get("id")
    if kind is None or not isinstance(order_id, str):
        return relation
    return {"id": order_id, "href": href(base_url, kind, order_id), **relation}


_KINDS = {resource_name(kind): kind for kind in OrderKind}


def qualification_href(base_url: str, kind: QualificationKind, qualification_id: str) -> str:
    """Return the address of a qualification."""
    return f"{base_url}{QUALIFICATION_PATHS[kind]}/{kind.value}/{quote(qualification_id, safe=':*~!')}"


def with_qualification_link(base_url: str, kind: QualificationKind, document: Document) -> Document:
    """Return a qualification with its `href`."""
    return {"id": document["id"], "href": qualification_href(base_url, kind, document["id"]), **document}


def linked(base_url: str, resource: str, document: Document) -> Document:
    """Return a document with its links, by the name of its resource; that of none that is known here as it is."""
    if resource in _ORDERS:
        return with_links(base_url, _ORDERS[resource], document)
    if resource in _CANCELLATIONS:
        return with_cancellation_links(base_url, _CANCELLATIONS[resource], document)
    if resource in set(QualificationKind):
        return with_qualification_link(base_url, QualificationKind(resource), document)
    return document


_ORDERS = {kind.value: kind for kind in OrderKind}
_CANCELLATIONS = {cancellation_name(kind): kind for kind in OrderKind}
