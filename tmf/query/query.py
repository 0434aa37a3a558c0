"""List queries: filters, fields, sorting and paging as TM Forum's APIs write them (TMF630), read and checked.

A filter's path is looked for with arrays searched through: `productOrderItem.product.id=p1` finds an order any of whose
items has that product. What a filter matches is in `tmf.query.matching`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel

from tmf.bodies import Document, is_storable
from tmf.query.attributes import Attributes, UnknownAttributeError, attributes_of
from tmf.query.checks import check_value
from tmf.query.patterns import PatternError, pattern
from tmf.words import shown

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_OFFSET = 2**31 - 1
MAX_FILTERS = 50
MAX_PATTERNS = 5
MAX_SORTS = 10

_PAGING = ("fields", "offset", "limit", "sort")
_SEGMENT = re.compile(r"[@\w$:-]{1,100}")
_VALUE = re.compile(r'\s*+(?:"((?:[^"\\]|\\.)*+)"\s*+|([^",]*+))(,|$)', re.DOTALL)
_SIGN = r"[<>!*=]=|=~|[<>=]"
_HEAD = re.compile(rf"([^<>!*=]*)({_SIGN})", re.DOTALL)
_NEXT = re.compile(rf";(?=[@\w$:.-]+(?:{_SIGN}))")
"""Where another filter begins that may hold instead; any other semicolon is one of a value."""
_NEXT_UNQUOTED = re.compile(rf'"(?:[^"\\]|\\.)*+(?:"|\\?$)|{_NEXT.pattern}', re.DOTALL)
"""The same, and what is in quotes, to pass over it; a quote that nobody closes goes on to the end."""


class QueryError(Exception):
    """A list query that makes no sense: which parameter, and why."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter, self.message = parameter, message


class Operator(StrEnum):
    """How a filter compares, as its suffix says: `orderDate.gte=…`. Without one it is `eq`."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    REGEX = "regex"


_SIGNS = {
    "=": Operator.EQ,
    "!=": Operator.NE,
    ">": Operator.GT,
    ">=": Operator.GTE,
    "<": Operator.LT,
    "<=": Operator.LTE,
    "*=": Operator.REGEX,
    "=~": Operator.REGEX,
}
"""How TMF630 writes them between the path and the value."""


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
class Either:
    """The documents that any of several filters lets through."""

    filters: tuple[Filter, ...]


Condition: TypeAlias = Filter | Either


def filters_of(condition: Condition) -> tuple[Filter, ...]:
    """Return the filters that a condition is made of."""
    return condition.filters if isinstance(condition, Either) else (condition,)


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by an attribute, or by the first of its values; documents without any come last."""

    attribute: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which documents to list (all conditions hold), which of their attributes, and which part of the list.

    Without `sort` the newest orders come first. `fields` None means all attributes.
    """

    filters: tuple[Condition, ...] = ()
    fields: tuple[str, ...] | None = None
    offset: int = 0
    limit: int = DEFAULT_LIMIT
    sort: tuple[Sort, ...] = ()

    def project(self, document: Document) -> Document:
        """Return of a document the fields asked for; id and href are always among them."""
        if self.fields is None:
            return document
        return {name: value for name, value in document.items() if name in ("id", "href", *self.fields)}


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: how many documents match in all, and those of this part."""

    total: int
    documents: list[Document]


def parse_list_query(
    params: Sequence[tuple[str, str]],
    sortable: Collection[str] | None = None,
    *,
    model: type[BaseModel] | None = None,
    levels: int | None = None,
    commas_too: bool = False,
) -> ListQuery:
    """Read the decoded parameters of a list request: `fields`, `offset`, `limit`, `sort`; all others are filters.

    A filter is `path=value`, or `path.gte=value` with one of the operators; TMF630's `path>=value` is the same. Several
    values separated by commas mean any of them; a value in double quotes may hold commas, and `\\"` for a quote; a
    pattern (`.regex`) is one value as it stands. Filters joined by `;` are alternatives, and all that are joined by `&`
    must hold. `fields` may name what is not there.

    Args:
        sortable: the attributes that the list can be sorted by; any where it is None.
        model: what is listed: filters and sorting by an attribute that it does not have are refused, and so are values
            that the attribute cannot have.
        levels: how many levels of it have no other attributes than the model names; all where it is None.
        commas_too: whether a value with commas may also be meant as it stands.

    Raises:
        QueryError: naming the parameter that makes no sense.
    """
    attributes = None if model is None else attributes_of(model, levels)
    paging: dict[str, str] = {}
    filters: list[Condition] = []
    for name, value in params:
        if not is_storable(value):
            raise QueryError(name, "holds a character that no order can hold")
        if name not in _PAGING:
            filters.append(_condition(name, value, attributes, commas_too))
        elif name in paging:
            raise QueryError(name, "is given more than once")
        else:
            paging[name] = value
    asked = [kept for each in filters for kept in filters_of(each)]
    if len(asked) > MAX_FILTERS:
        raise QueryError(params[-1][0], f"is more than the {MAX_FILTERS} filters that one request may have")
    patterns = [kept.attribute for kept in asked if kept.operator == Operator.REGEX for _ in kept.values]
    if len(patterns) > MAX_PATTERNS:
        raise QueryError(f"{patterns[-1]}.regex", f"is more than the {MAX_PATTERNS} patterns that one request may have")
    if attributes is not None:
        _check_contradictions(filters, attributes)
    sort = tuple(_sort(word, sortable, attributes) for word in _words(paging.get("sort", "")))
    if len(sort) > MAX_SORTS:
        raise QueryError("sort", f"names more than {MAX_SORTS} attributes")
    return ListQuery(
        filters=tuple(filters),
        fields=tuple(_words(paging["fields"])) if "fields" in paging else None,
        offset=_integer("offset", paging.get("offset", "0"), 0, MAX_OFFSET),
        limit=_integer("limit", paging.get("limit", str(DEFAULT_LIMIT)), 1, MAX_LIMIT),
        sort=sort,
    )


def parse_query_string(text: str, sortable: Collection[str] = (), *, model: type[BaseModel] | None = None) -> ListQuery:
    """Read a query as it stands behind the `?` of an address: `eventType=…&event.productOrder.state=completed`.

    Raises:
        QueryError: naming the parameter that makes no sense.
    """
    if text and not all(re.search(_SIGN, unquote(each)) for each in text.split("&")):
        raise QueryError("query", f"{shown(text)} is not written as name=value&…")
    params = parse_qsl(text, keep_blank_values=True)
    return parse_list_query(params, sortable, model=model)


def _condition(name: str, value: str, attributes: Attributes | None, commas_too: bool) -> Condition:
    """Read a parameter: one filter, or several that are joined by semicolons."""
    # What stands before the first «=» came as the name; it is all of a filter like `orderDate>2026-03-01`.
    text = name if not value and re.search(f".(?:{_SIGN}).", name, re.DOTALL) else f"{name}={value}"
    filters: list[Filter] = []
    position = 0
    while position <= len(text):
        head = _HEAD.match(text, position)
        if head is None:
            raise QueryError(name, _NO_PATH)
        written, sign = head.groups()
        if filters and written in _PAGING:
            raise QueryError(written, "is no filter, and so no alternative to one: it stands behind & and not behind ;")
        path, compared = _compared(name, written, sign, attributes)
        end = _end(text, head.end(), is_pattern=compared == Operator.REGEX)
        asked = text[head.end() : end]
        read = _filter(written, path, compared, asked, attributes)
        filters.append(replace(read, values=tuple(dict.fromkeys((*read.values, asked)))) if commas_too else read)
        position = end + 1
    return _either(filters)


_NO_PATH = "is not the path of an attribute, such as state or productOrderItem.product.id"


def _compared(name: str, written: str, sign: str, attributes: Attributes | None) -> tuple[tuple[str, ...], Operator]:
    """Return the path that a filter begins with, and how it compares."""
    if sign == "==":
        raise QueryError(written, '== is no operator: write = for equal, or the value in double quotes ("=…")')
    path, compared = _path(name, written), _SIGNS[sign]
    if compared == Operator.EQ and len(path) > 1 and path[-1] in set(Operator) and not _declares(attributes, path):
        path, compared = path[:-1], Operator(path[-1])
    if attributes is not None:
        _check_known(written, path, attributes)
    return path, compared


def _end(text: str, begin: int, *, is_pattern: bool) -> int:
    """Return where a filter's value ends: where the next alternative begins, outside of quotes, or with the text."""
    parts = (_NEXT if is_pattern else _NEXT_UNQUOTED).finditer(text, begin)
    return next((part.start() for part in parts if part[0] == ";"), len(text))


def _filter(name: str, path: tuple[str, ...], compared: Operator, text: str, attributes: Attributes | None) -> Filter:
    if compared == Operator.REGEX:
        try:
            pattern(text)
        except PatternError as error:
            raise QueryError(name, str(error)) from error
    values = (text,) if compared == Operator.REGEX else _values(name, text)
    if attributes is not None:
        for each in values:
            if wrong := check_value(attributes, path, compared, each):
                raise QueryError(name, wrong)
    return Filter(path, values, compared)


def _either(filters: Sequence[Filter]) -> Condition:
    """Return filters as alternatives; where values of one filter say the same, as that filter."""
    first = filters[0]
    same = all((each.path, each.operator) == (first.path, first.operator) for each in filters)
    # None of several values is not the same as not one value or not the other.
    if not same or (first.operator == Operator.NE and len(filters) > 1):
        return Either(tuple(dict.fromkeys(filters)))
    return Filter(first.path, tuple(dict.fromkeys(value for each in filters for value in each.values)), first.operator)


def _check_contradictions(filters: Sequence[Condition], attributes: Attributes) -> None:
    """Refuse filters that ask one value to be two things at once.

    Raises:
        QueryError: naming the attribute.
    """
    asked: dict[tuple[str, ...], tuple[str, ...]] = {}
    for each in filters:
        if isinstance(each, Either) or each.operator != Operator.EQ or attributes.is_repeated(each.path):
            continue
        before = asked.setdefault(each.path, each.values)
        if before is not each.values and set(before).isdisjoint(each.values):
            either = ",".join([*before, *each.values])
            raise QueryError(
                each.attribute, f"has one value, and is asked for two: for either write {each.attribute}={either}"
            )


def _path(name: str, written: str) -> tuple[str, ...]:
    segments = tuple(written.split("."))
    if not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise QueryError(name, _NO_PATH)
    return segments


def _declares(attributes: Attributes | None, path: Sequence[str]) -> bool:
    return attributes is not None and attributes.declares(path)


def _check_known(name: str, path: Sequence[str], attributes: Attributes) -> None:
    try:
        attributes.check(path)
    except UnknownAttributeError as error:
        is_operator = len(path) > 1 and attributes.declares(path[:-1]) and not attributes.parts(path[:-1])
        operators = f"; operators are {', '.join(Operator)}" if is_operator else ""
        raise QueryError(name, f"{error}{operators}") from error


def _values(name: str, text: str) -> tuple[str, ...]:
    values, position, separator = [], 0, ","
    while separator:
        found = _VALUE.match(text, position)
        if found is None:
            raise QueryError(name, f"{shown(text)} has a quote that is not closed or not around a whole value")
        quoted, plain, separator = found.groups()
        values.append(plain.rstrip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        position = found.end()
    return tuple(dict.fromkeys(values))


def _integer(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not least <= int(text) <= most:
        raise QueryError(name, f"must be a whole number from {least} to {most}, not {shown(text)}")
    return int(text)


def _words(text: str) -> Iterator[str]:
    return (word.strip() for word in text.split(",") if word.strip())


def _sort(word: str, sortable: Collection[str] | None, attributes: Attributes | None) -> Sort:
    attribute = word.lstrip("+-").strip()
    if sortable is not None and attribute not in sortable:
        allowed = f"not one of {', '.join(sortable)}" if sortable else "nothing that this list can be sorted by"
        raise QueryError("sort", f"{attribute} is {allowed}")
    path = _path("sort", attribute)
    if attributes is not None:
        _check_known("sort", path, attributes)
    return Sort(attribute, descending=word.startswith("-"))
