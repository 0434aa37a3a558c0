"""Requests in v5's shape as what they come to in v4's: bodies, patches and list queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from api import reads
from api.documents.documentation import fields_parameter
from api.http.patches import amendment, check_read_only, readable
from api.schemas.v5 import NOT_BEGUN_OTHERWISE, CancelProductOrderCreate, ProductOrderCreate, ProductOrderUpdate
from orders.bounds import OrderLimits
from orders.events.v5_links import order_in_v5
from orders.intake import faults_of_size, misnamed
from orders.lifecycle.states import OrderKind, OrderState
from orders.model import server_set
from orders.model.server_set import SERVER_SET, items_as_sent
from orders.model.v5 import CANCELLATION, ORDER, from_v5, kept_as, name_in_v5, path_from_v5, value_from_v5
from tmf.bodies import Document, Fault, InvalidBodyError, faults_of
from tmf.forms import in_kept_form
from tmf.patches import same
from tmf.query.query import Condition, Either, Filter, ListQuery, Sort, parse_list_query

TAG = "TMF622 Product Ordering v5"

FIELDS_PARAMETER = fields_parameter("state", ("@type", "id", "href"))

_ITEMS = "productOrderItem"
_SERVER_SET = frozenset(map(name_in_v5, SERVER_SET[OrderKind.PRODUCT]))


def order_body(body: Any, limits: OrderLimits | None = None) -> Document:
    """Return the body of a request to order in v4's shape.

    Args:
        limits: how large it may be; of an order that is larger nothing else is looked at.

    Raises:
        InvalidBodyError: with every fault of form, in v5's words.
    """
    wanted = _wanted(body, _SERVER_SET)
    _check_size(wanted, limits)
    if _ITEMS in wanted:
        wanted[_ITEMS] = items_as_sent(OrderKind.PRODUCT, wanted[_ITEMS])
    return from_v5(_checked(ProductOrderCreate, wanted, [*_faults_of_state(body), *misnamed(wanted, _ITEMS)]))


def cancellation_body(body: Any) -> Document:
    """Return the body of a request to cancel in v4's shape, without what is not the client's to set.

    Raises:
        InvalidBodyError: with every fault of form, in v5's words.
    """
    return from_v5(_checked(CancelProductOrderCreate, _wanted(body, server_set.CANCELLATION)), CANCELLATION)


def changes(
    base_url: str, shown: Document, patch: Callable[[Document], Any], limits: OrderLimits | None = None
) -> Document:
    """Return the attributes that a patch of an order in v5's shape sets anew, in v4's shape, `None` where they go.

    Only what the patch changes is translated: the rest of the order stays as it is kept.

    Args:
        shown: the order as v4 shows it.
        limits: how large the order may be.

    Raises:
        InvalidBodyError: naming each attribute that cannot be changed, or what keeps it from being an order.
    """
    before = order_in_v5(base_url, shown)
    patched = patch(before)
    if not isinstance(patched, dict):
        raise InvalidBodyError([Fault("", "the patched order must be a JSON object")])
    after = readable(patched)
    check_read_only(before, after, _SERVER_SET)
    touched = {name for name in before.keys() | after.keys() if not _is_same(name, before.get(name), after.get(name))}
    update = {name: value for name, value in after.items() if name in touched}
    _check_size(update, limits)
    told = _checked(ProductOrderUpdate, update)
    gone = {kept for name in touched for kept in kept_as(name)}
    patched_in_v4 = {name: value for name, value in shown.items() if name not in gone} | from_v5(told)
    return amendment(shown, patched_in_v4, limits=limits)


def list_query(params: Sequence[tuple[str, str]], model: type[BaseModel]) -> ListQuery:
    """Read the parameters of a list request, with paths as v5 has them; `@type` is among the fields that are given.

    Raises:
        QueryError: naming the parameter that makes no sense, such as an attribute that `model` does not have.
    """
    return _with_type(parse_list_query(params, model=model))


def fields_query(request: Request) -> ListQuery:
    """Return which fields of a single document the request asks for; `@type` is among them.

    Raises:
        QueryError: when it asks twice.
    """
    return _with_type(reads.fields_query(request))


def query_in_v4(query: ListQuery, kind: str = ORDER) -> ListQuery:
    """Return the query that finds, in v4's shape, what a query with v5's paths asks for, and all that it is made of."""
    return replace(
        query,
        filters=tuple(_condition_in_v4(each, kind) for each in query.filters),
        sort=tuple(Sort(_sorted_by(each.attribute, kind), each.descending) for each in query.sort),
        fields=None if query.fields is None else tuple(kept for name in query.fields for kept in kept_as(name, kind)),
    )


def _condition_in_v4(condition: Condition, kind: str) -> Condition:
    if isinstance(condition, Either):
        return Either(tuple(_filter_in_v4(each, kind) for each in condition.filters))
    return _filter_in_v4(condition, kind)


def _filter_in_v4(kept: Filter, kind: str) -> Filter:
    path = path_from_v5(kept.path, kind)
    return Filter(path, tuple(value_from_v5(path, each) for each in kept.values), kept.operator)


def _with_type(query: ListQuery) -> ListQuery:
    return query if query.fields is None else replace(query, fields=("@type", *query.fields))


def _sorted_by(attribute: str, kind: str) -> str:
    return ".".join(path_from_v5(attribute.split("."), kind))


def _is_same(name: str, before: Any, after: Any) -> bool:
    # Who sends all items has read their states and prices when they may have been others.
    return same(_bare(before), _bare(after)) if name == _ITEMS else same(before, after)


def _bare(items: Any) -> Any:
    return items_as_sent(OrderKind.PRODUCT, items)


def _wanted(body: Any, ignored: frozenset[str]) -> Document:
    """Return a body without the attributes that are not the client's to set."""
    if not isinstance(body, dict):
        raise InvalidBodyError([Fault("", "the body must be a JSON object")])
    return {name: value for name, value in body.items() if name not in ignored}


def _check_size(document: Document, limits: OrderLimits | None) -> None:
    if too_large := list(faults_of_size(_ITEMS, document, limits or OrderLimits())):
        raise InvalidBodyError(too_large)


def _checked(model: type[BaseModel], document: Document, faults: Sequence[Fault] = ()) -> Document:
    """Return a document, which must be a `model` and have none of these faults, in the form in which it is kept."""
    if found := [*faults, *faults_of(model, document)]:
        raise InvalidBodyError(found)
    return in_kept_form(model, document)


def _faults_of_state(body: Any) -> Iterator[Fault]:
    """Yield that an order is to begin in another state than orders begin in."""
    state = body.get("state") if isinstance(body, dict) else None
    if state not in (None, OrderState.ACKNOWLEDGED):
        yield Fault("state", NOT_BEGUN_OTHERWISE)
