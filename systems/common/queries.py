"""TM Forum list queries (TMF630): filters on attributes, ``fields``, ``sort``, ``offset`` and ``limit``."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic_core import SchemaError, SchemaValidator, core_schema

from systems.common.errors import Refusal
from tmf.bodies import Document
from tmf.instants import read_day_or_instant
from tmf.words import shown

ALWAYS_GIVEN = ("id", "href")
LARGEST_PAGE = 1000
ORDINARY_PAGE = 100
LARGEST_OFFSET = 2**31 - 1
LONGEST_PATTERN = 200
MOST_FILTERS = 50
NOT_FILTERS = ("fields", "offset", "limit", "sort")
OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "regex")
NUMBER = r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?"

_VALUE = re.compile(r'\s*+(?:"((?:[^"\\]|\\.)*+)"\s*+|([^",]*+))(,|$)', re.DOTALL)
_STEP = re.compile(r"[@\w$:-]{1,100}")
_SIGN = r"[<>!*=]=|=~|[<>=]"
_HEAD = re.compile(rf"([^<>!*=]*)({_SIGN})", re.DOTALL)
_NEXT = re.compile(rf";(?=[@\w$:.-]+(?:{_SIGN}))")
"""Where another filter begins that may hold instead; any other semicolon is one of a value."""
_NEXT_UNQUOTED = re.compile(rf'"(?:[^"\\]|\\.)*+(?:"|\\?$)|{_NEXT.pattern}', re.DOTALL)
"""The same, and what is in quotes, to pass over it; a quote that nobody closes goes on to the end."""
_SIGNS = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "*=": "regex", "=~": "regex"}
"""How TMF630 writes operators between the path and the value."""
_NUMBER = re.compile(NUMBER)


@dataclass(frozen=True)
class Filter:
    """``values`` are alternatives for what is at dotted ``path``; ``comparison`` is one of OPERATORS.

    ``meant`` are the ``values`` without that which is there only since a value with a comma may be meant as it stands.
    """

    path: str
    comparison: str
    values: tuple[str, ...]
    meant: tuple[str, ...] = ()

    @property
    def filters(self) -> tuple["Filter", ...]:
        """Itself: it has no alternatives."""
        return (self,)

    @property
    def written(self) -> str:
        """The path with its operator."""
        return self.path if self.comparison == "eq" else f"{self.path}.{self.comparison}"

    def admits(self, document: Document) -> bool:
        """Whether ``document`` passes: one value on a list is enough, but ``ne`` must hold for all of them."""
        found = texts_at(document, self.path)
        if self.comparison == "eq":
            return any(map(self.has, found))
        if self.comparison == "ne":
            return not any(map(self.has, found))
        if self.comparison == "regex":
            return any(pattern.isinstance_python(text) for text in found for pattern in self._patterns)
        return any(_in_order(text, self.comparison, value) for text in found for value in self.values)

    def has(self, text: str) -> bool:
        """Whether ``text`` is one of the values, or says the moment that one of them says."""
        return text in self.values or (bool(self.moments) and _moment(text) in self.moments)

    @cached_property
    def moments(self) -> frozenset[datetime]:
        """Those of the values that are dates."""
        return frozenset(moment for moment in map(_moment, self.values) if moment is not None)

    @cached_property
    def _patterns(self) -> list[SchemaValidator]:
        return [_pattern(self.path, value) for value in self.values]

    def check(self) -> None:
        """Raises Refusal 400 for a pattern that is too long or none at all."""
        if self.comparison == "regex":
            _ = self._patterns


@dataclass(frozen=True)
class Either:
    """Several filters, one of which must hold."""

    filters: tuple[Filter, ...]

    def admits(self, document: Document) -> bool:
        """Whether ``document`` passes one of them."""
        return any(each.admits(document) for each in self.filters)


Condition = Filter | Either


@dataclass(frozen=True)
class Sort:
    """By a first-level attribute."""

    attribute: str
    descending: bool = False


@dataclass(frozen=True)
class ListQuery:
    """What a list request asks for; all ``filters`` must hold."""

    filters: tuple[Condition, ...] = ()
    fields: tuple[str, ...] = ()
    sort: tuple[Sort, ...] = ()
    offset: int = 0
    limit: int = ORDINARY_PAGE

    def check_sort(self, sortable: Collection[str]) -> None:
        """Raises Refusal 400 that names what a list cannot be sorted by."""
        for wish in self.sort:
            if wish.attribute not in sortable:
                reason = f"sort: {wish.attribute} is not one of {', '.join(sorted(sortable))}"
                raise Refusal(400, "unknownAttribute", reason)

    def page(self, documents: Iterable[Document]) -> "Page":
        """The page of those ``documents``, all at hand, that pass the filters."""
        admitted = [document for document in documents if all(each.admits(document) for each in self.filters)]
        for wish in reversed(self.sort):
            admitted.sort(key=lambda document: _sort_key(document.get(wish.attribute)), reverse=wish.descending)
        return Page(admitted[self.offset : self.offset + self.limit], len(admitted))

    def answer(self, page: "Page") -> JSONResponse:
        """200 when the page holds all that match, else 206."""
        headers = {"X-Total-Count": str(page.total), "X-Result-Count": str(len(page.documents))}
        status = 200 if len(page.documents) == page.total else 206
        content = [self.only_fields(document) for document in page.documents]
        return JSONResponse(content, status_code=status, headers=headers)

    def only_fields(self, document: Document) -> Document:
        """``document`` with the fields asked for, and its id and href; all of it when none are."""
        if not self.fields:
            return document
        return {name: value for name, value in document.items() if name in self.fields or name in ALWAYS_GIVEN}


@dataclass(frozen=True)
class Page:
    """Some documents of a list, and how many match in all."""

    documents: list[Document]
    total: int


def texts_at(document: Any, path: str) -> Iterator[str]:
    """The scalar values at dotted ``path``, as text, across every element of the lists on the way."""
    yield from _texts(document, path.split("."))


def _texts(node: Any, path: list[str]) -> Iterator[str]:
    if isinstance(node, list):
        for element in node:
            yield from _texts(element, path)
    elif path:
        if isinstance(node, dict) and path[0] in node:
            yield from _texts(node[path[0]], path[1:])
    elif node is not None and not isinstance(node, dict):
        yield as_text(node)


def as_text(value: Any) -> str:
    """A scalar as a query string writes it: ``true``, ``250``, ``BER-1``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse_filters(parameters: Iterable[tuple[str, str]]) -> tuple[Condition, ...]:
    """Read filters: ``path=value``, or ``path.gt=value`` and the like; TMF630's ``path>value`` is the same.

    Values separated by commas are alternatives, a quoted one may hold commas; so are filters that are joined by
    semicolons. Raises Refusal 400 naming the parameter.
    """
    conditions = tuple(_condition(name, value) for name, value in parameters)
    if sum(len(each.filters) for each in conditions) > MOST_FILTERS:
        raise Refusal(400, "invalidQuery", f"a query has {MOST_FILTERS} filters at most")
    return conditions


def _condition(name: str, value: str) -> Condition:
    """A parameter: one filter, or several that are joined by semicolons."""
    if "\0" in name + value:
        raise Refusal(400, "invalidQuery", f"{shown(name)} holds a null character")
    # What stands before the first = came as the name; it is all of a filter like startDate>2026-03-01.
    text = name if not value and re.search(f".(?:{_SIGN}).", name, re.DOTALL) else f"{name}={value}"
    filters: list[Filter] = []
    position = 0
    while position <= len(text):
        head = _HEAD.match(text, position)
        written, sign = head.groups() if head else (name, "=")
        path, comparison = _compared(written, sign)
        begin = head.end() if head else len(text)
        end = _end(text, begin, is_pattern=comparison == "regex")
        filters.append(_filter(path, comparison, text[begin:end]))
        position = end + 1
    return filters[0] if len(filters) == 1 else Either(tuple(dict.fromkeys(filters)))


def _compared(written: str, sign: str) -> tuple[str, str]:
    """The path that a filter begins with, and how it compares."""
    if written in NOT_FILTERS:
        reason = "is no filter, and so no alternative to one: it stands behind & and not behind ;"
        raise Refusal(400, "invalidQuery", f"{written} {reason}")
    if sign not in _SIGNS:
        raise Refusal(400, "invalidQuery", f"{written}: {sign} is no operator: write = for equal")
    path, _, last = written.rpartition(".")
    path, comparison = (path, last) if sign == "=" and path and last in OPERATORS else (written, _SIGNS[sign])
    if not all(_STEP.fullmatch(step) for step in path.split(".")):
        raise Refusal(400, "invalidQuery", f"{shown(written)} is not the path of an attribute, such as relatedParty.id")
    return path, comparison


def _end(text: str, begin: int, *, is_pattern: bool) -> int:
    """Where a filter's value ends: where the next alternative begins, outside of quotes, or with the text."""
    parts = (_NEXT if is_pattern else _NEXT_UNQUOTED).finditer(text, begin)
    return next((part.start() for part in parts if part[0] == ";"), len(text))


def _filter(path: str, comparison: str, text: str) -> Filter:
    # A pattern may hold commas and quotes of its own; a value with a comma may also be meant as it stands.
    meant = (text,) if comparison == "regex" else tuple(dict.fromkeys(_alternatives(path, text)))
    read = Filter(path, comparison, tuple(dict.fromkeys([*meant, text])), meant)
    read.check()
    return read


def _alternatives(name: str, value: str) -> Iterator[str]:
    position, separator = 0, ","
    while separator:
        found = _VALUE.match(value, position)
        if found is None:
            raise Refusal(
                400,
                "invalidQuery",
                f"{name}: {shown(value)} has a quote that is not closed or not around a whole value",
            )
        quoted, plain, separator = found.groups()
        yield plain.rstrip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        position = found.end()


def _pattern(path: str, pattern: str) -> SchemaValidator:
    # Pydantic's own engine needs time in proportion to the text, whatever the pattern; Python's may never end.
    if len(pattern) > LONGEST_PATTERN:
        raise Refusal(400, "invalidQuery", f"{path}.regex: a pattern has {LONGEST_PATTERN} characters at most")
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        raise Refusal(400, "invalidQuery", f"{path}.regex: {shown(pattern)} is not a pattern") from None


def _in_order(text: str, comparison: str, bound: str) -> bool:
    left, right = _comparable(text, bound)
    if comparison == "gt":
        return bool(left > right)
    if comparison == "gte":
        return bool(left >= right)
    return bool(left < right) if comparison == "lt" else bool(left <= right)


def _comparable(text: str, bound: str) -> tuple[Any, Any]:
    """Both as numbers or as moments where both are, else as text."""
    if _NUMBER.fullmatch(text) and _NUMBER.fullmatch(bound):
        return float(text), float(bound)
    moments = (_moment(text), _moment(bound))
    return moments if None not in moments else (text, bound)


def _moment(text: str) -> datetime | None:
    try:
        return read_day_or_instant(text)
    except ValueError:
        return None


def _sort_key(value: Any) -> tuple[bool, str]:
    return (value is None, as_text(value))


async def _query_of(request: Request) -> ListQuery:
    given = request.query_params.multi_items()
    for name in NOT_FILTERS:
        if sum(each == name for each, _ in given) > 1:
            raise Refusal(400, "invalidQuery", f"{name} is given more than once")
    parameters = dict(given)
    return ListQuery(
        filters=parse_filters((name, value) for name, value in given if name not in NOT_FILTERS),
        fields=tuple(_words(parameters.get("fields", ""))),
        sort=tuple(
            Sort(word.lstrip("+-").strip(), word.startswith("-")) for word in _words(parameters.get("sort", ""))
        ),
        offset=_count("offset", parameters.get("offset", "0"), 0, LARGEST_OFFSET),
        limit=_count("limit", parameters.get("limit", str(ORDINARY_PAGE)), 1, LARGEST_PAGE),
    )


def _words(text: str) -> Iterator[str]:
    return (word.strip() for word in text.split(",") if word.strip())


def _count(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not least <= int(text) <= most:
        raise Refusal(400, "invalidQuery", f"{name} must be a whole number from {least} to {most}, not {shown(text)}")
    return int(text)


ListQueryDep = Annotated[ListQuery, Depends(_query_of)]
