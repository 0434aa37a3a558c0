"""List queries: filters, fields, sorting and paging as TM Forum's APIs write them (TMF630), and what they match.

A filter's path is looked for with arrays searched through: `productOrderItem.product.id=p1` finds an order any of whose
items has that product. Unknown attributes match nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import Column, ColumnElement, Table, bindparam, cast, func, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.sql.elements import UnaryExpression

from store.documents import DATES, TEXTS, Json, as_instant, is_storable, write_json
from store.errors import QueryError
from store.tables import order_parties, orders

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_OFFSET = 2**31 - 1
MAX_FILTERS = 50

_SEGMENT = re.compile(r"[@\w$:-]{1,100}")
_VALUE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",]*))\s*(,|$)', re.DOTALL)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Listed:
    """A table that can be listed: its `document`, and the columns that attributes have of their own."""

    table: Table
    columns: dict[str, str]
    """Path of an attribute, as in `productOrder.id` → column."""
    age: str
    """The column with the time by which the newest come first."""

    def column(self, attribute: str) -> Column[Any]:
        return self.table.c[self.columns[attribute]]


ORDERS = Listed(orders, {"id": "id"} | TEXTS | DATES, age="order_date")


@dataclass(frozen=True, slots=True)
class Filter:
    """The orders that have any of `values` at `path`."""

    path: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by an attribute that has a column."""

    attribute: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which orders to list (all filters hold), which of their attributes, and which part of the list.

    Without `sort` the newest orders come first. `fields` None means all attributes.
    """

    filters: tuple[Filter, ...] = ()
    fields: tuple[str, ...] | None = None
    offset: int = 0
    limit: int = DEFAULT_LIMIT
    sort: tuple[Sort, ...] = ()

    def project(self, document: Json) -> Json:
        """Return of a document the fields asked for; id and href are always among them."""
        if self.fields is None:
            return document
        return {name: value for name, value in document.items() if name in ("id", "href", *self.fields)}


def parse_list_query(params: Sequence[tuple[str, str]], sortable: Collection[str] = tuple(ORDERS.columns)) -> ListQuery:
    """Read the decoded parameters of a list request: `fields`, `offset`, `limit`, `sort`; all others are filters.

    A filter is `path=value`; several values separated by commas mean any of them; a value in double quotes may hold
    commas, and `\\"` for a quote. All filters must hold.

    Args:
        sortable: the attributes that the list can be sorted by.

    Raises:
        QueryError: naming the parameter that makes no sense.
    """
    paging: dict[str, str] = {}
    filters = []
    for name, value in params:
        if not is_storable(value):
            raise QueryError(name, "holds a character that no order can hold")
        if name not in ("fields", "offset", "limit", "sort"):
            filters.append(Filter(_path(name), _values(name, value)))
        elif name in paging:
            raise QueryError(name, "is given more than once")
        else:
            paging[name] = value
    if len(filters) > MAX_FILTERS:
        raise QueryError(params[-1][0], f"is more than the {MAX_FILTERS} filters that one request may have")
    return ListQuery(
        filters=tuple(filters),
        fields=tuple(_words(paging["fields"])) if "fields" in paging else None,
        offset=_integer("offset", paging.get("offset", "0"), 0, MAX_OFFSET),
        limit=_integer("limit", paging.get("limit", str(DEFAULT_LIMIT)), 1, MAX_LIMIT),
        sort=tuple(_sort(word, sortable) for word in _words(paging.get("sort", ""))),
    )


def parse_query_string(text: str, sortable: Collection[str] = ()) -> ListQuery:
    """Read a query as it stands behind the `?` of an address: `eventType=…&event.productOrder.state=completed`.

    Raises:
        QueryError: naming the parameter that makes no sense.
    """
    try:
        params = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    except ValueError as error:
        raise QueryError("query", f"{text} is not written as name=value&…") from error
    return parse_list_query(params, sortable)


def _path(name: str) -> tuple[str, ...]:
    segments = tuple(name.split("."))
    if not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise QueryError(name, "is not the path of an attribute, such as state or productOrderItem.product.id")
    return segments


def _values(name: str, text: str) -> tuple[str, ...]:
    values, position, separator = [], 0, ","
    while separator:
        found = _VALUE.match(text, position)
        if found is None:
            raise QueryError(name, f"{text} has a quote that is not closed or not around a whole value")
        quoted, plain, separator = found.groups()
        values.append(plain.rstrip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        position = found.end()
    return tuple(dict.fromkeys(values))


def _integer(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not least <= int(text) <= most:
        raise QueryError(name, f"must be a whole number from {least} to {most}")
    return int(text)


def _words(text: str) -> Iterator[str]:
    return (word.strip() for word in text.split(",") if word.strip())


def _sort(word: str, sortable: Collection[str]) -> Sort:
    attribute = word.lstrip("+-").strip()
    if attribute not in sortable:
        raise QueryError("sort", f"{attribute} is not one of {', '.join(sortable)}")
    return Sort(attribute, descending=word.startswith("-"))


def condition(kept: Filter, dialect: str, listed: Listed = ORDERS) -> ColumnElement[bool]:
    """Return a filter as a condition: by column where there is one, else by search in the document."""
    path = ".".join(kept.path)
    if listed is ORDERS and path == "relatedParty.id":
        related = select(order_parties.c.kind, order_parties.c.order_id).where(
            order_parties.c.party_id.in_(kept.values)
        )
        return tuple_(orders.c.kind, orders.c.id).in_(related)
    if path in listed.columns:
        values = [as_instant(value) or value for value in kept.values] if path in DATES else kept.values
        return listed.column(path).in_(values)
    document = listed.table.c.document
    if dialect == "postgresql":
        return _jsonpath_condition(document, kept)
    return func.document_matches(document, write_json(kept.path), write_json(candidates(kept.values))) == 1


def _jsonpath_condition(document: ColumnElement[Any], kept: Filter) -> ColumnElement[bool]:
    path = "".join(f".{write_json(segment)}" for segment in kept.path)
    wanted = bindparam(None, {"wanted": candidates(kept.values)}, type_=JSONB)
    return func.jsonb_path_exists(document, cast(f"lax ${path} ? (@ == $wanted[*])", JSONPATH), wanted)


def ordering(query: ListQuery, listed: Listed = ORDERS) -> list[UnaryExpression[Any]]:
    """Return what the list is sorted by; the id decides between equals, so that pages never overlap.

    Raises:
        QueryError: when the list cannot be sorted by one of the attributes.
    """
    table = listed.table
    if not query.sort:
        return [table.c[listed.age].desc(), table.c.id.desc()]
    for each in query.sort:
        _sort(each.attribute, listed.columns)
    chosen = [(listed.column(each.attribute), each.descending) for each in query.sort]
    return [*((c.desc() if down else c.asc()).nulls_last() for c, down in chosen), table.c.id.asc()]


def candidates(values: Sequence[str]) -> list[Any]:
    """Return the JSON scalars that a filter's values stand for: the text itself, and the number, truth value or
    instant that it writes."""
    found: list[Any] = []
    for value in values:
        found.append(value)
        if value in ("true", "false"):
            found.append(value == "true")
        instant = as_instant(value)
        if instant is not None:
            found += [instant, instant.replace(".000Z", "Z")]
        number = _number(value)
        if number is not None:
            found.append(number)
    return found


def _number(text: str) -> int | float | None:
    if len(text) > 100 or not _NUMBER.fullmatch(text):
        return None
    number: int | float = json.loads(text)
    return number if math.isfinite(number) else None


def document_matches(document: str, path: str, wanted: str) -> bool:
    """Return whether a document has any of the wanted scalars at the path: SQLite's `jsonb_path_exists`, lax mode.

    All three arguments are JSON as the store writes it: an object, a list of names, a list of scalars.
    """
    scalars = [each for each, trace in _wanted(wanted) if trace in document]
    if not scalars:
        return False
    values = _values_at(json.loads(document), _names(path))
    return any(_equal(value, each) for value in values for each in scalars)


def admits(filters: Iterable[Filter], document: Json) -> bool:
    """Return whether a document passes all filters, as the same query of the database would say."""
    return all(
        any(_equal(value, each) for value in _values_at(document, kept.path) for each in candidates(kept.values))
        for kept in filters
    )


@lru_cache(maxsize=256)
def _names(path: str) -> list[str]:
    return list(json.loads(path))


@lru_cache(maxsize=256)
def _wanted(wanted: str) -> list[tuple[Any, str]]:
    """Return the scalars, each with what any document that has it contains: most need not be parsed then."""
    return [(each, write_json(each) if isinstance(each, str) else "") for each in json.loads(wanted)]


def _values_at(node: Any, names: Sequence[str]) -> Iterator[Any]:
    if not names:
        for each in _unwrapped(node):
            yield from _unwrapped(each)
        return
    for each in _unwrapped(node):
        if isinstance(each, dict) and names[0] in each:
            yield from _values_at(each[names[0]], names[1:])


def _unwrapped(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


def _equal(value: Any, wanted: Any) -> bool:
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (value, wanted))
    return bool(value == wanted) and (numbers or type(value) is type(wanted))
