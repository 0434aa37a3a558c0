"""List queries: filters, fields, sorting and paging as TM Forum's APIs write them (TMF630), and what they match.

A filter's path is looked for with arrays searched through: `productOrderItem.product.id=p1` finds an order any of whose
items has that product. Of values that are compared, numbers go with numbers, times with times, as instants, and any
other text with text, by code point; what is of another type does not match.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel

from store.attributes import UnknownAttributeError, attributes_of
from store.documents import Json, as_instant, is_storable, values_at
from store.errors import QueryError
from store.patterns import PatternError, pattern

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_OFFSET = 2**31 - 1
MAX_FILTERS = 50
MAX_SORTS = 10

_SEGMENT = re.compile(r"[@\w$:-]{1,100}")
_VALUE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",]*))\s*(,|$)', re.DOTALL)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class Operator(StrEnum):
    """How a filter compares, as its suffix says: `orderDate.gte=…`. Without one it is `eq`."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    REGEX = "regex"


_SIGNS = {"!": Operator.NE, ">": Operator.GTE, "<": Operator.LTE, "*": Operator.REGEX}
"""What TMF630 writes before the `=`: `orderDate>=…`, with the name ending in the sign then."""
_STRICT_SIGNS = {">": Operator.GT, "<": Operator.LT}
"""What it writes in place of the `=`: `orderDate>…`, which is all name and no value then."""
COMPARISONS: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """The documents of which any value at `path` compares like that with any of `values`.

    `ne` is the opposite of `eq`: no value at the path is any of them.
    """

    path: tuple[str, ...]
    values: tuple[str, ...]
    operator: Operator = Operator.EQ

    @property
    def attribute(self) -> str:
        """The path as a client writes it."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by an attribute, or by the first of its values; documents without any come last."""

    attribute: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which documents to list (all filters hold), which of their attributes, and which part of the list.

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


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: how many documents match in all, and those of this part."""

    total: int
    documents: list[Json]


def parse_list_query(
    params: Sequence[tuple[str, str]],
    sortable: Collection[str] | None = None,
    *,
    model: type[BaseModel] | None = None,
) -> ListQuery:
    """Read the decoded parameters of a list request: `fields`, `offset`, `limit`, `sort`; all others are filters.

    A filter is `path=value`, or `path.gte=value` with one of the operators; TMF630's `path>=value` is the same. Several
    values separated by commas mean any of them; a value in double quotes may hold commas, and `\\"` for a quote; a
    pattern (`.regex`) is one value as it stands. All filters must hold. `fields` may name what is not there.

    Args:
        sortable: the attributes that the list can be sorted by; any where it is None.
        model: what is listed: filters and sorting by an attribute that it does not have are refused.

    Raises:
        QueryError: naming the parameter that makes no sense.
    """
    paging: dict[str, str] = {}
    filters = []
    for name, value in params:
        if not is_storable(value):
            raise QueryError(name, "holds a character that no order can hold")
        if name not in ("fields", "offset", "limit", "sort"):
            filters.append(_filter(name, value, model))
        elif name in paging:
            raise QueryError(name, "is given more than once")
        else:
            paging[name] = value
    if len(filters) > MAX_FILTERS:
        raise QueryError(params[-1][0], f"is more than the {MAX_FILTERS} filters that one request may have")
    sort = tuple(_sort(word, sortable, model) for word in _words(paging.get("sort", "")))
    if len(sort) > MAX_SORTS:
        raise QueryError("sort", f"names more than {MAX_SORTS} attributes")
    return ListQuery(
        filters=tuple(filters),
        fields=tuple(_words(paging["fields"])) if "fields" in paging else None,
        offset=_integer("offset", paging.get("offset", "0"), 0, MAX_OFFSET),
        limit=_integer("limit", paging.get("limit", str(DEFAULT_LIMIT)), 1, MAX_LIMIT),
        sort=sort,
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


def _filter(name: str, text: str, model: type[BaseModel] | None) -> Filter:
    written, compared = name, Operator.EQ
    if name[-1:] in _SIGNS and text:
        written, compared = name[:-1], _SIGNS[name[-1]]
    elif not text and (strict := re.fullmatch(r"([^<>]+)([<>])(.+)", name, re.DOTALL)):
        written, compared, text = strict[1], _STRICT_SIGNS[strict[2]], strict[3]
    path = _path(name, written)
    if compared == Operator.EQ and len(path) > 1 and path[-1] in set(Operator) and not _declared(model, path):
        path, compared = path[:-1], Operator(path[-1])
    _check_known(name, path, model)
    if compared == Operator.REGEX:
        try:
            pattern(text)
        except PatternError as error:
            raise QueryError(name, str(error)) from error
        return Filter(path, (text,), compared)
    return Filter(path, _values(name, text), compared)


def _path(name: str, written: str) -> tuple[str, ...]:
    segments = tuple(written.split("."))
    if not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise QueryError(name, "is not the path of an attribute, such as state or productOrderItem.product.id")
    return segments


def _declared(model: type[BaseModel] | None, path: Sequence[str]) -> bool:
    return model is not None and attributes_of(model).declares(path)


def _check_known(name: str, path: Sequence[str], model: type[BaseModel] | None) -> None:
    if model is None:
        return
    try:
        attributes_of(model).check(path)
    except UnknownAttributeError as error:
        raise QueryError(name, str(error)) from error


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


def _sort(word: str, sortable: Collection[str] | None, model: type[BaseModel] | None) -> Sort:
    attribute = word.lstrip("+-").strip()
    if sortable is not None and attribute not in sortable:
        raise QueryError("sort", f"{attribute} is not one of {', '.join(sortable)}")
    _check_known("sort", _path("sort", attribute), model)
    return Sort(attribute, descending=word.startswith("-"))


def candidates(values: Sequence[str]) -> list[Any]:
    """Return the JSON scalars that a filter's values stand for: the text itself, and the number, truth value or
    instant that it writes."""
    found: list[Any] = []
    for value in values:
        found.append(value)
        if value in ("true", "false"):
            found.append(value == "true")
        instant = written_instant(value)
        if instant is not None:
            found += [instant, instant.replace(".000Z", "Z")]
        number = _number(value)
        if number is not None:
            found.append(number)
    return found


def written_instant(value: str) -> str | None:
    """Return the time that a filter's value writes; a blank before the offset was a `+` before URL decoding."""
    return as_instant(value.strip().replace(" ", "+"))


def _number(text: str) -> int | float | None:
    if len(text) > 100 or not _NUMBER.fullmatch(text):
        return None
    number: int | float = json.loads(text)
    return number if math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Bound:
    """What a value is compared with: the number that it writes, and either the time or else the text."""

    number: int | float | None
    instant: str | None
    text: str

    def compares(self, value: Any, holds: Callable[[Any, Any], Any]) -> bool:
        """Return whether `holds` of a document's value and the bound of its type."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.number is not None and bool(holds(value, self.number))
        if not isinstance(value, str):
            return False
        if self.instant is None:
            return bool(holds(value, self.text))
        instant = as_instant(value)
        return instant is not None and bool(holds(instant, self.instant))


def bounds(values: Iterable[str]) -> list[Bound]:
    """Return what a filter's values are compared as."""
    return [Bound(_number(value), written_instant(value), value) for value in values]


def admits(filters: Iterable[Filter], document: Json) -> bool:
    """Return whether a document passes all filters, as the same query of the database would say."""
    return all(_predicate(kept)(document) for kept in filters)


@lru_cache(maxsize=256)
def _predicate(kept: Filter) -> Callable[[Json], bool]:
    path = kept.path
    match kept.operator:
        case Operator.EQ | Operator.NE:
            wanted, positive = candidates(kept.values), kept.operator == Operator.EQ
            return lambda document: positive == any(_equal(v, w) for v in values_at(document, path) for w in wanted)
        case Operator.REGEX:
            patterns = [pattern(each) for each in kept.values]
            return lambda document: any(
                each.search(v) for v in values_at(document, path) if isinstance(v, str) for each in patterns
            )
        case _:
            limits, holds = bounds(kept.values), COMPARISONS[kept.operator]
            return lambda document: any(each.compares(v, holds) for v in values_at(document, path) for each in limits)


def _equal(value: Any, wanted: Any) -> bool:
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (value, wanted))
    return bool(value == wanted) and (numbers or type(value) is type(wanted))


def page_of(query: ListQuery, documents: Iterable[Json]) -> Page:
    """Return of documents at hand what the query asks for, as a database would: filtered, sorted, and cut.

    Without `sort` they keep their order.
    """
    found = sorted_documents(query, (each for each in documents if admits(query.filters, each)))
    part = found[query.offset : query.offset + query.limit]
    return Page(len(found), [query.project(document) for document in part])


def sorted_documents(query: ListQuery, documents: Iterable[Json]) -> list[Json]:
    """Return documents at hand in the order that the query asks for; the id decides between equals."""
    found = list(documents)
    if query.sort:
        found.sort(key=lambda document: str(document.get("id")))
    for each in reversed(query.sort):
        keys = [(sort_key(document, each.attribute.split(".")), document) for document in found]
        some = [(key, document) for key, document in keys if key is not None]
        some.sort(key=lambda pair: pair[0], reverse=each.descending)
        found = [document for _, document in some] + [document for key, document in keys if key is None]
    return found


def sort_key(document: Json, path: Sequence[str]) -> tuple[int, Any] | None:
    """Return what a document is sorted by: numbers before text before truth values; None where there is nothing."""
    for value in values_at(document, path):
        match value:
            case bool():
                return (2, value)
            case int() | float():
                return (0, value)
            case str():
                return (1, value)
    return None
