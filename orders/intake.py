"""The intake of orders: what a request must look like before it is stored, and what an accepted order starts as.

These are checks of form only: whether an order makes commercial sense is decided later, and an order that does not
is rejected, not refused. Source of the rules: TMF622 v4.0.0, TMF641 v4.1.0 and TMF652 v4.0.0, each its `_Create`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json

from orders.bounds import OrderLimits, composed, crowded, oversized
from orders.lifecycle.states import ITEM_LISTS, OrderKind, OrderState
from orders.model.order_ids import marked
from orders.model.posted import MODELS
from orders.model.server_set import as_sent
from orders.model.wishes import WISHES
from tmf.bodies import Document, Fault, InvalidBodyError, faults_of
from tmf.forms import in_kept_form
from tmf.instants import timestamp
from tmf.words import place, shown

ITEM_LIST_NAMES = frozenset(
    {
        *ITEM_LISTS.values(),
        "resourceOrderItem",
        "orderItems",
        "items",
        "productOfferingQualificationItem",
        "serviceQualificationItem",
        "qualificationItem",
    }
)
"""What the APIs, and earlier versions of them, call the list of what is ordered or asked for."""


def check_order(
    kind: OrderKind, body: Any, form: type[BaseModel] | None = None, limits: OrderLimits | None = None
) -> Document:
    """Return the body of a request to order as it is kept, without the attributes that are not the client's to set.

    Args:
        form: a model of every attribute that has a type, also of those that are only kept.
        limits: how large it may be; of an order that is larger nothing else is looked at.

    Raises:
        InvalidBodyError: with every fault of form.
    """
    if not isinstance(body, dict):
        raise InvalidBodyError([Fault("", f"the body must be a JSON object, not {shown(body)}")])
    document = as_sent(kind, body)
    if too_large := list(faults_of_size(ITEM_LISTS[kind], document, limits or OrderLimits())):
        raise InvalidBodyError(too_large)
    shape = form or MODELS[kind]
    written = to_json(document)
    faults = [
        *_faults_of_draft(body),
        *misnamed(document, ITEM_LISTS[kind]),
        *faults_of(WISHES[kind], document, written),
        *faults_of(MODELS[kind], document, written),
        *faults_of(shape, document, written),
        *_faults_of_items(kind, document),
    ]
    if faults:
        raise InvalidBodyError(_first_of_eachplace(faults))
    return in_kept_form(shape, document)


def faults_of_size(items: str, document: Document, limits: OrderLimits) -> Iterator[Fault]:
    """Yield where a document is larger than it may be; `items` names the list of what it orders or asks for."""
    parts = composed(document.get(items), items, limits) if isinstance(document.get(items), list) else ()
    for location, told in (*crowded(document, items, limits), *parts, *oversized(document, limits)):
        yield Fault(place(location), told)


def accept(document: Document, order_id: str, at: datetime, kind: OrderKind = OrderKind.PRODUCT) -> Document:
    """Return the order that a checked body starts as: acknowledged, with its id and the time it was taken."""
    accepted = {
        "id": order_id,
        **document,
        "state": OrderState.ACKNOWLEDGED.value,
        "orderDate": timestamp(at),
    }
    items = ITEM_LISTS[kind]
    accepted[items] = [_acknowledged(item, items) for item in document[items]]
    return accepted


def derived_id(client: str, kind: str, key: str, of: OrderKind = OrderKind.PRODUCT) -> str:
    """Return the id of the order that `client` made known as `key`: the same each time, 10 base32 characters.

    `kind` keeps keys of different origin apart, such as an idempotency key and an external id; orders of different
    kinds have different ids whatever their keys.
    """
    digest = hashlib.sha256("\0".join((client, kind, key)).encode()).digest()
    return order_id_from(digest, of)


def order_id_from(entropy: bytes, of: OrderKind = OrderKind.PRODUCT) -> str:
    """Return the order id that the first 50 bits of `entropy` (7 bytes or more) spell."""
    return marked(of, base64.b32encode(entropy[:10])[:10].decode().lower())


def fingerprint(document: Document) -> str:
    """Return a digest that two documents share when they are the same JSON, whatever the order of their names."""
    return hashlib.sha256(to_json(_sorted(document))).hexdigest()


def ids_of_items(kind: OrderKind, document: Document) -> list[str]:
    """Return the ids of an order's items, nested ones too, as far as the shape lets them be read."""
    name = ITEM_LISTS[kind]
    return [item["id"] for item, _ in _items(document.get(name), name, name) if isinstance(item.get("id"), str)]


def _first_of_eachplace(faults: Iterable[Fault]) -> list[Fault]:
    first: dict[str, Fault] = {}
    for fault in faults:
        first.setdefault(fault.path, fault)
    return list(first.values())


def misnamed(document: Document, wanted: str, names: Collection[str] = ITEM_LIST_NAMES) -> Iterator[Fault]:
    """Yield what a document has, under names of other APIs, in place of the attribute that is wanted."""
    if wanted not in document:
        for name in sorted(set(names) & document.keys()):
            yield Fault(name, f"is not read here: name it {wanted}")


def _faults_of_draft(body: Document) -> Iterator[Fault]:
    """Yield that an order is sent as a draft, of a body whose state is not looked at otherwise."""
    if body.get("state") == "draft":
        told = "drafts are not taken: an order begins as acknowledged; send it once it is to be carried out"
        yield Fault("state", told)


def _faults_of_items(kind: OrderKind, document: Document) -> Iterator[Fault]:
    """Yield the items whose id is taken, and the relations that lead nowhere, as far as the shape lets them be read."""
    name = ITEM_LISTS[kind]
    items = list(_items(document.get(name), name, name))
    paths: dict[str, str] = {}
    for item, path in items:
        item_id = item.get("id")
        if not isinstance(item_id, str):
            continue
        if item_id in paths:
            yield Fault(f"{path}.id", f"{shown(item_id)} is the id of {paths[item_id]} already")
        else:
            paths[item_id] = path
    relations, target_of, part = _RELATIONS[kind]
    for item, path in items:
        for index, relation in enumerate(_list(item.get(relations))):
            target = target_of(relation) if isinstance(relation, dict) else None
            if isinstance(target, str) and target not in paths:
                yield Fault(f"{path}.{relations}[{index}].{part}", f"the order has no item {shown(target)}")


def _related_item(relation: Document) -> Any:
    """Return the id of the item of the same order that a relation of TMF641 or TMF652 leads to, if it does."""
    other = relation.get("orderItem")
    if not isinstance(other, dict) or other.get("serviceOrderId") or other.get("resourceOrderId"):
        return None
    return other.get("itemId")


_RELATIONS: dict[OrderKind, tuple[str, Callable[[Document], Any], str]] = {
    OrderKind.PRODUCT: ("productOrderItemRelationship", lambda relation: relation.get("id"), "id"),
    OrderKind.SERVICE: ("serviceOrderItemRelationship", _related_item, "orderItem.itemId"),
    OrderKind.RESOURCE: ("orderItemRelationship", _related_item, "orderItem.itemId"),
}
"""The attribute with an item's relations, how one names its target, and where."""


def _items(value: Any, name: str, path: str) -> Iterator[tuple[Document, str]]:
    for index, item in enumerate(_list(value)):
        if isinstance(item, dict):
            here = f"{path}[{index}]"
            yield item, here
            yield from _items(item.get(name), name, f"{here}.{name}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _acknowledged(item: Document, name: str) -> Document:
    acknowledged = {**item, "state": OrderState.ACKNOWLEDGED.value}
    if nested := item.get(name):
        acknowledged[name] = [_acknowledged(each, name) for each in nested]
    return acknowledged


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value
